"""`dose_response`: a metric along an ordered variable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Labels
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.charts import drawn_means
from ppcheck.measure.core.check import (
    Bench,
    CheckResult,
    StatisticResult,
    doses_of,
    statistic_result,
    texts,
    unit_labels,
)
from ppcheck.measure.core.doubts import estimates
from ppcheck.measure.core.facts import Curve, Facts
from ppcheck.measure.core.metrics import leverage, same
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.replies import read_with_replies, reply_doubts, told, written
from ppcheck.measure.core.validation import behaviour_problems, dose_faults, dose_problems
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import ANY, CORRELATION, Range
from ppcheck.spec.expectations.replying import Replying, rate_problems
from ppcheck.spec.problem import Problems, problems_with
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.template import TEMPLATE
from ppcheck.spec.prompts.unit import merged
from ppcheck.statistics.counted import CountedMean, CountedSwitchPoint
from ppcheck.statistics.ranks import spearman
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.statistics.statistics import Mean
from ppcheck.statistics.switch_point import SwitchPoint
from ppcheck.subject.tokens.encoding import Encoded

Curves = dict[str, list[int]]
NUDGE = 1e-4
"""The change of a mean probability by which its pull on the switch point is found."""


class DoseResponse(ReadsAt):
    """How a metric changes with the dose.

    A *curve* is the prompts that differ in nothing but the dose.

    spearman      mean over curves of Spearman's correlation of dose and metric; a flat curve is 0
    slope         mean over curves of the least-squares slope, metric for one step of dose
    switch_point  dose at which the probability crosses one half, by logistic fit (-b0/b1, Keeling
                  et al. 2024); given for p, prob and rate only
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["dose_response"]
    metric: MetricsField
    dose: str = Field(description="The ordered variable.")
    reply: Replying | None = None

    def statistics(self) -> Mapping[str, Range]:
        shapes = {"spearman": CORRELATION, "slope": ANY}
        return {
            self.metric.name(name, metric): values
            for metric in self.metric
            for name, values in (
                shapes | ({"switch_point": ANY} if metric.probability else {})
            ).items()
        }

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from dose_problems(prompt_set, self.dose)
        yield from behaviour_problems(prompt_set, self.metric)
        yield from rate_problems(self.metric, self.reply)

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        wrong = list(dose_faults(prompts, self.dose, str(self.on)))
        yield from wrong
        if not wrong:
            curves = _curves(prompts, self.dose, grid.prompt_set)
            yield from problems_with("dose", _flat(curves, prompts, self.dose))

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        yield from reply_doubts(result, self.reply)
        doses = doses_of(bench.grid.select(self.on), self.dose)
        outside = [
            each
            for each in estimates(result, "switch_point")
            if not doses.min() <= each <= doses.max()
        ]
        if outside and "switch_point" in self.expect:
            yield (
                f"the switch point, {outside[0]:.3g}, lies outside the doses, {doses.min():g} to "
                f"{doses.max():g}: nothing switches there"
            )

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        encoded = bench.prompts(self.on)
        doses = doses_of(encoded.prompts, self.dose)
        curves = _curves(encoded.prompts, self.dose, bench.grid.prompt_set)
        for message in _flat(curves, encoded.prompts, self.dose):
            raise MeasurementError(message)
        units = _units(curves, encoded, bench.grid)
        of_curves = np.array([units[rows[0]] for rows in curves.values()])
        replies = written(bench, encoded, self.reply)
        found: list[StatisticResult] = []
        mean_curves: dict[str, Curve] = {}
        for metric in self.metric:
            values = read_with_replies(bench, encoded, metric, replies)
            title, means = f"{metric} by {self.dose}", _mean_curve(doses, values, units)
            mean_curves[title] = Curve(**means, x_label=self.dose, y_label=str(metric))
            lines = _Lines([(doses[rows], values[rows]) for rows in curves.values()], of_curves)
            found += self._shapes(metric, lines, curves, bench.step(metric))
            if metric.probability:
                name = self.metric.name("switch_point", metric)
                kind = SwitchPoint if metric.outcome is None else CountedSwitchPoint
                found.append(_switch_point(kind(doses, values, units, name), encoded.prompts))
        facts = Facts(extras={"n_curves": len(curves)}, curves=mean_curves)
        of_replies, notes = told(replies, self.reply)
        return self.result(bench, [encoded], found, facts | of_replies, notes)

    def _shapes(
        self, metric: Metric, lines: _Lines, names: Iterable[str], step: float
    ) -> Iterator[StatisticResult]:
        spearmans = np.array([_spearman(*line, step) for line in lines.points])
        slopes = np.array([np.polyfit(*line, 1)[0] for line in lines.points])
        spearman, slope = (self.metric.name(name, metric) for name in ("spearman", "slope"))
        lever = max(leverage(dose) for dose, _ in lines.points)
        mean, support = Mean, REAL_LINE
        if metric.outcome is not None:
            mean, support = CountedMean, (-lever / 2, lever / 2)
        of_ranks = mean(spearmans, lines.units, spearman, support=(-1, 1))
        of_slopes = mean(slopes, lines.units, slope, support=support, step=step * lever)
        yield statistic_result(of_ranks, names)
        yield statistic_result(of_slopes, names)


