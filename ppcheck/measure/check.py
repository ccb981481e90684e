"""What a check is given, and what it gives back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ppcheck.measure.statistics import Floats, Labels, Statistic
from ppcheck.spec.claim import Claim
from ppcheck.spec.grid import Contrast, Grid, Prompt
from ppcheck.spec.selection import Selection
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.subject import Subject


@dataclass(frozen=True)
class Bench:
    """The model under test, the prompts of one set, and the seed that names every random choice."""

    subject: Subject
    grid: Grid
    seed: int

    def prompts(self, selection: Selection) -> Encoded:
        return self.subject.encode(self.grid.select(selection))

    def pairs(self, selection: Selection, contrast: Contrast | None) -> tuple[Encoded, Encoded]:
        """The clean prompts and their corrupted twins, in the same order."""
        pairs = self.grid.pairs(selection, contrast)
        clean = self.subject.encode([pair.clean for pair in pairs])
        return clean, self.subject.encode([pair.corrupted for pair in pairs])


@dataclass(frozen=True)
class Measured:
    """One statistic with what a person needs to see behind it.

    ``examples`` names each example of the statistic; ``contributions`` [example] says how far each
    pulls the statistic up.
    """

    statistic: Statistic
    examples: tuple[str, ...]
    contributions: Floats


@dataclass(frozen=True)
class Measurement:
    """What one claim measured. ``facts`` are builtin types that the record keeps."""

    measured: tuple[Measured, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Check(Claim):
    """A claim that knows how to measure itself: one file for each kind."""

    def measure(self, bench: Bench) -> Measurement:
        """Raises MeasurementError where it cannot, UnsupportedError where the model lacks the part."""
        raise NotImplementedError  # every check does


def measured(
    statistic: Statistic, examples: Iterable[str], contributions: Floats | None = None
) -> Measured:
    pull = statistic.values() if contributions is None else contributions
    return Measured(statistic, tuple(examples), pull)


def unit_labels(units: Sequence[str]) -> Labels:
    """A number for each unit's name, [example]."""
    return np.unique(np.asarray(units), return_inverse=True)[1].astype(np.int64)


def prompt_facts(*sides: Sequence[Prompt]) -> dict[str, Any]:
    """How many prompts (or pairs) and units there were, and a hash of their texts."""
    digest = hashlib.sha256()
    for side in sides:
        for prompt in side:
            digest.update(prompt.text.encode() + b"\0")
    units = {prompt.unit for prompt in sides[0]}
    return {"prompts": len(sides[0]), "units": len(units), "prompts_sha256": digest.hexdigest()}
