"""`attribution`: what each component adds directly to a difference of logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.charts import site_map
from ppcheck.measure.core.check import (
    Bench,
    CheckResult,
    StatisticResult,
    statistic_result,
    units_of,
)
from ppcheck.measure.core.doubts import of_all_that_is_read
from ppcheck.measure.core.facts import Facts, Map
from ppcheck.measure.core.metrics import beside, check_gap, least_gap, readout
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.selection import Search, TopField, search
from ppcheck.measure.core.with_pairs import WithPairs, side_texts
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import ANY, SHARE, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL
from ppcheck.spec.sites.site import STREAMS, Kind, Site, Sites, SitesField
from ppcheck.statistics.statistics import Gap, Mean, Ratio
from ppcheck.subject.tokens.encoding import Encoded

ADDED = STREAMS | {Kind.HEAD, Kind.EMBED}
"""What is added to the residual stream, or is the stream itself: all that was added before."""
PARTS = Sites.parse(["resid_pre.L0", "attn_out.L*", "mlp_out.L*"])
"""What the last stream is made of."""
CAPPED = 0.01
"""How far, as a share, the sum may be from the metric before a note says so."""

HOW = {
    "weights": "raw: no norm is folded into them",
    "scale": "the final norm's in the untouched run",
}


class Attribution(ReadsAt, WithPairs):
    """What components add to a difference of logits, other than by way of later ones.

    attribution  mean of what the site adds at the final token, in logits
    share        that over the metric, sums over prompts
    total        mean of what all parts add: the metric, less any soft-capping of the logits
    gap          the same of clean - corrupted, with `pairs`

    The stream's parts go through the final norm at the scale that it has in the untouched run, so
    that they add up. With `pairs` all is of what the site adds to the clean prompt less what it
    adds to its twin, each at the scale of its own run. Every site must meet the bound; with `top`
    only those with the largest |attribution| are judged.
    """

    family: ClassVar[str] = "logits"
    check: Literal["attribution"]
    site: SitesField
    metric: MetricsField
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        return self.metric.statistics(attribution=ANY, share=SHARE, **{self._whole: ANY})

    @property
    def _whole(self) -> str:
        """What the statistic of all parts together is called."""
        return "gap" if self.is_paired else "total"

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        for metric in self.metric:
            if not metric.linear:
                yield Problem(
                    "metric", f"parts add up in logits, not in {metric}: name a logit_diff"
                )
                continue
            several = [c for c in metric.choices if len(prompt_set.choices.get(c, ())) > 1]
            if several and prompt_set.pool != "mean":
                why = f"pooled by {prompt_set.pool} they are not linear in the logits"
                yield Problem(
                    "metric", f"{several[0]!r} has synonyms, and {why}: write `pool: mean`"
                )
        for pattern in self.site:
            if pattern.kind not in ADDED:
                yield Problem(
                    "site", f"{pattern} is not added to the stream: name its head or layer"
                )

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del result
        sites = bench.subject.sites(self.site)
        yield from of_all_that_is_read(bench.subject.shape, sites, FINAL)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        sites = bench.subject.sites(self.site)
        sides = self.encoded_sides(bench)
        found = {metric: _attributed(bench, sides, sites, metric) for metric in self.metric}
        first = found[self.metric.first]

        def score(looked: Mask) -> Floats:
            means: Floats = np.abs(first.sites[:, looked].mean(axis=1))
            return means

        chosen = search(list(map(str, sites)), sides[0].prompts, self.top, bench.seed, score)
        means = first.sites.mean(axis=1)
        facts = (
            chosen.facts
            | Facts(extras=HOW, effects=dict(zip(chosen.sites, means.tolist(), strict=True)))
            | Facts(
                extras={"parts": first.parts, "untouched": float(first.untouched.mean())},
                maps=self._maps(found, sites),
            )
        )
        results = [
            one
            for metric, attributed in found.items()
            for one in self._of(metric, attributed, sides, chosen)
        ]
        notes = (*chosen.notes, *first.notes)
        return self.result(bench, sides, results, facts, notes)

    def _maps(self, found: Mapping[Metric, _Attributed], sites: tuple[Site, ...]) -> dict[str, Map]:
        """What each site of the claim adds, and what each layer adds by attention and MLP."""
        maps = {}
        for metric, of_metric in found.items():
            what = f"added to {metric}{', clean - corrupted' if self.is_paired else ''}"
            maps[what] = site_map(sites, of_metric.sites.mean(axis=1))
            parts = np.stack(list(of_metric.model.values())).mean(axis=1)
            maps[f"{what} by all parts"] = site_map(tuple(of_metric.model), parts)
        return maps

    def _of(
        self, metric: Metric, found: _Attributed, sides: Sequence[Encoded], chosen: Search
    ) -> Iterator[StatisticResult]:
        judged = chosen.evaluation_mask(*(side.prompts for side in sides))
        units = units_of(sides[0].prompts)[judged]
        names = np.array(side_texts(sides), dtype=object)[judged]
        attribution, share, total = (
            self.metric.name(name, metric) for name in ("attribution", "share", self._whole)
        )
        for site in chosen.kept:
            member, added = chosen.member(site), found.sites[site, judged]
            yield statistic_result(Mean(added, units, attribution, member, step=found.step), names)
            whole, gap = found.total[judged], found.gap_of(share, self._whole)
            yield statistic_result(
                Ratio(added, whole, units, share, member, found.step, gap), names
            )
        yield statistic_result(Mean(found.total[judged], units, total, step=found.step), names)


@dataclass(frozen=True, eq=False)
class _Attributed:
    """What is added to one metric, or to its difference between clean and corrupted, in logits.

    ``sites`` [site, prompt] are those of the claim, ``model`` has every part of the model [prompt],
    ``biases`` [prompt] come from final norm and unembedding, and ``untouched`` [prompt] is the
    metric that the model outputs. Rounding may move each value by ``step``. No share is read of a
    mean total below ``least``.
    """

    sites: Floats
    model: Mapping[Site, Floats]
    biases: Floats
    untouched: Floats
    step: float
    least: float

    @property
    def total(self) -> Floats:
        return _total(self.model, self.biases)

    def less(self, corrupted: _Attributed) -> _Attributed:
        """What is added to clean prompts, these, less what is added to their twins."""
        return _Attributed(
            self.sites - corrupted.sites,
            {site: added - corrupted.model[site] for site, added in self.model.items()},
            self.biases - corrupted.biases,
            self.untouched - corrupted.untouched,
            self.step,
            least_gap(self.total, corrupted.total),
        )

    def gap_of(self, name: str, whole: str) -> Gap:
        """What a statistic called ``name`` is a share of: the total, called ``whole``."""
        return Gap(beside(name, whole), abs(float(self.total.mean())), self.least)

    @property
    def parts(self) -> dict[str, float]:
        """The total by kind of part, means over prompts."""

        def added(kind: Kind) -> float:
            return float(sum(v.mean() for site, v in self.model.items() if site.kind is kind))

        return {
            "embedding": added(Kind.RESID_PRE),
            "attention": added(Kind.ATTN_OUT),
            "mlp": added(Kind.MLP_OUT),
            "biases": float(self.biases.mean()),
        }

    @property
    def notes(self) -> tuple[str, ...]:
        total, metric = float(self.total.mean()), float(self.untouched.mean())
        if abs(total - metric) <= CAPPED * (1 + abs(metric)):
            return ()
        kept = f"{total:.3g}, of which the metric keeps {metric:.3g}"
        return (f"logits are soft-capped: the parts add up to {kept}",)


def _attributed(
    bench: Bench, sides: Sequence[Encoded], sites: tuple[Site, ...], metric: Metric
) -> _Attributed:
    """What is added to the prompts of one side, or to those of the first less the second."""
    first, *others = (_of_side(bench, side, sites, metric) for side in sides)
    for other in others:
        check_gap(metric, first.untouched, other.untouched, first.step)
    return first.less(*others) if others else first


def _of_side(
    bench: Bench, encoded: Encoded, sites: tuple[Site, ...], metric: Metric
) -> _Attributed:
    model = bench.subject.sites(PARTS)
    reader = readout(metric, encoded, bench.grid.prompt_set.pool)
    every = tuple(dict.fromkeys((*sites, *model)))
    *added, biases = bench.subject.direct(encoded, every, reader)
    known = dict(zip(every, added, strict=True))
    untouched = bench.subject.read(encoded, reader)
    of_model = {site: known[site] for site in model}
    of_sites, least = np.stack([known[site] for site in sites]), least_gap(_total(of_model, biases))
    return _Attributed(of_sites, of_model, biases, untouched, bench.step(metric), least)


def _total(model: Mapping[Site, Floats], biases: Floats) -> Floats:
    total: Floats = np.sum(list(model.values()), axis=0) + biases
    return total
