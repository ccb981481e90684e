"""The loss: how unexpected a prompt's own tokens are, read after what stands before each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import MeasurementError
from ppcheck.spec.sites.position import Position
from ppcheck.subject.tokens.beginnings import Beginnings, beginnings
from ppcheck.subject.tokens.encoding import Encoded


@dataclass(frozen=True, eq=False)
class Unrolled:
    """Prompts up to each token whose loss counts, those of one prompt one after another.

    ``following`` [row] is the token that follows, ``firsts`` [prompt] each prompt's first row.
    """

    encoded: Beginnings
    following: Integers
    firsts: Integers

    def check_same(self, other: Unrolled) -> None:
        """Raises MeasurementError where the losses of a pair are not of the same tokens."""
        sides = zip(self._scored(), other._scored(), strict=True)
        if wrong := [n for n, (one, two) in enumerate(sides) if one != two]:
            texts = [side.encoded.prompts[side.firsts[wrong[0]]].text for side in (self, other)]
            raise MeasurementError(
                f"the loss of {texts[0]!r} is of other tokens than that of {texts[1]!r}: name a "
                "variable that is the same in both"
            )

    def _scored(self) -> list[list[int]]:
        """The tokens whose loss counts, of each prompt."""
        return [part.tolist() for part in np.split(self.following, self.firsts[1:])]

    def losses(self, log_probs: Floats) -> Floats:
        """The mean loss in nats, [..., prompt], from what follows' log-probability, [..., row]."""
        counts = np.diff(self.firsts, append=len(self.following))
        means: Floats = -np.add.reduceat(log_probs, self.firsts, axis=-1) / counts
        return means


def unrolled(encoded: Encoded, variable: str | None) -> Unrolled:
    """For the loss of a variable's tokens, or of every token that another stands before.

    Raises MeasurementError where there is no such token, and where a variable has the first one.
    """
    named = Position("all") if variable is None else Position("variable", variable=variable)
    counted = []
    for prompt, tokens in zip(encoded.prompts, encoded.positions(named), strict=True):
        after = tokens[1:] if variable is None else tokens
        if not after or after[0] == 0:
            raise MeasurementError(
                f"the first token of {prompt.text!r} has no loss: nothing stands before it"
            )
        counted.append(after)
    rows = [(number, token) for number, tokens in enumerate(counted) for token in tokens]
    following = np.array([encoded.ids[number][token] for number, token in rows], dtype=np.int64)
    firsts = np.cumsum([0, *map(len, counted[:-1])])
    return Unrolled(beginnings(encoded, rows), following, firsts)
