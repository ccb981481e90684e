"""`ablate`: what is lost without a component, and under which kind of ablation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.charts import site_map
from ppcheck.measure.core.check import (
    Bench,
    Check,
    CheckResult,
    StatisticResult,
    statistic_result,
    texts,
    units_of,
)
from ppcheck.measure.core.doubts import of_all_that_is_read
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import Search, TopField, search
from ppcheck.measure.core.validation import metric_problems, patch_problems
from ppcheck.measure.interventions.ablation import (
    OF_SHARES,
    Ablated,
    Ablation,
    AblationKind,
    MeanOver,
    WeightsField,
    ablate,
    ablated_statistics,
    ablation_problems,
)
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import SelectionField
from ppcheck.spec.sites.position import Position, PositionField
from ppcheck.spec.sites.site import Kind as SiteKind
from ppcheck.spec.sites.site import SitesField
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.statistics.statistics import Mean, Ratio
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.tokens.encoding import Encoded


class Ablate(Check):
    """What a metric loses when sites are ablated, which is necessity, and what is left of it.

    drop        mean of untouched - ablated
    drop_share  the drop over the untouched metric, sums over prompts; for logit_diff, p and prob
    value       mean of the metric while ablated
    untouched   mean of the metric while nothing is

    Several sites are each ablated alone, and every one must meet the bound; with `together` they
    are ablated at once, and with `top` only those with the largest |drop| are judged.
    """

    family: ClassVar[str] = "ablation"
    check: Literal["ablate"]
    site: SitesField
    position: PositionField = Field(
        Position("all"), description="The tokens at which sites are ablated; default: all."
    )
    ablation: AblationKind = Field(
        description="What takes an activation's place: zero, the mean over the reference, or what "
        "another prompt of the reference has there (resample)."
    )
    reference: SelectionField | None = Field(
        None,
        description="The prompts whose activations are averaged or taken. Default: those of `on`.",
    )
    by: MeanOver = Field(
        "position",
        description="One mean for each token of the position, over prompts that have as many of "
        "them; or one, pooled over the tokens.",
    )
    draws: int = Field(
        4, ge=1, le=100, description="How many other prompts each prompt is resampled from."
    )
    weights: WeightsField = "raw"
    metric: MetricsField
    together: bool = Field(False, description="Ablate all the sites at once.")
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        return ablated_statistics(self.metric)

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from metric_problems(prompt_set, self.metric)
        yield from patch_problems(self.position)
        if any(pattern.kind is SiteKind.PATTERN for pattern in self.site):
            yield Problem(
                "site", "a pattern is not a vector at a token: ablate the head, or its .q, .k, .v"
            )
        if self.together and self.top is not None:
            yield Problem("top", "`top` chooses among sites ablated alone: leave out `together`")
        yield from ablation_problems(self.model_fields_set, self.ablation)

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del result
        sites = bench.subject.sites(self.site)
        yield from of_all_that_is_read(
            bench.subject.shape,
            sites,
            self.position,
            together=self.together,
            one_decides=self.top is not None,
        )
        if self.ablation != "zero" and self.reference is None:
            yield from self._of_one_class(bench)

    def _of_one_class(self, bench: Bench) -> Iterator[str]:
        """What the reference shares with the prompts stays in place when it is ablated."""
        for name in bench.grid.prompt_set.pairs:
            labels = {prompt.words[name].label for prompt in bench.grid.select(self.on)}
            if len(labels) == 1:
                only = f"{name}={labels.pop()}"
                yield f"the reference has {only} alone, which the ablation leaves in place"

    def measure(self, bench: Bench) -> CheckResult:
        sites = bench.subject.sites(self.site)
        groups = {str(self.site): sites} if self.together else {str(s): (s,) for s in sites}
        cells = [Cell(group, self.position) for group in groups.values()]
        encoded = bench.prompts(self.on)
        reference = encoded if self.reference is None else bench.prompts(self.reference)
        how = Ablation(self.ablation, reference, self.by, self.draws, self.weights)
        runs = {metric: ablate(bench, encoded, cells, metric, how) for metric in self.metric}
        drops = runs[self.metric.first].drops

        def score(looked: Mask) -> Floats:
            means: Floats = np.abs(drops[:, looked].mean(axis=1))
            return means

        found = search(tuple(groups), encoded.prompts, self.top, bench.seed, score)
        effects = dict(zip(groups, drops.mean(axis=1).tolist(), strict=True))
        source = how.source(str(self.reference or self.on))
        extras = {"ablation": self.ablation, "position": str(self.position), **source}
        facts = found.facts | Facts(extras=extras, effects=effects)
        if not self.together:
            facts |= Facts(
                maps={
                    f"drop in {metric}": site_map(sites, run.drops.mean(axis=1))
                    for metric, run in runs.items()
                }
            )
        results = [
            one
            for metric, run in runs.items()
            for one in self._of(metric, run, encoded.prompts, found)
        ]
        notes = (self._note(reference), *found.notes)
        return self.result(bench, [encoded], results, facts, notes)

    def _note(self, reference: Encoded) -> str:
        if self.ablation == "zero":
            folded = ", as in folded weights" if self.weights == "folded" else ""
            return f"set to zero at {self.position}{folded}"
        source = f"the {len(reference):,} prompts of `{self.reference or self.on}`"
        if self.ablation == "mean":
            pooled = "pooled over tokens" if self.by == "pooled" else "token by token"
            return f"set at {self.position} to the mean over {source}, {pooled}"
        return f"set at {self.position} to what others of {source} have there, {self.draws} draws"

    def _of(
        self, metric: Metric, run: Ablated, prompts: tuple[Prompt, ...], found: Search
    ) -> Iterator[StatisticResult]:
        judged = found.evaluation_mask(prompts)
        units, names = units_of(prompts)[judged], np.array(texts(prompts), dtype=object)[judged]
        untouched = run.untouched[judged]
        support = (0.0, 1.0) if metric.probability else REAL_LINE
        step = run.step

        def named(statistic: str) -> str:
            return self.metric.name(statistic, metric)

        for cell in found.kept:
            member, drops = found.member(cell), run.drops[cell, judged]
            yield statistic_result(Mean(drops, units, named("drop"), member, step=step), names)
            if metric.reading in OF_SHARES:
                name = named("drop_share")
                share = Ratio(drops, untouched, units, name, member, step, run.gap_of(name))
                yield statistic_result(share, names)
            values = run.ablated[cell, judged]
            yield statistic_result(
                Mean(values, units, named("value"), member, support, step), names
            )
        whole = Mean(untouched, units, named("untouched"), None, support, step)
        yield statistic_result(whole, names)
