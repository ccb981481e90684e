"""`direction_ablation`: what is lost when activations are freed of one direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from ppcheck.arrays import Floats
from ppcheck.measure.core.charts import site_map
from ppcheck.measure.core.check import Bench, CheckResult, StatisticResult
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.selection import TopField
from ppcheck.measure.core.validation import metric_problems, patch_problems
from ppcheck.measure.directions.controls import DrawsField, EvaluationHalf, beyond, leading
from ppcheck.measure.directions.direction import Direction, Directions, learn, site_problems
from ppcheck.measure.interventions.ablation import OF_SHARES, Ablated, ablated_statistics
from ppcheck.measure.interventions.rows import Rows
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import ANY, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import Position, PositionField
from ppcheck.spec.sites.site import Site, SitesField
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.subject.interventions.edit import Edit, Edits, Operation
from ppcheck.subject.tokens.encoding import Encoded


class DirectionAblation(ReadsAt):
    """What a metric loses when h becomes h - (h.v) v / (v.v), and random directions' part in it.

    drop        mean of untouched - ablated
    drop_share  the drop over the untouched metric, sums over prompts; for logit_diff, p and prob
    value       mean of the metric while ablated
    excess      size of the drop less that of the random direction whose removal has most effect
    untouched   mean of the metric while nothing is

    Several sites are each freed of their own direction alone; with `together` they are at once,
    and with `top` only those with the largest |drop| are judged. Directions are learned, and sites
    and signs decided, on one half of the units; every statistic is of the other half.
    """

    family: ClassVar[str] = "steering"
    check: Literal["direction_ablation"]
    site: SitesField
    position: PositionField = Field(
        Position("all"), description="The tokens that are freed of the direction; default: all."
    )
    direction: Direction
    draws: DrawsField = 20
    metric: MetricsField
    together: bool = Field(False, description="Free all the sites at once.")
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        return ablated_statistics(self.metric, excess=ANY)

    @property
    def halves(self) -> bool:
        return True

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from metric_problems(prompt_set, self.metric, of_tokens=True)
        yield from patch_problems(self.position)
        yield from site_problems(self.site)
        yield from self.direction.problems(prompt_set, self.position)
        if self.together and self.top is not None:
            yield Problem("top", "`top` chooses among sites ablated alone: leave out `together`")

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        yield from self.direction.faults(grid, self.on.prompts)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        sites = bench.subject.sites(self.site)
        groups = {str(self.site): sites} if self.together else {str(s): (s,) for s in sites}
        found = learn(bench, self.direction, sites, self.position, self.on)
        encoded, judged = found.encoded, found.evaluation_mask(list(groups))
        cells = [self._cell(group, found.vectors) for group in groups.values()]
        runs = {metric: self._run(bench, encoded, cells, metric) for metric in self.metric}
        kept = leading(runs[self.metric.first].drops[:, ~judged], self.top)
        facts = found.facts | Facts(
            extras={"position": str(self.position), "draws": self.draws},
            searched=len(groups),
            kept=tuple(list(groups)[number] for number in kept),
            looked_at=int((~judged).sum()),
        )
        if not self.together:
            facts |= Facts(
                maps={
                    f"drop in {metric}": site_map(sites, run.drops[:, judged].mean(axis=1))
                    for metric, run in runs.items()
                }
            )
        results: list[StatisticResult] = []
        for metric, run in runs.items():
            random = {
                number: self._random(bench, encoded, list(groups.values())[number], found, metric)
                for number in kept
            }
            half = EvaluationHalf(encoded.prompts, judged, run.step)
            freed = _Freed(tuple(groups), run, random, half)
            results += self._of(metric, freed)
        return self.result(bench, [encoded], results, facts, tuple(found.notes))

    def _cell(self, sites: Sequence[Site], vectors: dict[Site, Floats]) -> Edits:
        """Where the classes do not differ there is nothing to remove."""
        return tuple(
            Edit(site, self.position, Operation.REMOVE, vectors[site])
            for site in sites
            if vectors[site].any()
        )

    def _run(
        self, bench: Bench, encoded: Encoded, cells: Sequence[Edits], metric: Metric
    ) -> Ablated:
        rows = Rows.of(bench.subject, encoded, metric, bench.grid.prompt_set.pool)
        untouched = bench.subject.read(rows.encoded, rows.reader)
        ablated = bench.subject.intervene(rows.encoded, cells, rows.reader)
        return Ablated.of(rows.values(untouched), rows.values(ablated), bench.step(metric))

    def _random(
        self,
        bench: Bench,
        encoded: Encoded,
        sites: Sequence[Site],
        found: Directions,
        metric: Metric,
    ) -> Floats:
        """The drops without random directions, each site its own, [draw, prompt]."""
        drawn = {site: found.random(site, self.draws, bench.seed) for site in sites}
        cells = [
            self._cell(sites, {site: vectors[draw] for site, vectors in drawn.items()})
            for draw in range(self.draws)
        ]
        return self._run(bench, encoded, cells, metric).drops

    def _of(self, metric: Metric, freed: _Freed) -> Iterator[StatisticResult]:
        def named(statistic: str) -> str:
            return self.metric.name(statistic, metric)

        support = (0.0, 1.0) if metric.probability else REAL_LINE
        half, run = freed.half, freed.run
        for cell, random in freed.random.items():
            member = freed.names[cell] if len(freed.random) > 1 else None
            drops = run.drops[cell]
            yield half.mean(drops, named("drop"), member)
            if metric.reading in OF_SHARES:
                name = named("drop_share")
                yield half.share(drops, run.untouched, name, member, run.gap_of(name))
            yield half.mean(run.ablated[cell], named("value"), member, support)
            excess = beyond(drops, random, ~half.judged)
            yield half.mean(excess, named("excess"), member, steps=2)
        yield half.mean(run.untouched, named("untouched"), None, support)


@dataclass(frozen=True, eq=False)
class _Freed:
    """Runs of all cells; of those judged the drops without random directions [draw, prompt]."""

    names: tuple[str, ...]
    run: Ablated
    random: dict[int, Floats]
    half: EvaluationHalf