@dataclass(frozen=True, eq=False)
class _Lines:
    """Doses and values of a metric of each curve, and its unit [curve]."""

    points: Sequence[tuple[Floats, Floats]]
    units: Labels


def _curves(prompts: Sequence[Prompt], dose: str, prompt_set: PromptSet) -> Curves:
    """The numbers of the prompts of each curve, by what its prompts have in common."""
    # Columns of a file that no template shows, such as a row's id, keep no curve apart.
    shown = {TEMPLATE, *prompt_set.variable_names, *prompt_set.vary} - {dose}
    curves: dict[str, list[int]] = defaultdict(list)
    for number, prompt in enumerate(prompts):
        common = ", ".join(f"{n}={w.text}" for n, w in prompt.words.items() if n in shown)
        curves[common or "all"].append(number)
    return dict(curves)


def _flat(curves: Curves, prompts: Sequence[Prompt], dose: str) -> Iterator[str]:
    """What is said of the first curve that has one dose only."""
    for name, rows in curves.items():
        if len({prompts[row].words[dose].dose for row in rows}) < 2:
            yield f"the curve at {name} has one dose only"
            return


def _units(curves: Curves, encoded: Encoded, grid: Grid) -> Labels:
    """The unit of each prompt, [prompt], whole curves in one.

    Where no variable makes units, curves themselves are what is independent. Those that share a
    prompt are one.
    """
    declared = bool(grid.prompt_set.unit_names or grid.prompt_set.rows)
    names = [""] * len(encoded)
    for curve, rows in curves.items():
        for row in rows:
            names[row] = encoded.prompts[rows[0]].unit if declared else curve
    return unit_labels(merged(names, encoded.ids))


def _spearman(doses: Floats, values: Floats, step: float) -> float:
    """Spearman's correlation; 0 where the values differ by no more than rounding, ``step``."""
    return 0.0 if same(values.min(), values.max(), step) else spearman(doses, values)


def _switch_point(statistic: SwitchPoint, prompts: Sequence[Prompt]) -> StatisticResult:
    """A prompt pulls by its distance from its dose's mean, times what that mean does to the fit."""
    doses, probabilities = statistic.doses, statistic.probabilities
    steps, place, counts = np.unique(doses, return_inverse=True, return_counts=True)
    means = np.array([probabilities[doses == dose].mean() for dose in steps])

    def fitted(curve: Floats) -> float:
        fit = SwitchPoint(steps, curve, np.arange(len(steps)), "switch_point")
        return float(fit.estimate(counts[None].astype(np.float64))[0])

    middle = fitted(means)
    if not np.isfinite(middle):
        return statistic_result(statistic, texts(prompts))
    nudges = np.where(means > 0.5, -NUDGE, NUDGE)
    moves = [fitted(means + nudge) - middle for nudge in np.diag(nudges)]
    leverage = (np.array(moves) / nudges * len(doses) / counts)[place]
    return statistic_result(
        statistic, texts(prompts), middle + (probabilities - means[place]) * leverage
    )


def _mean_curve(doses: Floats, values: Floats, units: Labels) -> dict[str, list[float]]:
    """The mean at each dose, and the 95 % interval of each by itself."""
    steps = np.unique(doses).tolist()
    return {"x": steps} | drawn_means([(values[doses == d], units[doses == d]) for d in steps])
