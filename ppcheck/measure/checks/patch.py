"""`patch`: activation patching at heads, their q, k, v, the residual stream, outputs, neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.measure.core.check import Bench, CheckResult
from ppcheck.measure.core.doubts import of_all_that_is_read
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.selection import TopField, search
from ppcheck.measure.core.validation import paired_problems, patch_problems, whole_problems
from ppcheck.measure.interventions.effect import OF_GAP, Mode, patch_effect, share_results
from ppcheck.measure.interventions.reconstruction import reconstruction
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.metric import MetricsField
from ppcheck.spec.expectations.range import SHARE, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, PositionField
from ppcheck.spec.sites.site import SitesField
from ppcheck.subject.interventions.cell import Cell


class Patch(ReadsAt):
    """How much of the difference between clean and corrupted prompts passes through sites.

    recovery  mode denoise: (patched - corrupted) / (clean - corrupted), sums over pairs
    damage    mode noise: (clean - patched) / (clean - corrupted), sums over pairs
    gap       mean of clean - corrupted

    Several sites are each patched alone, and every one must meet the bound; with `together` they
    are patched at once, and with `top` only those with the largest effect are judged.
    """

    family: ClassVar[str] = "patching"
    takes_features: ClassVar[bool] = True
    check: Literal["patch"]
    site: SitesField
    position: PositionField = FINAL
    mode: Mode = Field(description="denoise tests sufficiency, noise necessity.")
    metric: MetricsField
    pairs: PairsField = None
    together: bool = Field(False, description="Patch all the sites at once.")
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        return self.metric.statistics(
            **{OF_GAP[self.mode]: SHARE}, gap=lambda metric: metric.change
        )

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from self.needs_pairs(prompt_set, self.pairs)
        yield from paired_problems(prompt_set, self.metric, self.pairs)
        yield from patch_problems(self.position)
        yield from whole_problems(
            prompt_set,
            self.site,
            self.position,
            self.pairs,
            one_decides=self.together or self.top is not None,
        )
        if self.together and self.top is not None:
            yield Problem("top", "`top` chooses among sites patched alone: leave out `together`")

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del result
        sites = bench.subject.sites(self.site)
        yield from of_all_that_is_read(
            bench.subject.shape,
            sites,
            self.position,
            at=self.at,
            together=self.together,
            one_decides=self.top is not None,
        )

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        sites = bench.subject.sites(self.site)
        groups = {str(self.site): sites} if self.together else {str(s): (s,) for s in sites}
        cells = [Cell(group, self.position) for group in groups.values()]
        pairs = bench.pairs(self.on, self.pairs)
        effects = {
            metric: patch_effect(bench, pairs, cells, metric, self.mode) for metric in self.metric
        }
        effect = effects[self.metric.first]
        sides = [side.prompts for side in pairs]
        found = search(tuple(groups), sides[0], self.top, bench.seed, effect.shares)
        judged = found.evaluation_mask(*sides)
        shares = effect.shares(np.ones(len(judged), dtype=bool))
        facts = found.facts | Facts(
            extras={"mode": self.mode, "position": str(self.position)},
            effects=dict(zip(groups, shares.tolist(), strict=True)),
        )
        results = share_results(effects, self.metric, found, judged)
        cost, said = reconstruction(bench, pairs[0], sites, self.position, self.metric)
        return self.result(bench, pairs, results, facts | cost, (*said, *found.notes))
