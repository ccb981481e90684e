"""What a check is given, and what it gives back."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ppcheck.errors import MeasurementError
from ppcheck.measure.statistics import Floats, Labels, Statistic, title
from ppcheck.spec.bound import Bound
from ppcheck.spec.claim import Claim
from ppcheck.spec.grid import Grid, Prompt
from ppcheck.spec.metric import Metric
from ppcheck.spec.prompts import Contrast
from ppcheck.spec.selection import Selection
from ppcheck.spec.site import Site
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.subject import Subject


@dataclass(frozen=True)
class Bench:
    """The model under test, the prompts of one set, and the seed that names every random choice.

    ``examples`` is where hypothesis keeps what it found, for the next run to try first; None where
    nothing is kept.
    """

    subject: Subject
    grid: Grid
    seed: int
    examples: Path | None = None

    def step(self, metric: Metric) -> float:
        """How far apart rounding alone may put a metric of one prompt in two runs."""
        return self.subject.rounding.metric(metric)

    def activations(
        self, encoded: Encoded, sites: Sequence[Site], at: Sequence[int]
    ) -> list[Floats]:
        """Activations at token ``at[prompt]``, for each site [prompt, width].

        A coordinate that differs between prompts by no more than rounding is the same in all.
        """
        captured = self.subject.capture(encoded, sites, at)
        return [_settled(column, self.subject.rounding.relative) for column in captured]

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

    ``examples`` names each example of the statistic. ``contributions`` [example] says, in the
    statistic's own units, how far each pulls it up: their mean is the estimate.
    """

    statistic: Statistic
    examples: tuple[str, ...]
    contributions: Floats


@dataclass(frozen=True)
class Identity:
    """Who is expected to play a role, and who was found to.

    The statistics called ``statistic``, one for each player expected, meet ``bound`` where it
    plays. ``strict`` says that no other will do.
    """

    role: str
    statistic: str
    bound: Bound
    found: tuple[str, ...]
    strict: bool


@dataclass(frozen=True)
class Measurement:
    """What one claim measured. ``facts`` are builtin types that the record keeps."""

    measured: tuple[Measured, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    identity: Identity | None = None


class Check(Claim):
    """A claim that knows how to measure itself: one file for each kind."""

    @property
    def looks(self) -> bool:
        """Whether what it measures depends on what it has measured before."""
        return getattr(self, "top", None) is not None

    @property
    def halves(self) -> bool:
        """Whether it judges on one half of the units what it found on the other."""
        return getattr(self, "top", None) is not None

    def most_units(self, grid: Grid, name: str) -> int:
        """How many independent units the statistic ``name`` is judged on, at the most."""
        del name
        units = len({prompt.unit for prompt in self.examples_in(grid)})
        return units // 2 if self.halves else units

    def examples_in(self, grid: Grid) -> Sequence[Prompt]:
        """The prompts that are examples of its statistics."""
        return grid.select(self.on)

    def least_members(self, name: str) -> int:
        """Over how many members the statistic ``name`` is corrected, at the least."""
        del name
        if (top := getattr(self, "top", None)) is not None:
            return int(top)
        sites = getattr(self, "site", None)
        return 1 if sites is None else max(1, sum(pattern.least for pattern in sites))

    @abstractmethod
    def measure(self, bench: Bench) -> Measurement:
        """Raises MeasurementError where it cannot, UnsupportedError where the model lacks it."""

    def measurement(
        self, found: Iterable[Measured], facts: Mapping[str, Any], notes: Sequence[str] = ()
    ) -> Measurement:
        """What was found, less what is undefined on these prompts and not expected of them.

        A switch point of a flat curve, say, must not keep the other statistics from being judged.
        """
        kept: list[Measured] = []
        remarks = list(notes)
        for one in found:
            statistic = one.statistic
            if statistic.name in self.expect or _is_defined(statistic):
                kept.append(one)
            else:
                remarks.append(f"{title(statistic.name, statistic.member)} is undefined here")
        return Measurement(tuple(kept), facts, tuple(remarks))


def _settled(column: Floats, relative: float) -> Floats:
    still = np.ptp(column, axis=0) <= relative * np.abs(column).max()
    return np.where(still, column.mean(axis=0), column)


def _is_defined(statistic: Statistic) -> bool:
    return math.isfinite(statistic.estimate(np.ones((1, statistic.n_units)))[0])


def measured(
    statistic: Statistic, examples: Iterable[str], contributions: Floats | None = None
) -> Measured:
    pull = statistic.values() if contributions is None else contributions
    return Measured(statistic, tuple(examples), pull)


def texts(prompts: Sequence[Prompt]) -> list[str]:
    return [prompt.text for prompt in prompts]


def pair_texts(clean: Sequence[Prompt], corrupted: Sequence[Prompt]) -> list[str]:
    """Each pair as one text: ``severe [pain → light] . so choose``."""
    return [_merged(one, two).text for one, two in zip(clean, corrupted, strict=True)]


def _merged(clean: Prompt, corrupted: Prompt) -> Prompt:
    turns = [
        replace(
            turn,
            pieces=tuple(
                a if a.text == b.text else replace(a, text=f"[{a.text} → {b.text}]")
                for a, b in zip(turn.pieces, other.pieces, strict=True)
            ),
        )
        for turn, other in zip(clean.turns, corrupted.turns, strict=True)
    ]
    return replace(clean, turns=tuple(turns))


def units_of(prompts: Sequence[Prompt]) -> Labels:
    """A number for each prompt's unit, [prompt]."""
    return unit_labels([prompt.unit for prompt in prompts])


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


def doses_of(prompts: Sequence[Prompt], variable: str) -> Floats:
    """The dose of an ordered variable, [prompt]. Raises MeasurementError where there is none."""
    doses = []
    for prompt in prompts:
        word = prompt.words.get(variable)
        if word is None or word.dose is None:
            raise MeasurementError(f"the prompt {prompt.text!r} has no dose of {variable!r}")
        doses.append(word.dose)
    return np.array(doses)
