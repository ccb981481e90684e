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
    texts,
    units_of,
)
from ppcheck.measure.core.doubts import of_all_that_is_read
from ppcheck.measure.core.facts import Curve, Facts
from ppcheck.measure.core.metrics import beside, least_gap, own_readout, settled
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.validation import metric_problems
from ppcheck.spec.expectations.metric import Metric, MetricsField
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


class LogitLens(ReadsAt):
    """What a metric would be if the final norm and unembedding read the stream earlier.

    decided_at  first layer from which on the metric is more than `level` of its final value
    share       the metric read at a site over the final one, sums over prompts
    agreement   share of prompts in which it has its final sign there
    value       mean of the metric read at a site
    final       mean of the metric as the model outputs it

    The first three are given for logit_diff, whose zero says that nothing is preferred. Layers are
    counted from 0, and read after the block; every site must meet the bounds.
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
        0.5, ge=0, lt=1, description="The share of the final metric that counts as decided."
    )

    def statistics(self) -> Mapping[str, Range]:
        signed = {"decided_at": LAYER, "share": SHARE, "agreement": RATE}
        return {
            self.metric.name(name, metric): values
            for metric in self.metric
            for name, values in (
                (signed if metric.linear else {}) | dict.fromkeys(("value", "final"), metric.range)
            ).items()
        }

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

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del result
        sites = bench.subject.sites(self.site)
        yield from of_all_that_is_read(bench.subject.shape, sites, FINAL)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        encoded = bench.prompts(self.on)
        sites = bench.subject.sites(self.site)
        layers = bench.subject.sites(EVERYWHERE)
        curves, prompts = {}, encoded.prompts
        every = tuple(dict.fromkeys((*sites, *layers)))
        results: list[StatisticResult] = []
        for metric in self.metric:
            lens = _lens(bench, encoded, every, metric)
            results += self._of(metric, lens, sites, layers[1:], prompts)
            curves[f"{metric} read from the stream"] = lens.curve(layers, prompts)
        return self.result(bench, [encoded], results, Facts(curves=curves))

    def _of(
        self,
        metric: Metric,
        lens: _Lens,
        sites: Sequence[Site],
        layers: Sequence[Site],
        prompts: Sequence[Prompt],
    ) -> Iterator[StatisticResult]:
        units, names = units_of(prompts), texts(prompts)
        support = (0.0, 1.0) if metric.probability else REAL_LINE

        def named(statistic: str) -> str:
            return self.metric.name(statistic, metric)

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

    Rounding may move each value by ``step``.
    """

    values: dict[Site, Floats]
    final: Floats
    step: float

    def at(self, sites: Sequence[Site]) -> Floats:
        """The values at some sites, [site, prompt]."""
        return np.stack([self.values[site] for site in sites])

    def decided(self, layers: Sequence[Site], level: float, units: Labels, name: str) -> Settled:
        """The first layer from which on the metric is more than ``level`` of its final value."""
        margins = self.at(layers).T - level * self.final[:, None]
        gap = self._gap(name)
        return Settled(margins, self.final, units, name, by_last=True, step=self.step, gap=gap)

    def share(self, value: Floats, units: Labels, name: str, member: str | None) -> Ratio:
        return Ratio(value, self.final, units, name, member, self.step, self._gap(name))

    def _gap(self, name: str) -> Gap:
        size, least = abs(float(self.final.mean())), least_gap(self.final)
        return Gap(beside(name, "final"), size, least)

    def curve(self, sites: Sequence[Site], prompts: Sequence[Prompt]) -> Curve:
        """Means after each number of blocks, with the 95 % interval of each."""
        units = units_of(prompts)
        means = drawn_means([(values, units) for values in self.at(sites)])
        return Curve(x=tuple(range(len(sites))), x_label="blocks", **means)


def _lens(bench: Bench, encoded: Encoded, sites: Sequence[Site], metric: Metric) -> _Lens:
    """The stream at the last token takes the place of what the last block outputs there."""
    reader = own_readout(bench.subject, encoded, metric, bench.grid.prompt_set.pool)
    last = Site(Kind.RESID_POST, bench.subject.shape.n_layers - 1)
    streams = bench.subject.capture(encoded, sites, [len(ids) - 1 for ids in encoded.ids])
    cells = [(Edit(last, bench.at, Operation.SET, stream[:, None]),) for stream in streams]
    values = bench.subject.intervene(encoded, cells, reader)
    final = bench.subject.read(encoded, reader)
    return _Lens(dict(zip(sites, values, strict=True)), final, bench.step(metric))
