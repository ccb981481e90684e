"""`localisation`: who carries an effect, and whether few sites or many share it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from ppcheck.arrays import Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import (
    Bench,
    Check,
    CheckResult,
    StatisticResult,
    statistic_result,
    units_of,
)
from ppcheck.measure.core.doubts import of_all_that_is_read
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.ranking import Contains, Margin, Participation, largest_share, site_maps
from ppcheck.measure.core.selection import first_half, search
from ppcheck.measure.core.validation import metric_problems, patch_problems, whole_problems
from ppcheck.measure.interventions.effect import Effect, Mode, patch_effect
from ppcheck.spec.base import Model
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import ANY, SHARE, UNIT, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, PositionField
from ppcheck.spec.sites.site import Site, SitesField
from ppcheck.subject.interventions.cell import Cell


class Localisation(Check):
    """How an effect is spread over sites, each patched alone as in `patch`.

    largest_share  the largest positive effect over the sum of all positive effects
    participation  (sum e)^2 / sum e^2 over the effects e: as if so many sites shared it equally
    contains       probability that as many fresh units rank the set among the first `within`
    margin         how far the set is ahead of what would push it out, as a share of the gap
    gap            mean of clean - corrupted

    `contains` and `margin` come with `set`, or with `within` alone: the set is then what ranks
    first on one half of the units, and is judged on the other half. For the other two each half of
    the units says which effects of the other half are positive, and which is the largest.
    """

    model_config = ConfigDict(**Model.model_config, populate_by_name=True)

    family: ClassVar[str] = "patching"
    check: Literal["localisation"]
    site: SitesField
    position: PositionField = FINAL
    mode: Mode = Field(description="denoise tests sufficiency, noise necessity.")
    metric: MetricsField
    pairs: PairsField = None
    named: SitesField | None = Field(
        None, alias="set", description="The sites that carry the effect."
    )
    within: int | None = Field(
        None, ge=1, description="The set is among the first so many (default: as many as it has)."
    )

    def statistics(self) -> Mapping[str, Range]:
        spread = {"largest_share": SHARE, "participation": ANY}
        ranked = {"contains": UNIT, "margin": SHARE} if self.named or self.within else {}
        return self.metric.statistics(**spread, **ranked, gap=lambda metric: metric.change)

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from self.needs_pairs(prompt_set, self.pairs)
        yield from metric_problems(prompt_set, self.metric)
        yield from patch_problems(self.position)
        yield from whole_problems(
            prompt_set, self.site, self.position, self.pairs, one_decides=True
        )
        listed = len(dict.fromkeys(map(str, self.named or ())))
        if self.within is not None and self.within < listed:
            yield Problem("within", f"a set of {listed} cannot be among the first {self.within}")

    @property
    def sampling(self) -> Iterator[str]:
        if self.within is not None and self.named is None:
            yield "within"

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del result
        sites = bench.subject.sites(self.site)
        yield from of_all_that_is_read(bench.subject.shape, sites, self.position, one_decides=True)

    def measure(self, bench: Bench) -> CheckResult:
        sites = bench.subject.sites(self.site)
        if len(sites) < 2:
            raise MeasurementError(f"{self.site} is one site: an effect is spread over several")
        cells = [Cell((site,), self.position) for site in sites]
        pairs = bench.pairs(self.on, self.pairs)
        effects = {
            metric: patch_effect(bench, pairs, cells, metric, self.mode) for metric in self.metric
        }
        effect = effects[self.metric.first]
        shares = effect.shares(np.ones(len(effect.gaps), dtype=bool)).tolist()
        names = list(map(str, sites))
        facts = Facts(
            extras={"mode": self.mode, "position": str(self.position)},
            effects=dict(zip(names, shares, strict=True)),
            ranking=tuple(names[n] for n in np.argsort(-np.array(shares), kind="stable")),
            maps=site_maps(sites, shares),
        )
        chosen, judged, notes = self._set(bench, sites, effect)
        if chosen:
            facts |= Facts(set_=tuple(names[n] for n in chosen))
        results: list[StatisticResult] = []
        for metric, of_metric in effects.items():
            results += self._spread(of_metric, metric, bench.seed)
            if chosen:
                results += self._ranked(of_metric, metric, chosen, judged, bench.seed)
            results.append(of_metric.gap(self.metric.name("gap", metric)))
        return self.result(bench, pairs, results, facts, notes)

    def _set(
        self, bench: Bench, sites: Sequence[Site], effect: Effect
    ) -> tuple[tuple[int, ...], Mask, tuple[str, ...]]:
        """The set's numbers among the sites, the pairs to judge it on, and what to say of it."""
        everywhere = np.ones(len(effect.gaps), dtype=bool)
        if self.named is None and self.within is None:
            return (), everywhere, ()
        if self.named is None:
            sides = [side.prompts for side in effect.pairs]
            names = list(map(str, sites))
            found = search(names, sides[0], self.within, bench.seed, effect.shares)
            chosen, judged, notes = found.kept, found.evaluation_mask(*sides), found.notes
        else:
            chosen, judged, notes = self._named(bench, sites), everywhere, ()
        within = self.within or len(chosen)
        if not len(chosen) <= within < len(sites):
            raise MeasurementError(
                f"{len(chosen)} of {len(sites)} sites cannot be or not be among the first {within}"
            )
        return chosen, judged, notes

    def _named(self, bench: Bench, sites: Sequence[Site]) -> tuple[int, ...]:
        named = () if self.named is None else bench.subject.sites(self.named)
        if outside := [str(site) for site in named if site not in sites]:
            raise MeasurementError(f"{', '.join(outside)} of the set is not among {self.site}")
        return tuple(map(list(sites).index, named))

    def _spread(self, effect: Effect, metric: Metric, seed: int) -> Iterator[StatisticResult]:
        prompts = effect.pairs[0].prompts
        units, first = units_of(prompts), first_half(prompts, seed)
        # Towards corrupted or clean, an effect is positive where it goes the way of the gap.
        changes = effect.changes * np.sign(effect.gaps.sum())
        share, ratio = (self.metric.name(n, metric) for n in ("largest_share", "participation"))
        gap = effect.gap_of(share)
        largest = largest_share(changes, units, first, share, effect.step, gap)
        yield statistic_result(largest, effect.texts)
        yield statistic_result(Participation(changes, first, units, ratio, gap=gap), effect.texts)

    def _ranked(
        self, effect: Effect, metric: Metric, chosen: tuple[int, ...], judged: Mask, seed: int
    ) -> Iterator[StatisticResult]:
        columns = effect.changes[:, judged], effect.gaps[judged]
        units = units_of(effect.pairs[0].prompts)[judged]
        texts = np.array(effect.texts, dtype=object)[judged]
        within = self.within or len(chosen)
        contains, margin = (self.metric.name(name, metric) for name in ("contains", "margin"))
        step, gap = effect.step, effect.gap_of(contains)
        inside = Contains(*columns, units, contains, chosen, within, None, step, gap, seed)
        yield statistic_result(inside, texts)
        ahead = Margin(*columns, units, margin, chosen, within, None, step, gap)
        yield statistic_result(ahead, texts)
