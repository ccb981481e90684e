"""`contrast`: a metric on paired prompts, valenced minus neutral."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from ppcheck.measure.check import Bench, Check, Measurement, measured, prompt_facts, unit_labels
from ppcheck.measure.metrics import read
from ppcheck.measure.statistics import Mean, Proportion, StandardisedMean, Statistic
from ppcheck.spec.claim import PairsField
from ppcheck.spec.metric import MetricField
from ppcheck.spec.prompts import PromptSet


class Contrast(Check):
    """The metric on the first of each pair minus the metric on the second.

    difference    mean difference
    standardised  mean difference over its standard deviation (Cohen's d_z)
    positive      share of pairs in which the difference is above zero
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["contrast"]
    metric: MetricField
    pairs: PairsField = None

    def statistic_names(self) -> tuple[str, ...]:
        return ("difference", "standardised", "positive")

    def problems(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        yield from super().problems(prompt_set)
        yield from self.needs_pairs(prompt_set, self.pairs)

    def measure(self, bench: Bench) -> Measurement:
        first, second = bench.pairs(self.on, self.pairs)
        pool = bench.grid.prompt_set.pool
        before = read(bench.subject, second, self.metric, pool)
        gaps = read(bench.subject, first, self.metric, pool) - before
        units = unit_labels([prompt.unit for prompt in first.prompts])
        texts = [
            f"{one.text}  |  {other.text}"
            for one, other in zip(first.prompts, second.prompts, strict=True)
        ]
        statistics: list[Statistic] = [
            Mean(gaps, units, "difference"),
            Proportion(gaps > 0, units, "positive"),
        ]
        if gaps.std() > 0:
            statistics.append(StandardisedMean(gaps, units, "standardised"))
        facts = prompt_facts(first.prompts, second.prompts) | {
            "metric": str(self.metric),
            "linear_in_logits": self.metric.linear,
        }
        return Measurement(tuple(measured(s, texts) for s in statistics), facts)
