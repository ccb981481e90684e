"""`steer`: what adding a direction to activations does to a metric, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.charts import drawn_means, site_map
from ppcheck.measure.core.check import Bench, CheckResult, StatisticResult
from ppcheck.measure.core.doubts import estimates
from ppcheck.measure.core.facts import Curve, Facts, Map
from ppcheck.measure.core.metrics import leverage, same, settled
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.selection import TopField
from ppcheck.measure.core.validation import metric_problems, patch_problems
from ppcheck.measure.directions.controls import DrawsField, EvaluationHalf, beyond, leading, turned
from ppcheck.measure.directions.direction import Direction, site_problems
from ppcheck.measure.directions.features import direction_problems, directions, place
from ppcheck.measure.interventions.reconstruction import reconstruction
from ppcheck.measure.interventions.rows import Rows
from ppcheck.spec.expectations.metric import Metric, MetricsField, Reading
from ppcheck.spec.expectations.range import ANY, CORRELATION, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, PositionField
from ppcheck.spec.sites.site import Site, SitesField
from ppcheck.statistics.ranks import spearman
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.tokens.encoding import Encoded

EPS = (-2.0, -1.0, 1.0, 2.0)


class Steer(ReadsAt):
    """What h + eps v does to a metric: a dose-response along a direction v, beside random ones.

    effect     mean of the metric at the largest eps less that at the smallest
    slope      mean over prompts of the least-squares slope, metric for one unit of eps
    spearman   mean over prompts of Spearman's correlation of eps and metric; no change is 0
    excess     size of the effect less that of the strongest random direction as long as v
    ahead      size of the effect at the site of `largest`, or `top`, less that at each other site
    untouched  mean of the metric while nothing is added; it is eps 0 of every grid

    Directions are learned, sites chosen, and signs and the strongest random direction decided on
    one half of the units; every statistic is of the other half.
    """

    family: ClassVar[str] = "steering"
    takes_features: ClassVar[bool] = True
    check: Literal["steer"]
    site: SitesField
    position: PositionField = FINAL
    direction: Direction | None = Field(
        None, description="Of a feature it is its row of the decoder, and is left out."
    )
    eps: tuple[float, ...] = Field(
        EPS, min_length=1, max_length=100, description="The steps; 0 is always one of them."
    )
    scale: Literal["length", "unit"] = Field(
        "length",
        description="eps counts lengths of v (1 is from the mean of one class to the other's), or "
        "is added along v / |v| in units of the activation itself.",
    )
    draws: DrawsField = 20
    metric: MetricsField
    largest: SitesField | None = Field(
        None, description="The site that is said to have the largest effect; it alone is judged."
    )
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        ahead = {"ahead": ANY} if self.largest or self.top else {}
        return self.metric.statistics(
            effect=lambda metric: metric.change,
            slope=ANY,
            spearman=CORRELATION,
            excess=ANY,
            **ahead,
            untouched=lambda metric: metric.range,
        )

    @property
    def halves(self) -> bool:
        return True

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from metric_problems(prompt_set, self.metric, of_tokens=True)
        yield from patch_problems(self.position)
        yield from site_problems(self.site)
        yield from direction_problems(
            self.direction, prompt_set, self.position, of_features=bool(self.dictionaries)
        )
        if any(metric.reading is Reading.KL for metric in self.metric):
            yield Problem("metric", "`kl` grows whichever way one steers: read a logit_diff")
        if not all(map(isfinite, self.eps)) or not any(self.eps):
            yield Problem(
                "eps", "eps are finite numbers, one of them other than 0, such as [-2, -1, 1, 2]"
            )
        if len(set(self.eps)) < len(self.eps):
            yield Problem("eps", "the same eps stands twice")
        if self.largest and self.top:
            yield Problem("top", "`top` finds the site that `largest` names: leave one of them out")

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        if self.direction is not None:
            yield from self.direction.faults(grid, self.on.prompts)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        sites = bench.subject.sites(self.site)
        found = directions(bench, self.direction, sites, self.position, self.on)
        encoded, judged = found.encoded, found.evaluation_mask(list(map(str, sites)))
        vectors = [found.vectors[site] for site in sites]
        curves = {
            metric: self._curves(bench, encoded, sites, vectors, metric) for metric in self.metric
        }
        kept = self._kept(bench, sites, curves[self.metric.first][:, :, ~judged])
        results: list[StatisticResult] = []
        maps: dict[str, Map] = {}
        drawn: dict[str, Curve] = {}
        for metric, of_sites in curves.items():
            random = {
                site: self._curves(
                    bench,
                    encoded,
                    [sites[site]] * self.draws,
                    found.random(sites[site], self.draws, bench.seed),
                    metric,
                )
                for site in kept
            }
            half = EvaluationHalf(encoded.prompts, judged, bench.step(metric))
            steered = _Steered(sites, of_sites, random, half)
            results += self._of(metric, steered)
            effects = site_map(sites, steered.effects[:, judged].mean(axis=1))
            maps[f"effect on {metric} of steering"] = effects
            for site in kept:
                drawn |= steered.drawn(site, self._steps, str(metric))
        how = {"position": str(self.position), "eps": list(self._steps), "scale": self.scale}
        facts = found.facts | Facts(
            extras=how | {"draws": self.draws},
            searched=len(sites),
            kept=tuple(str(sites[site]) for site in kept),
            looked_at=int((~judged).sum()),
            maps=maps,
            curves=drawn,
        )
        cost, said = reconstruction(bench, encoded, sites, self.position, self.metric)
        notes = (*found.notes, *said)
        return self.result(bench, [encoded], results, facts | cost, notes)

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del bench
        excess = [each for each in estimates(result, "excess") if each <= 0]
        if excess and "effect" in self.expect and "excess" not in self.expect:
            yield (
                f"a random direction as long has as much effect (excess {min(excess):.3g}): expect "
                "`excess` beside `effect`"
            )

    @property
    def _steps(self) -> tuple[float, ...]:
        return tuple(sorted({0.0, *self.eps}))

    def _curves(
        self,
        bench: Bench,
        encoded: Encoded,
        sites: Sequence[Site],
        vectors: Sequence[Floats] | Floats,
        metric: Metric,
    ) -> Floats:
        """The metric at every step along each site's vector, [vector, step, prompt]."""
        rows = Rows.of(bench.subject, encoded, metric, bench.grid.prompt_set.pool)
        untouched = rows.values(bench.subject.read(rows.encoded, rows.reader))
        steps = [step for step in self._steps if step]
        cells = [
            (Edit(place(bench, site), self.position, Operation.ADD, step * self._scaled(vector)),)
            for site, vector in zip(sites, vectors, strict=True)
            for step in steps
        ]
        values = rows.values(bench.subject.intervene(rows.encoded, cells, rows.reader))
        values = settled(values, untouched, bench.step(metric))
        values = values.reshape(len(sites), len(steps), len(encoded))
        return np.insert(values, self._steps.index(0.0), untouched, axis=1)

    def _scaled(self, vector: Floats) -> Floats:
        return vector / np.linalg.norm(vector) if self.scale == "unit" and vector.any() else vector

    def _kept(self, bench: Bench, sites: Sequence[Site], looked: Floats) -> tuple[int, ...]:
        """The sites that are judged, the leading one first; looked [site, step, prompt]."""
        if self.largest is not None:
            named = bench.subject.sites(self.largest)
            if len(named) != 1 or named[0] not in sites or len(sites) == 1:
                raise MeasurementError(f"`largest` is one of several sites of {self.site}")
            return (list(sites).index(named[0]),)
        return leading(looked[:, -1] - looked[:, 0], self.top)

    def _of(self, metric: Metric, steered: _Steered) -> Iterator[StatisticResult]:
        def named(statistic: str) -> str:
            return self.metric.name(statistic, metric)

        half, steps = steered.half, np.array(self._steps)
        for site in steered.random:
            member = str(steered.sites[site]) if len(steered.random) > 1 else None
            curve = steered.curves[site]
            slopes = np.polyfit(steps, curve, 1)[0]
            excess = beyond(steered.effects[site], steered.random_effects(site), ~half.judged)
            yield half.mean(steered.effects[site], named("effect"), member)
            yield half.mean(slopes, named("slope"), member, steps=leverage(steps))
            support = (-1.0, 1.0)
            spearmans = _spearmans(steps, curve, half.step)
            yield half.mean(spearmans, named("spearman"), member, support, steps=0)
            yield half.mean(excess, named("excess"), member, steps=2)
        if self.largest or self.top:
            yield from steered.leads(named("ahead"))
        support = (0.0, 1.0) if metric.probability else REAL_LINE
        untouched = steered.curves[0, self._steps.index(0.0)]
        yield half.mean(untouched, named("untouched"), None, support)


