"""What the engine is asked to read from the logits at the final position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ppcheck.arrays import Floats, Integers


class Readout(Protocol):
    """Turns logits at the final position into one number a prompt.

    ``tokens`` [prompt, k] are the only token ids whose logits are needed, so that nothing else need
    be unembedded; None asks for the whole vocabulary.
    """

    @property
    def tokens(self) -> Integers | None: ...

    def values(self, logits: Floats, rows: Integers) -> Floats:
        """``logits`` [row, k] (or [row, vocabulary]) of the prompts numbered ``rows``, to [row]."""
        ...


@dataclass(frozen=True, eq=False)
class Logits:
    """The logits of some tokens as they are: `values` gives [row, k]."""

    tokens: Integers

    def values(self, logits: Floats, rows: Integers) -> Floats:
        del rows
        return logits


@dataclass(frozen=True, eq=False)
class Answers:
    """The logits of some tokens, then their log-probabilities over the vocabulary: [row, 2 k].

    `values` takes these as they are: both follow from one pass.
    """

    tokens: Integers

    def values(self, logits: Floats, rows: Integers) -> Floats:
        del rows
        return logits


@dataclass(frozen=True)
class Distribution:
    """The log-probabilities of the whole vocabulary in nats, [row, vocabulary]."""

    tokens: None = None

    def values(self, logits: Floats, rows: Integers) -> Floats:
        del rows
        shifted = logits - logits.max(axis=1, keepdims=True)
        found: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return found


@dataclass(frozen=True)
class LastStream:
    """The stream from which logits would be read, [row, width]: nothing is unembedded.

    `values` takes it in place of logits, as it is. It can be asked of a model that `unembeds`.
    """

    width: int
    tokens: None = None

    def values(self, logits: Floats, rows: Integers) -> Floats:
        del rows
        return logits


def raw(readout: Readout) -> Readout:
    """What has to be asked of the model: readouts of the same tokens ask the same."""
    return readout if readout.tokens is None else Logits(readout.tokens)


def applied(readout: Readout, found: Floats) -> Floats:
    """``readout`` of what its `raw` gave: [..., prompt, k] to [..., prompt]."""
    if readout.tokens is None or isinstance(readout, Logits | Answers):
        return found
    rows = np.arange(found.shape[-2])
    flat = [readout.values(each, rows) for each in found.reshape(-1, *found.shape[-2:])]
    return np.array(flat).reshape(found.shape[:-1])


def width(readout: Readout) -> tuple[int, ...]:
    """The shape of one prompt's value."""
    if isinstance(readout, LastStream):
        return (readout.width,)
    return (readout.tokens.shape[1],) if isinstance(readout, Logits) else ()
