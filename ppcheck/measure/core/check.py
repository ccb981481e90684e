"""What a check is given, and what it gives back."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ppcheck.arrays import Floats, Labels
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.answers import Mass, mass_of
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.metrics import counted_choices, metric_facts, metric_notes
from ppcheck.spec.claim import MASS, Claim
from ppcheck.spec.expectations.metric import Metric, Metrics, Reading
from ppcheck.spec.prompts.grid import Grid, Pair, Prompt
from ppcheck.spec.prompts.prompt_set import Contrast
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.prompts.unit import merged
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Site
from ppcheck.statistics.identity import Identity
from ppcheck.statistics.statistics import Mean, Statistic, title
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.beginnings import up_to
from ppcheck.subject.tokens.encoding import Encoded

_PROBABILITY = Metric(Reading.PROB, (MASS,))
"""The mass of choices is read as the probability of one would be."""


@dataclass(frozen=True)
class Bench:
    """The model under test, the prompts of one set, and the seed that names every random choice.

    ``examples`` is where hypothesis keeps what it found, for the next run to try first; None where
    nothing is kept. Every prompt ends at the token ``at``.
    """

    subject: Subject
    grid: Grid
    seed: int
    examples: Path | None = None
    at: Position = FINAL

    def reading(self, at: Position) -> Bench:
        """The same, with metrics read after the token ``at``."""
        return replace(self, at=at)

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

    def encode(self, prompts: Sequence[Prompt]) -> Encoded:
        """Tokenise. Units that share a prompt, token for token, are one unit."""
        encoded = up_to(self.subject.encode(prompts), self.at)
        return self._in_units(encoded, merged(units_named(prompts), encoded.ids))

    def prompts(self, selection: Selection) -> Encoded:
        return self.encode(self.grid.select(selection))

    def together(self, first: Selection, second: Selection) -> tuple[Encoded, Encoded]:
        """The prompts of two selections; a unit of one that shares a prompt with the other is one
        unit in both.
        """
        one, other = self.grid.select(first), self.grid.select(second)
        both, split = self.encode([*one, *other]), len(one)
        return both.part(range(split)), both.part(range(split, len(both)))

    def pairs(
        self, selection: Selection, contrast: Contrast | None, among: Encoded | None = None
    ) -> tuple[Encoded, Encoded]:
        """The clean prompts and their corrupted twins, in the same order.

        Twins that are the same tokens are no pair, and are left out. Units that share a pair, token
        for token, are one unit. Pairs that are judged beside all prompts of the selection,
        ``among``, are of the units that these are of. Raises MeasurementError where no pair is
        left.
        """
        clean, corrupted = self._differing(self.grid.pairs(selection, contrast))
        own = units_named(clean.prompts)
        if among is None:
            units = merged(own, clean.ids, corrupted.ids)
        else:
            before = units_named(self.grid.select(selection))
            known = dict(zip(before, units_named(among.prompts), strict=True))
            units = [known[unit] for unit in own]
        return self._in_units(clean, units), self._in_units(corrupted, units)

    def _differing(self, pairs: Sequence[Pair]) -> tuple[Encoded, Encoded]:
        clean = up_to(self.subject.encode([pair.clean for pair in pairs]), self.at)
        corrupted = up_to(self.subject.encode([pair.corrupted for pair in pairs]), self.at)
        twins = zip(clean.ids, corrupted.ids, strict=True)
        kept = [number for number, (ids, twin) in enumerate(twins) if ids != twin]
        if not kept:
            one, other = clean.prompts[0].text, corrupted.prompts[0].text
            upto = "" if self.at == FINAL else f" up to {self.at}"
            raise MeasurementError(
                f"clean and corrupted are the same tokens{upto}, {one!r} and {other!r}: there is "
                "no gap"
            )
        return clean.part(kept), corrupted.part(kept)

    def _in_units(self, encoded: Encoded, units: Sequence[str]) -> Encoded:
        """The same prompts, each of the unit given."""
        if units_named(encoded.prompts) == list(units):
            return encoded
        changed = [
            prompt if prompt.unit == unit else replace(prompt, unit=unit)
            for prompt, unit in zip(encoded.prompts, units, strict=True)
        ]
        return encoded.again(changed)


@dataclass(frozen=True)
class StatisticResult:
    """One statistic with what a person needs to see behind it.

    ``examples`` names each example of the statistic. ``contributions`` [example] says, in the
    statistic's own units, how far each pulls it up: their mean is the estimate.
    """

    statistic: Statistic
    examples: tuple[str, ...]
    contributions: Floats


@dataclass(frozen=True)
class CheckResult:
    """What one claim measured."""

    statistics: tuple[StatisticResult, ...]
    facts: Facts = field(default_factory=Facts)
    notes: tuple[str, ...] = ()
    identity: Identity | None = None


class Check(Claim):
    """A claim that knows how to measure itself: one file for each kind."""

    @property
    def looks(self) -> bool:
        """Whether what it measures depends on what it has measured before."""
        return getattr(self, "top", None) is not None

    @abstractmethod
    def measure(self, bench: Bench) -> CheckResult:
        """Raises MeasurementError where it cannot, UnsupportedError where the model lacks it.

        What is measured is kept for other bounds: of `expect` it may read names alone.
        """

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        """Why a claim that holds may say less than it seems to, whatever its bounds."""
        del bench, result
        yield from ()

    def doubts_of_bounds(self, result: CheckResult) -> Iterator[str]:
        """Why its bounds ask for less than they seem to, as far as was measured."""
        del result
        yield from ()

    def counted(self, encoded: Encoded) -> tuple[str, ...]:
        """The choices whose mass is recorded: of one token, or read by a metric anyway."""
        return counted_choices(encoded, self.metrics)

    def result(
        self,
        bench: Bench,
        sides: Sequence[Encoded],
        found: Iterable[StatisticResult],
        facts: Facts | None = None,
        notes: Sequence[str] = (),
        read_on: Sequence[Encoded] | None = None,
    ) -> CheckResult:
        """What was found, with what is said of every claim: its prompts, metrics and choices.

        ``sides`` are its prompts, or pairs of them; ``read_on`` those of the metric, where they are
        others. What is undefined on these prompts and not expected of them is left out: a switch
        point of a flat curve, say, must not keep the other statistics from being judged.
        """
        said = sample_facts(*sides)
        repeats, of_metrics = repeat_notes(said), tuple[str, ...]()
        if self.metrics:
            said |= metric_facts(Metrics(self.metrics))
            of_metrics = metric_notes(Metrics(self.metrics))
        kept: list[StatisticResult] = []
        remarks = [*notes, *of_metrics, *repeats]
        read_on = read_on or sides
        if self.is_paired:
            remarks += _void_notes(len(self.sides(bench.grid)[0]), len(read_on[0]))
        mass = mass_of(bench.subject, read_on, self.counted)
        if mass is not None:
            said |= Facts(mass=float(mass.values.mean()))
            remarks += mass.notes
            if MASS in {*self.expect, *self.statistics()}:
                found = [*found, _mass(mass, read_on, bench.step(_PROBABILITY))]
        for one in found:
            statistic = one.statistic
            if statistic.name in self.expect or _is_defined(statistic):
                kept.append(one)
            else:
                remarks.append(f"{title(statistic.name, statistic.member)} is undefined here")
        return CheckResult(tuple(kept), said if facts is None else said | facts, tuple(remarks))


def _void_notes(pairs: int, kept: int) -> Iterator[str]:
    if kept < pairs:
        yield (
            f"{pairs - kept:,} of {pairs:,} pairs are left out: clean and corrupted are the same "
            "tokens in them"
        )


def _mass(mass: Mass, sides: Sequence[Encoded], step: float) -> StatisticResult:
    prompts = [side.prompts for side in sides]
    names = pair_texts(*prompts) if len(prompts) > 1 else texts(prompts[0])
    statistic = Mean(mass.values, units_of(prompts[0]), MASS, support=(0.0, 1.0), step=step)
    return statistic_result(statistic, names)


def _settled(column: Floats, relative: float) -> Floats:
    still = np.ptp(column, axis=0) <= relative * np.abs(column).max()
    return np.where(still, column.mean(axis=0), column)


def _is_defined(statistic: Statistic) -> bool:
    return math.isfinite(statistic.estimate(np.ones((1, statistic.n_units)))[0])


def statistic_result(
    statistic: Statistic, examples: Iterable[str], contributions: Floats | None = None
) -> StatisticResult:
    pull = statistic.values() if contributions is None else contributions
    return StatisticResult(statistic, tuple(examples), pull)


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


def units_named(prompts: Sequence[Prompt]) -> list[str]:
    return [prompt.unit for prompt in prompts]


def units_of(prompts: Sequence[Prompt]) -> Labels:
    """A number for each prompt's unit, [prompt]."""
    return unit_labels(units_named(prompts))


