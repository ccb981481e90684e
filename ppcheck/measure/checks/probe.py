"""`probe`: what a linear probe reads from activations, beside what the words alone would give."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from math import inf
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.charts import site_map
from ppcheck.measure.core.check import (
    Bench,
    Check,
    Measured,
    Measurement,
    doses_of,
    measured,
    texts,
    units_of,
)
from ppcheck.measure.core.doubts import estimates
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import Search, TopField, search
from ppcheck.measure.core.validation import (
    dose_problems,
    patch_problems,
    separates_problems,
    trait_faults,
)
from ppcheck.measure.probes.fitting import Task, word_counts
from ppcheck.measure.probes.separation import Classes, placements
from ppcheck.measure.probes.skill import Skill
from ppcheck.spec.grid import Grid, Prompt
from ppcheck.spec.position import FINAL, Position, Positions, PositionsField
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts import PromptSet
from ppcheck.spec.range import ACCURACY, ANY, DIFFERENCE, LAYER, UNIT, Range
from ppcheck.spec.site import STREAMS, Kind, Site, SitesField
from ppcheck.statistics.statistics import Statistic
from ppcheck.subject.tokens.encoding import Encoded

CAUSAL = "decodable is not causal: that a probe reads it does not show that the model uses it"


EXPLAINED = Range(-inf, 1)
"""A share of the variance: never above all of it."""


class Probe(Check):
    """What a linear probe of one activation tells of a prompt that it was not fitted on.

    accuracy       share of prompts whose class is told right (with `separates`)
    auroc          probability that a prompt of the first class gets the higher log-odds (same)
    r2             share of the dose's variance that is told (with `dose`)
    over_words     accuracy or r2 less that of a probe of the prompt's words alone
    over_shuffled  accuracy or r2 less that of a probe of shuffled labels
    words          accuracy or r2 of the words alone
    shuffled       accuracy or r2 of shuffled labels
    first_layer    first layer whose accuracy or r2 is above `level`
    peak_layer     layer with the largest accuracy or r2, the first of equal ones

    Each site at each position is a probe of its own, and every one must meet the bounds. With `top`
    the best are chosen on one half of the units; the other half fits them anew, and judges them.
    """

    family: ClassVar[str] = "probing"
    check: Literal["probe"]
    site: SitesField
    position: PositionsField = Field(
        Positions((FINAL,)), description="The token that is read, or several; default: final."
    )
    separates: dict[str, tuple[str, str]] | None = Field(
        None, max_length=1, description="Two classes of a variable: {feeling: [pain, pleasure]}."
    )
    dose: str | None = Field(None, description="The ordered variable whose dose is told.")
    folds: int = Field(5, ge=2, le=20, description="Into how many parts the units are divided.")
    shuffles: int = Field(4, ge=1, le=100, description="How often labels are shuffled.")
    level: float | None = Field(
        None, gt=0, lt=1, description="The accuracy or r2 that `first_layer` asks for."
    )
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        skill = {"r2": EXPLAINED} if self.dose else {"accuracy": ACCURACY, "auroc": UNIT}
        own, lead = (EXPLAINED, ANY) if self.dose else (ACCURACY, DIFFERENCE)
        by_layer = any(pattern.kind in STREAMS and pattern.layers is None for pattern in self.site)
        return {
            **skill,
            "over_words": lead,
            "over_shuffled": lead,
            "words": own,
            "shuffled": own,
            **({"first_layer": LAYER} if by_layer and self.level is not None else {}),
            **({"peak_layer": LAYER} if by_layer else {}),
        }

    def least_members(self, name: str) -> int:
        return 1 if name == "words" else super().least_members(name)

    def problems(self, prompt_set: PromptSet) -> Problems:
        if bool(self.separates) == bool(self.dose):
            yield Problem(
                "check",
                "a probe tells classes (`separates`) or a dose (`dose`): give one of them",
            )
        yield from super().problems(prompt_set)
        for position in self.position:
            yield from patch_problems(position)
            if position.kind == "all":
                yield Problem("position", "a probe reads one token: name it, or list several")
        if any(pattern.kind is Kind.PATTERN for pattern in self.site):
            yield Problem(
                "site", "a pattern has no one activation at a token: use the check `attention`"
            )
        if self.dose is not None:
            yield from dose_problems(prompt_set, self.dose)
        yield from separates_problems(prompt_set, self.separates or {}, self.on.prompts)
        streams = [pattern.kind for pattern in self.site if pattern.kind in STREAMS]
        if self.level is not None and "first_layer" not in self.statistics():
            advice = f"{streams[0]}.L*" if streams else "resid_post.L*"
            yield Problem(
                "level", f"the first layer is sought in all layers of a stream: write {advice}"
            )

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        yield from trait_faults(prompts, self.dose, self.separates, str(self.on))

    def measure(self, bench: Bench) -> Measurement:
        encoded, labels = self._told(bench)
        readings = [
            Reading(site, position, self.position)
            for position in self.position
            for site in bench.subject.sites(self.site)
        ]
        features = _features(bench, encoded, readings)
        probes = _Probes(self, encoded.prompts, labels, features, bench.seed)

        def score(looked: Mask) -> Floats:
            return probes.skills(looked)

        names = [reading.name for reading in readings]
        classes = next(iter(self.separates or ()), None)
        found = search(names, encoded.prompts, self.top, bench.seed, score, classes)
        probed = probes.judged(found.judged(encoded.prompts))
        facts = found.facts | Facts(extras=self._how(probed))
        facts |= _pictures(readings, probed, self._what, bench.subject.shape.n_layers)
        results = [*self._of(found, probed), *self._by_layer(readings, probed, bench)]
        notes = (*found.notes, *self._notes(probed))
        return self.measurement(bench, [encoded], results, facts, notes)

    def _told(self, bench: Bench) -> tuple[Encoded, Floats]:
        """The prompts that have a label, and their labels."""
        prompts = bench.grid.select(self.on)
        if self.dose is not None:
            return bench.encode(prompts), doses_of(prompts, self.dose)
        ((name, classes),) = (self.separates or {}).items()
        sides = Classes.of(prompts, name, classes)
        either = sides.first | sides.second
        encoded = bench.encode(tuple(compress(prompts, either)))
        return encoded, sides.first[either].astype(np.float64)

    @property
    def _what(self) -> str:
        return self.dose or next(iter(self.separates or ()), "")

    def _how(self, probed: Probed) -> dict[str, Any]:
        how: dict[str, Any] = {
            "decoded": self._what,
            "position": str(self.position),
            "folds": self.folds,
            "shuffles": self.shuffles,
            "units_probed": len(np.unique(probed.skill.task.groups)),
            "fits": probed.fits,
            "unfinished_fits": probed.unfinished,
        }
        if self.separates is None:
            return how
        counts = Counter(probed.skill.task.labels.tolist())
        ((_, classes),) = self.separates.items()
        sizes = dict(zip(classes, (counts[1], counts[0]), strict=True))
        return how | {"classes": sizes, "majority": max(counts.values()) / counts.total()}

    def doubts(self, bench: Bench, measurement: Measurement) -> Iterator[str]:
        del bench
        skill = "r2" if self.dose else "accuracy"
        words = estimates(measurement, "words")
        read = estimates(measurement, skill)
        asked = {"over_words", "words"} & self.expect.keys()
        if words and read and not asked and max(words) >= min(read):
            yield (
                f"the words alone give {skill} {max(words):.2f}, as much as is read here: expect "
                "`over_words` to claim more"
            )

    def _notes(self, probed: Probed) -> Iterator[str]:
        yield CAUSAL
        weight = probed.skill.weight.mean()
        words, shuffled = probed.words.mean() / weight, np.mean(probed.shuffled) / weight
        controls = f"the words alone {words:.2f}, of shuffled labels {shuffled:.2f}"
        yield f"{probed.skill.name} of {controls}"
        if probed.unfinished:
            yield f"{probed.unfinished:,} of {probed.fits:,} fits were stopped before their end"

    def _of(self, found: Search, probed: Probed) -> Iterator[Measured]:
        skill, prompts = probed.skill, texts(probed.prompts)
        for number in found.kept:
            member, merits = found.member(number), probed.merits[number]
            yield measured(skill.of(merits, skill.name, member), prompts)
            if skill.task.classes:
                scores, first = probed.told[number], skill.task.labels == 1
                auroc = skill.auroc(scores, "auroc", member)
                yield measured(auroc, prompts, placements(scores, first))
            controls = {"over_words": probed.words, "over_shuffled": probed.shuffled[number]}
            for name, control in controls.items():
                yield measured(skill.lead(merits, control, name, member), prompts)
            yield measured(skill.of(probed.shuffled[number], "shuffled", member), prompts)
        yield measured(skill.of(probed.words, "words"), prompts)

    def _by_layer(
        self, readings: Sequence[Reading], probed: Probed, bench: Bench
    ) -> Iterator[Measured]:
        series = _series(readings, bench.subject.shape.n_layers)
        for title, numbers in series.items():
            merits = np.stack([probed.merits[number] for number in numbers], axis=1)
            member = title if len(series) > 1 else None
            found: list[Statistic] = [probed.skill.peak_layer(merits, "peak_layer", member)]
            if self.level is not None:
                first = probed.skill.first_layer(merits, self.level, "first_layer", member)
                found.append(first)
            yield from (measured(one, texts(probed.prompts)) for one in found)


@dataclass(frozen=True)
class Reading:
    """One site at one position."""

    site: Site
    position: Position
    among: Positions

    @property
    def name(self) -> str:
        return f"{self.site}{self.where}"

    @property
    def where(self) -> str:
        """Nothing where there is but one position."""
        return f" at {self.position}" if len(tuple(self.among)) > 1 else ""


@dataclass(frozen=True, eq=False)
class Probed:
    """What all probes told of some prompts, and their controls.

    ``told`` are predictions [prompt] of each reading; ``merits``, ``shuffled`` and ``words`` are
    merits [prompt], see `Skill`: of each reading, of its shuffled labels, and of the words alone.
    """

    prompts: tuple[Prompt, ...]
    skill: Skill
    told: Sequence[Floats]
    merits: Sequence[Floats]
    shuffled: Sequence[Floats]
    words: Floats
    fits: int
    unfinished: int


@dataclass(frozen=True, eq=False)
class _Probes:
    claim: Probe
    prompts: tuple[Prompt, ...]
    labels: Floats
    features: Sequence[Floats]
    seed: int

    def skills(self, mask: Mask) -> Floats:
        """Accuracy or r2 of each reading over some of the prompts, [reading]."""
        _, skill = self._skill(mask)
        truth = skill.task.labels[None]
        merits = [
            skill.merits(truth, skill.task.tell(column[mask], truth).values).sum()
            for column in self.features
        ]
        shares: Floats = np.array(merits) / skill.weight.sum()
        return shares

    def judged(self, mask: Mask) -> Probed:
        """The probes and their controls, fitted and tested on some of the prompts alone."""
        prompts, skill = self._skill(mask)
        task = skill.task
        labellings = task.labellings(self.claim.shuffles)
        told = [task.tell(column[mask], labellings) for column in self.features]
        truth = labellings[:1]
        by_words = task.tell(word_counts(prompts), truth)
        merits = [skill.merits(labellings, one.values) for one in told]
        return Probed(
            prompts,
            skill,
            [one.values[0] for one in told],
            [one[0] for one in merits],
            [one[1:].mean(axis=0) for one in merits],
            skill.merits(truth, by_words.values)[0],
            sum(one.fits for one in (*told, by_words)),
            sum(one.unfinished for one in (*told, by_words)),
        )

    def _skill(self, mask: Mask) -> tuple[tuple[Prompt, ...], Skill]:
        prompts, labels = tuple(compress(self.prompts, mask)), self.labels[mask]
        units, classes = units_of(prompts), self.claim.separates is not None
        return prompts, Skill(Task(labels, units, classes, self.claim.folds, self.seed), units)


def _features(bench: Bench, encoded: Encoded, readings: Sequence[Reading]) -> list[Floats]:
    """Activations of each reading, [prompt, width]."""
    at = {reading.position: encoded.single(reading.position) for reading in readings}
    sites = list(dict.fromkeys(reading.site for reading in readings))
    captured = {
        (site, position): column
        for position, tokens in at.items()
        for site, column in zip(sites, bench.activations(encoded, sites, tokens), strict=True)
    }
    return [captured[reading.site, reading.position] for reading in readings]


def _series(readings: Sequence[Reading], n_layers: int) -> dict[str, list[int]]:
    """The readings of each stream that is read in every layer, by layer."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for number, reading in enumerate(readings):
        if reading.site.kind in STREAMS and reading.site.layer is not None:
            found[f"{reading.site.kind}{reading.where}"][reading.site.layer] = number
    return {
        title: [numbers[layer] for layer in range(n_layers)]
        for title, numbers in found.items()
        if len(numbers) == n_layers
    }


def _pictures(readings: Sequence[Reading], probed: Probed, what: str, n_layers: int) -> Facts:
    """Maps of all sites at each position, and curves by layer with both controls."""
    skill, maps, curves = probed.skill, {}, {}
    figure = f"{skill.name} of {what}"
    shares = np.array([merits.sum() for merits in probed.merits]) / skill.weight.sum()
    positions = list(dict.fromkeys(reading.position for reading in readings))
    for position in positions:
        here = [n for n, reading in enumerate(readings) if reading.position == position]
        title = f"{figure} at {position}"
        maps[title] = site_map([readings[n].site for n in here], shares[here])
    for title, numbers in _series(readings, n_layers).items():
        rows = {
            "": [probed.merits[n] for n in numbers],
            ", words alone": [probed.words for _ in numbers],
            ", shuffled labels": [probed.shuffled[n] for n in numbers],
        }
        for control, merits in rows.items():
            curves[f"{figure} in {title}{control}"] = skill.curve(merits)
    return Facts(maps=maps, curves=curves)
