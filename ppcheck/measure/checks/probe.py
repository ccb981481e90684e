"""`probe`: what a linear probe reads from activations, beside what the words alone would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from math import inf
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats
from ppcheck.measure.core.check import (
    Bench,
    Check,
    CheckResult,
    StatisticResult,
    doses_of,
    statistic_result,
    texts,
)
from ppcheck.measure.core.doubts import estimates
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import Search, TopField, search
from ppcheck.measure.core.validation import (
    dose_problems,
    held_out_problems,
    patch_problems,
    read_problems,
    separates_problems,
    single_problems,
    trait_faults,
)
from ppcheck.measure.probes.charts import charts
from ppcheck.measure.probes.controlled import FittedProbes, Folding, Probes
from ppcheck.measure.probes.inputs import ProbeInputs, Streams
from ppcheck.measure.probes.separation import Classes, placements
from ppcheck.spec.expectations.range import ACCURACY, ANY, DIFFERENCE, LAYER, UNIT, Range
from ppcheck.spec.faults import lacking
from ppcheck.spec.problem import Problem, Problems, problems_with
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, Positions, PositionsField
from ppcheck.spec.sites.site import STREAMS, SitesField
from ppcheck.statistics.statistics import Statistic
from ppcheck.subject.tokens.encoding import Encoded

CAUSAL = "decodable is not causal: that a probe reads it does not show that the model uses it"


EXPLAINED = Range(-inf, 1)
"""A share of the variance: never above all of it."""


class Probe(Check):
    """What a linear probe of one activation predicts of prompts that it was not fitted on.

    accuracy       share of prompts whose class is predicted right (with `separates`)
    auroc          probability that a prompt of the first class gets the higher log-odds (same)
    r2             share of the dose's variance that is predicted (with `dose`)
    over_words     accuracy or r2 less that of a probe of the prompt's words alone
    over_shuffled  accuracy or r2 less that of a probe of shuffled labels
    words          accuracy or r2 of the words alone
    shuffled       accuracy or r2 of shuffled labels
    first_layer    first layer whose accuracy or r2 is above `level`
    peak_layer     layer with the largest accuracy or r2, the first of equal ones

    Each site at each position is a probe of its own, and every one must meet the bounds. With `top`
    the best are chosen on one half of the units; the other half fits them again, and judges them.
    With `hold_out` no word of that variable is on both sides: what is read is then the class.
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
    dose: str | None = Field(None, description="The ordered variable whose dose is predicted.")
    folds: int = Field(5, ge=2, le=20, description="Into how many parts the units are divided.")
    hold_out: str | None = Field(
        None, description="A variable: each of its words is read by a probe that never saw it."
    )
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

    @property
    def sampling(self) -> Iterator[str]:
        yield "check"

    def least_members(self, name: str) -> int:
        return 1 if name == "words" else super().least_members(name)

    def problems(self, prompt_set: PromptSet) -> Problems:
        if bool(self.separates) == bool(self.dose):
            yield Problem(
                "check",
                "a probe predicts classes (`separates`) or a dose (`dose`): give one of them",
            )
        yield from super().problems(prompt_set)
        for position in self.position:
            yield from patch_problems(position)
            yield from single_problems(position, "a probe reads", "list those it should read")
        yield from read_problems(self.site)
        if self.dose is not None:
            yield from dose_problems(prompt_set, self.dose)
        yield from separates_problems(prompt_set, self.separates or {}, self.on.prompts)
        if self.hold_out is not None:
            yield from held_out_problems(prompt_set, self.hold_out)
        streams = [pattern.kind for pattern in self.site if pattern.kind in STREAMS]
        if self.level is not None and "first_layer" not in self.statistics():
            advice = f"{streams[0]}.L*" if streams else "resid_post.L*"
            yield Problem(
                "level", f"the first layer is sought in all layers of a stream: write {advice}"
            )

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        yield from trait_faults(prompts, self.dose, self.separates, str(self.on))
        if self.hold_out is not None:
            yield from problems_with("hold_out", lacking(prompts, self.hold_out, [], str(self.on)))

    def measure(self, bench: Bench) -> CheckResult:
        encoded, labels = self._labelled(bench)
        inputs = ProbeInputs.of(bench.subject.sites(self.site), self.position)
        folding = Folding(self.folds, self.shuffles, bench.seed, self.hold_out)
        features = inputs.features(bench, encoded)
        probes = Probes(encoded.prompts, labels, features, self.separates is not None, folding)
        classes = next(iter(self.separates or ()), None)
        found = search(inputs.names, encoded.prompts, self.top, bench.seed, probes.skills, classes)
        fitted = probes.fitted(found.evaluation_mask(encoded.prompts))
        streams = inputs.by_stream(bench.subject.shape.n_layers)
        drawn = charts(inputs, streams, fitted, self._what)
        facts = found.facts | Facts(extras=self._how(fitted)) | drawn
        results = [*self._of(found, fitted), *self._by_layer(streams, fitted)]
        notes = (*found.notes, *self._notes(fitted))
        return self.result(bench, [encoded], results, facts, notes)

    def _labelled(self, bench: Bench) -> tuple[Encoded, Floats]:
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

    def _how(self, fitted: FittedProbes) -> dict[str, Any]:
        how: dict[str, Any] = {
            "decoded": self._what,
            "position": str(self.position),
            "folds": self.folds,
            "shuffles": self.shuffles,
            "units_probed": len(np.unique(fitted.skill.task.groups)),
            "fits": fitted.fits,
            "unfinished_fits": fitted.unfinished,
            **({"held_out": self.hold_out} if self.hold_out else {}),
        }
        if self.separates is None:
            return how
        counts = Counter(fitted.skill.task.labels.tolist())
        ((_, classes),) = self.separates.items()
        sizes = dict(zip(classes, (counts[1], counts[0]), strict=True))
        return how | {"classes": sizes, "majority": max(counts.values()) / counts.total()}

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del bench
        skill = "r2" if self.dose else "accuracy"
        words = estimates(result, "words")
        read = estimates(result, skill)
        asked = {"over_words", "words"} & self.expect.keys()
        if words and read and not asked and max(words) >= min(read):
            yield (
                f"the words alone give {skill} {max(words):.2f}, as much as is read here: expect "
                "`over_words` to claim more"
            )

    def _notes(self, fitted: FittedProbes) -> Iterator[str]:
        yield CAUSAL
        weight = fitted.skill.weight.mean()
        words, shuffled = fitted.words.mean() / weight, np.mean(fitted.shuffled) / weight
        controls = f"the words alone {words:.2f}, of shuffled labels {shuffled:.2f}"
        yield f"{fitted.skill.name} of {controls}"
        if fitted.unfinished:
            yield f"{fitted.unfinished:,} of {fitted.fits:,} fits were stopped before their end"

    def _of(self, found: Search, fitted: FittedProbes) -> Iterator[StatisticResult]:
        skill, prompts = fitted.skill, texts(fitted.prompts)
        for number in found.kept:
            member, merits = found.member(number), fitted.merits[number]
            yield statistic_result(skill.of(merits, skill.name, member), prompts)
            if skill.task.classes:
                scores, first = fitted.predictions[number], skill.task.labels == 1
                auroc = skill.auroc(scores, "auroc", member)
                yield statistic_result(auroc, prompts, placements(scores, first))
            controls = {"over_words": fitted.words, "over_shuffled": fitted.shuffled[number]}
            for name, control in controls.items():
                yield statistic_result(skill.lead(merits, control, name, member), prompts)
            yield statistic_result(skill.of(fitted.shuffled[number], "shuffled", member), prompts)
        yield statistic_result(skill.of(fitted.words, "words"), prompts)

    def _by_layer(self, streams: Streams, fitted: FittedProbes) -> Iterator[StatisticResult]:
        for title, numbers in streams.items():
            merits = np.stack([fitted.merits[number] for number in numbers], axis=1)
            member = title if len(streams) > 1 else None
            found: list[Statistic] = [fitted.skill.peak_layer(merits, "peak_layer", member)]
            if self.level is not None:
                first = fitted.skill.first_layer(merits, self.level, "first_layer", member)
                found.append(first)
            yield from (statistic_result(one, texts(fitted.prompts)) for one in found)