def unit_labels(units: Sequence[str]) -> Labels:
    """A number for each unit's name, [example]."""
    return np.unique(np.asarray(units), return_inverse=True)[1].astype(np.int64)


def sample_facts(*sides: Encoded) -> Facts:
    """How many prompts (or pairs) and units there were, and a hash of their texts.

    ``distinct`` counts those that differ in some token. Sides as long as the first are its twins.
    """
    digest = hashlib.sha256()
    for side in sides:
        for prompt in side.prompts:
            digest.update(prompt.text.encode() + b"\0")
    twins = [side.ids for side in sides if len(side) == len(sides[0])]
    return Facts(
        prompts=len(sides[0]),
        distinct=len(set(zip(*twins, strict=True))),
        units=len(set(units_named(sides[0].prompts))),
        prompts_sha256=digest.hexdigest(),
    )


def repeat_notes(facts: Facts) -> Iterator[str]:
    """What to say of prompts that repeat others."""
    if repeats := facts.prompts - facts.distinct:
        yield (
            f"{repeats:,} of {facts.prompts:,} prompts repeat others token for token: "
            "prompts that are equal are one unit"
        )


def doses_of(prompts: Sequence[Prompt], variable: str) -> Floats:
    """The dose of an ordered variable, [prompt]. Raises MeasurementError where there is none."""
    doses = []
    for prompt in prompts:
        word = prompt.words.get(variable)
        if word is None or word.dose is None:
            raise MeasurementError(f"the prompt {prompt.text!r} has no dose of {variable!r}")
        doses.append(word.dose)
    return np.array(doses)
