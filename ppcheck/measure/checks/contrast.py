"""`contrast`: a metric on paired prompts, valenced minus neutral."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from ppcheck.measure.core.check import (
    Bench,
    CheckResult,
    StatisticResult,
    pair_texts,
    statistic_result,
    units_of,
)
from ppcheck.measure.core.metrics import settled
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.replies import Reply, read_with_replies, reply_doubts, told, written
from ppcheck.measure.core.validation import behaviour_problems
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import ANY, RATE, Range
from ppcheck.spec.expectations.replying import Replying, rate_problems
from ppcheck.spec.problem import Problems
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.statistics.counted import CountedMean
from ppcheck.statistics.statistics import Mean, Proportion, StandardisedMean
from ppcheck.subject.tokens.encoding import Encoded


class Contrast(ReadsAt):
    """The metric on the first of each pair minus the metric on the second.

    difference    mean difference
    standardised  mean difference over its standard deviation (Cohen's d_z)
    positive      share of pairs in which the difference is above zero
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["contrast"]
    metric: MetricsField
    pairs: PairsField = None
    reply: Replying | None = None

    def statistics(self) -> Mapping[str, Range]:
        return self.metric.statistics(
            difference=lambda metric: metric.change, standardised=ANY, positive=RATE
        )

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from self.needs_pairs(prompt_set, self.pairs)
        yield from behaviour_problems(prompt_set, self.metric)
        yield from rate_problems(self.metric, self.reply)

    def examples_in(self, grid: Grid) -> Sequence[Prompt]:
        return [pair.clean for pair in grid.pairs(self.on, self.pairs)]

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del bench
        yield from reply_doubts(result, self.reply)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        pairs = bench.pairs(self.on, self.pairs)
        first, second = replies = [written(bench, side, self.reply) for side in pairs]
        found = [each for metric in self.metric for each in self._of(metric, bench, pairs, replies)]
        return self.result(bench, pairs, found, *told([*first, *second], self.reply))

    def _of(
        self,
        metric: Metric,
        bench: Bench,
        pairs: tuple[Encoded, Encoded],
        replies: Sequence[Sequence[Reply]],
    ) -> Iterator[StatisticResult]:
        sides = zip(pairs, replies, strict=True)
        first, second = (read_with_replies(bench, side, metric, own) for side, own in sides)
        step = bench.step(metric)
        gaps = first - settled(second, first, step)
        prompts = [side.prompts for side in pairs]
        units, texts = units_of(prompts[0]), pair_texts(*prompts)
        spread = gaps.std(ddof=1) if len(gaps) > 1 else 0.0
        difference, standardised, positive = (
            self.metric.name(name, metric) for name in ("difference", "standardised", "positive")
        )
        mean = Mean(gaps, units, difference, step=step)
        if metric.outcome is not None:
            mean = CountedMean(gaps, units, difference, support=(-1, 1))
        yield statistic_result(mean, texts)
        yield statistic_result(
            StandardisedMean(gaps, units, standardised), texts, gaps / (spread or 1.0)
        )
        yield statistic_result(Proportion(gaps > 0, units, positive), texts)
