"""`logit_lens`: what the residual stream would answer if the model ended after each block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Labels
from ppcheck.measure.core.charts import drawn_means
from ppcheck.measure.core.check import (
    Bench,
    CheckResult,
    StatisticResult,
    statistic_result,
    units_of,
)
from ppcheck.measure.core.doubts import of_all_that_is_read
from ppcheck.measure.core.facts import Curve, Facts
from ppcheck.measure.core.metrics import check_gap, least_gap, own_readout, settled
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.validation import metric_problems
from ppcheck.measure.core.with_pairs import WithPairs, side_texts
from ppcheck.spec.expectations.metric import Metric, MetricsField, Reading
from ppcheck.spec.expectations.range import LAYER, RATE, SHARE, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL
from ppcheck.spec.sites.site import Kind, Site, Sites, SitesField
from ppcheck.statistics.first_layer import Settled
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.statistics.statistics import Gap, Mean, Proportion, Ratio
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.tokens.encoding import Encoded

READ = (Kind.RESID_PRE, Kind.RESID_MID, Kind.RESID_POST)
EVERYWHERE = Sites.parse(["resid_pre.L0", "resid_post.L*"])
OF_PAIRS = {"decided_at": "parted_at", "value": "difference", "final": "gap"}
"""What statistics are called where they are of clean - corrupted."""


class LogitLens(ReadsAt, WithPairs):
    """What a metric would be if the final norm and unembedding read the stream earlier.

    decided_at  first layer from which on the metric is more than `level` of its final value
    share       the metric read at a site over the final one, sums over prompts
    agreement   share of prompts in which it has its final sign there
    value       mean of the metric read at a site
    final       mean of the metric as the model outputs it
    parted_at   decided_at of clean - corrupted, with `pairs`
    difference  value of clean - corrupted
    gap         final of clean - corrupted

    The first three, and parted_at, are given for logit_diff, whose zero says that nothing is
    preferred. With `pairs` share and agreement are of clean - corrupted too. Layers are counted
    from 0, and read after the block; every site must meet the bounds.
    """

    family: ClassVar[str] = "logits"
    check: Literal["logit_lens"]
    metric: MetricsField
    site: SitesField = Field(
        EVERYWHERE,
        description="Where the stream is read: resid_pre, resid_mid, resid_post. Default: before "
        "the first block and after each.",
    )
    level: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="The share of the final metric, or of the gap, that counts as decided.",
    )

    def statistics(self) -> Mapping[str, Range]:
        signed = {"decided_at": LAYER, "share": SHARE, "agreement": RATE}
        found: dict[str, Range] = {}
        for metric in self.metric:
            own = metric.change if self.is_paired else metric.range
            named = {**(signed if metric.linear else {}), "value": own, "final": own}
            found |= {self._name(name, metric): values for name, values in named.items()}
        return found

    def _name(self, statistic: str, metric: Metric) -> str:
        """What the statistic of a metric is called, of prompts or of pairs."""
        called = OF_PAIRS.get(statistic, statistic) if self.is_paired else statistic
        return self.metric.name(called, metric)

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from metric_problems(prompt_set, self.metric)
        for pattern in self.site:
            if pattern.kind not in READ:
                yield Problem(
                    "site", f"the lens reads resid_pre, resid_mid and resid_post, not {pattern}"
                )
        if "level" in self.model_fields_set and not self.metric.linear:
            yield Problem("level", f"no share of {self.metric} is a decision: name a logit_diff")
        if self.is_paired and any(metric.reading is Reading.KL for metric in self.metric):
            yield Problem(
                "metric", "`kl` compares each run with its own end: leave out `pairs`, or `kl`"
            )

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del result
        sites = bench.subject.sites(self.site)
        yield from of_all_that_is_read(bench.subject.shape, sites, FINAL)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        sides = self.encoded_sides(bench)
        sites = bench.subject.sites(self.site)
        layers = bench.subject.sites(EVERYWHERE)
        curves = {}
        every = tuple(dict.fromkeys((*sites, *layers)))
        results: list[StatisticResult] = []
        for metric in self.metric:
            lens = self._lens(bench, sides, every, metric)
            results += self._of(metric, lens, sites, layers[1:], sides)
            what = f"{metric}, clean - corrupted," if self.is_paired else str(metric)
            curves[f"{what} read from the stream"] = lens.curve(layers, sides[0].prompts)
        return self.result(bench, sides, results, Facts(curves=curves))

    def _lens(
        self, bench: Bench, sides: Sequence[Encoded], sites: Sequence[Site], metric: Metric
    ) -> _Lens:
        """What is read of prompts, or of clean ones less their twins."""
        whole = self._name("final", metric)
        first, *others = (_lens(bench, side, sites, metric, whole) for side in sides)
        for other in others:
            check_gap(metric, first.final, other.final, first.step)
        return first.less(*others) if others else first

    def _of(
        self,
        metric: Metric,
        lens: _Lens,
        sites: Sequence[Site],
        layers: Sequence[Site],
        sides: Sequence[Encoded],
    ) -> Iterator[StatisticResult]:
        units, names = units_of(sides[0].prompts), side_texts(sides)
        lowest = -1.0 if self.is_paired else 0.0
        support = (lowest, 1.0) if metric.probability else REAL_LINE

        def named(statistic: str) -> str:
            return self._name(statistic, metric)

        if metric.linear:
            yield statistic_result(
                lens.decided(layers, self.level, units, named("decided_at")), names
            )
        for site in sites:
            member = str(site) if len(sites) > 1 else None
            (value,) = lens.at([site])
            if metric.linear:
                yield statistic_result(lens.share(value, units, named("share"), member), names)
                agrees = settled(value, np.zeros(1), lens.step) * lens.final > 0
                yield statistic_result(Proportion(agrees, units, named("agreement"), member), names)
            mean = Mean(value, units, named("value"), member, support, lens.step)
            yield statistic_result(mean, names)
        yield statistic_result(
            Mean(lens.final, units, named("final"), None, support, lens.step), names
        )


@dataclass(frozen=True, eq=False)
class _Lens:
    """A metric read from the stream, [prompt] for each site, and as the model outputs it.

    Both may be clean - corrupted, [pair]. Rounding may move each value by ``step``; ``gap`` is what
    shares are of.
    """

    values: dict[Site, Floats]
    final: Floats
    step: float
    gap: Gap

    def less(self, corrupted: _Lens) -> _Lens:
        """What is read of clean prompts, these, less what is read of their twins."""
        values = {site: value - corrupted.values[site] for site, value in self.values.items()}
        final, least = self.final - corrupted.final, least_gap(self.final, corrupted.final)
        gap = Gap(self.gap.name, abs(float(final.mean())), least)
        return _Lens(values, final, self.step, gap)

    def at(self, sites: Sequence[Site]) -> Floats:
        """The values at some sites, [site, prompt]."""
        return np.stack([self.values[site] for site in sites])

    def decided(self, layers: Sequence[Site], level: float, units: Labels, name: str) -> Settled:
        """The first layer from which on the metric is more than ``level`` of its final value."""
        margins = self.at(layers).T - level * self.final[:, None]
        step, gap = self.step, self.gap
        return Settled(margins, self.final, units, name, by_last=True, step=step, gap=gap)

    def share(self, value: Floats, units: Labels, name: str, member: str | None) -> Ratio:
        return Ratio(value, self.final, units, name, member, self.step, self.gap)

    def curve(self, sites: Sequence[Site], prompts: Sequence[Prompt]) -> Curve:
        """Means after each number of blocks, with the 95 % interval of each."""
        units = units_of(prompts)
        means = drawn_means([(values, units) for values in self.at(sites)])
        return Curve(x=tuple(range(len(sites))), x_label="blocks", **means)


def _lens(
    bench: Bench, encoded: Encoded, sites: Sequence[Site], metric: Metric, whole: str
) -> _Lens:
    """The stream at the final token takes the place of what the last block outputs there.

    ``whole`` is what the statistic of the final metric is called.
    """
    reader = own_readout(bench.subject, encoded, metric, bench.grid.prompt_set.pool)
    last = Site(Kind.RESID_POST, bench.subject.shape.n_layers - 1)
    streams = bench.subject.capture(encoded, sites, [len(ids) - 1 for ids in encoded.ids])
    cells = [(Edit(last, bench.at, Operation.SET, stream[:, None]),) for stream in streams]
    values = bench.subject.intervene(encoded, cells, reader)
    final = bench.subject.read(encoded, reader)
    gap = Gap(whole, abs(float(final.mean())), least_gap(final))
    return _Lens(dict(zip(sites, values, strict=True)), final, bench.step(metric), gap)