@dataclass(frozen=True, eq=False)
class _Steered:
    """Curves of all sites [site, step, prompt], and of the random directions of those judged.

    ``random`` is, by site, [draw, step, prompt]; its first site is the leading one.
    """

    sites: Sequence[Site]
    curves: Floats
    random: dict[int, Floats]
    half: EvaluationHalf

    @property
    def effects(self) -> Floats:
        """Largest eps less smallest, [site, prompt]."""
        return np.asarray(self.curves[:, -1] - self.curves[:, 0])

    def random_effects(self, site: int) -> Floats:
        """The same along random directions, [draw, prompt]."""
        return np.asarray(self.random[site][:, -1] - self.random[site][:, 0])

    def leads(self, name: str) -> Iterator[StatisticResult]:
        """How far the leading site's effect is ahead of each other site's."""
        sizes = turned(self.effects, ~self.half.judged)
        leader = next(iter(self.random))
        for site, size in enumerate(sizes):
            if site != leader:
                yield self.half.mean(sizes[leader] - size, name, str(self.sites[site]), steps=2)

    def drawn(self, site: int, steps: Sequence[float], metric: str) -> dict[str, Curve]:
        """Two curves for a report: the direction's mean, with its error; the random ones' range."""
        judged, units = self.half.judged, self.half.units
        means = drawn_means([(row[judged], units) for row in self.curves[site]])
        random = self.random[site][:, :, judged].mean(axis=2)
        axes: dict[str, Any] = {"x": list(steps), "x_label": "eps", "y_label": metric}
        spread = {"y": random.mean(axis=0), "low": random.min(axis=0), "high": random.max(axis=0)}
        ranges = {name: values.tolist() for name, values in spread.items()}
        here = f"{self.sites[site]}: {metric} along"
        return {
            f"{here} the direction": Curve(**axes, **means),
            f"{here} {len(random)} random directions": Curve(**axes, **ranges),
        }


def _spearmans(steps: Floats, curve: Floats, rounding: float) -> Floats:
    """Spearman's correlation of step and metric, [prompt]; curve [step, prompt].

    It is 0 where the metric moves by no more than rounding.
    """
    found = [
        0.0 if same(column.min(), column.max(), rounding) else spearman(steps, column)
        for column in curve.T
    ]
    return np.array(found).round(12)  # exactly 1 where all agree
