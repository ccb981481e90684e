"""What a circuit is compared with: itself and the model without some parts, others, a ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.circuits.faithfulness import Beaten, Deviation, areas, curve, first_nodes
from ppcheck.measure.circuits.knockout import Kept, Knockout, Part, Parts, random_subsets
from ppcheck.measure.core.charts import arrow_map, site_map
from ppcheck.measure.core.check import StatisticResult, statistic_result, units_of
from ppcheck.measure.core.facts import Curve, Facts, Map
from ppcheck.measure.core.selection import Search, search
from ppcheck.measure.interventions.estimate import STEPS
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.expectations.range import ACCURACY, SHARE, SIZE
from ppcheck.spec.sites.ranking import Ranking
from ppcheck.spec.sites.site import Site

OF_SET = dict.fromkeys(("faithfulness", "necessity", "minimality", "incompleteness"), SHARE)
OF_RANDOM = {"over_random": SHARE, "beats_random": ACCURACY}
OF_CURVE = {"cpr": SHARE, "cmd": SIZE}
NAMED = 3
"""So many parts of a subset are named; of a larger one their number is."""
Naming = Callable[[str], str]
"""What a statistic is called in the metric at hand."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A circuit of ``parts`` among ``every`` one, with ``others`` like it and ``subsets`` of it."""

    parts: tuple[Part, ...]
    every: Parts
    others: tuple[Parts, ...]
    subsets: tuple[Parts, ...]

    @classmethod
    def of(
        cls,
        parts: Sequence[Part],
        every: Sequence[Part],
        others: Sequence[Parts],
        subsets: int,
        seed: int,
    ) -> Candidate:
        single = [frozenset({part}) for part in parts]
        some = [*single, *random_subsets(parts, subsets, seed)]
        return cls(tuple(parts), frozenset(every), tuple(others), tuple(some))

    @property
    def whole(self) -> Parts:
        return frozenset(self.parts)

    def outside(self, left_out: Parts) -> Parts:
        """The whole model without some parts."""
        return self.every - left_out

    def wanted(self) -> Iterator[Parts]:
        """Every set of parts that has to be kept by itself."""
        yield from (self.whole, self.outside(self.whole), *self.others)
        for some in self.subsets:
            yield from (self.whole - some, self.outside(some))

    def results(self, kept: Kept, named: Naming) -> Iterator[StatisticResult]:
        yield kept.share(kept.gained(self.whole), named("faithfulness"))
        yield kept.share(kept.missing(self.outside(self.whole)), named("necessity"))
        for part in self.parts:
            lost = kept.values[self.whole] - kept.values[self.whole - {part}]
            yield kept.share(lost, named("minimality"), str(part))
        for number, some in enumerate(self.subsets):
            apart = kept.values[self.outside(some)] - kept.values[self.whole - some]
            yield kept.share(apart, named("incompleteness"), self._without(number))
        if self.others:
            drawn = np.stack([kept.values[other] for other in self.others])
            ahead = kept.values[self.whole] - drawn.mean(axis=0)
            yield kept.share(ahead, named("over_random"))
            yield self._beaten(kept, named("beats_random"))

    def _beaten(self, kept: Kept, name: str) -> StatisticResult:
        others = np.stack([kept.missing(other) for other in self.others])
        units = units_of(kept.sides[0])
        own = kept.missing(self.whole)
        beaten = Beaten(own, others, units, name, None, kept.step, kept.gap_of(name))
        return statistic_result(beaten, kept.texts)

    def _without(self, number: int) -> str:
        some = self._names(self.subsets[number])
        if len(some) <= NAMED:
            return f"without {'+'.join(some)}"
        what = "nodes" if isinstance(self.parts[0], Site) else "edges"
        return f"without {len(some)} {what} ({number - len(self.parts) + 1})"

    def _names(self, some: Parts) -> list[str]:
        return [str(part) for part in self.parts if part in some]

    def facts(self, kept: Kept) -> Facts:
        """In the first metric."""
        without = {self._without(n): self._names(some) for n, some in enumerate(self.subsets)}
        random = [kept.faithfulness(other) for other in self.others]
        parts = list(map(str, self.parts))
        return Facts(extras={"circuit": parts, "random": random, "without": without})

    def map(self, kept: Kept) -> Map:
        """What each part of the circuit adds to its faithfulness, for a report."""
        whole = kept.faithfulness(self.whole)
        lost = [whole - kept.faithfulness(self.whole - {part}) for part in self.parts]
        sites = [part for part in self.parts if isinstance(part, Site)]
        if sites:
            return site_map(sites, np.array(lost))
        return arrow_map(list(map(str, self.parts)), lost)


@dataclass(frozen=True, eq=False)
class Ranked:
    """All nodes, the best first, and what the order was made from."""

    order: tuple[Site, ...]
    effects: dict[str, float]
    found: Search

    @classmethod
    def given(cls, order: Sequence[Site], nodes: Sequence[Site]) -> Ranked:
        """Nodes that the order leaves out come last."""
        names = tuple(map(str, nodes))
        rest = (node for node in nodes if node not in order)
        return cls((*order, *rest), {}, search(names, (), None, 0, lambda _: np.zeros(0)))

    @classmethod
    def by_effect(cls, knockout: Knockout, metric: Metric, ranking: Ranking, seed: int) -> Ranked:
        """By what ablating each node alone takes from the gap, on one half of the units."""
        nodes = knockout.nodes
        kept, lost = _lost(knockout, metric, ranking)

        def score(looked: Any) -> Floats:
            shares = _shares(lost[:, looked], kept.gaps[looked])
            return np.abs(shares) if ranking.by == "size" else shares

        found = search(tuple(map(str, nodes)), kept.sides[0], len(nodes), seed, score)
        shares = _shares(lost, kept.gaps).tolist()
        effects = dict(zip(found.sites, shares, strict=True))
        return cls(tuple(nodes[place] for place in found.kept), effects, found)

    @property
    def notes(self) -> tuple[str, ...]:
        half = "the ranking was made on one half of the units, its areas are judged on the other"
        return (half,) if self.found.looked_at else ()

    @cached_property
    def points(self) -> list[Parts]:
        return first_nodes(self.order)

    def results(self, kept: Kept, named: Naming) -> Iterator[StatisticResult]:
        judged = self.found.evaluation_mask(*kept.sides)
        moved = areas() @ np.stack([kept.gained(some) for some in self.points])
        yield kept.share(moved, named("cpr"), judged=judged)
        missing = np.stack([kept.missing(some)[judged] for some in self.points])
        units = units_of(kept.sides[0])[judged]
        name, gaps = named("cmd"), kept.gaps[judged]
        cmd = Deviation(missing, gaps, units, name, None, kept.step, kept.gap_of(name))
        yield statistic_result(cmd, np.array(kept.texts, dtype=object)[judged])

    def curve(self, kept: Kept) -> Curve:
        return curve(kept, self.points, self.found.evaluation_mask(*kept.sides))


def _lost(knockout: Knockout, metric: Metric, ranking: Ranking) -> tuple[Kept, Floats]:
    """What ablating each node alone takes from the metric, [node, prompt]."""
    if ranking.method != "ablation":
        steps = STEPS if ranking.method == "integrated_gradients" else 0
        return knockout.run([], metric), knockout.estimated(metric, steps)
    without = [frozenset(knockout.nodes) - {node} for node in knockout.nodes]
    kept = knockout.run(without, metric)
    return kept, np.stack([kept.missing(some) for some in without])


def _shares(lost: Floats, gaps: Floats) -> Floats:
    """What of the gap each node takes, sums over prompts, [node].

    Raises MeasurementError where the gaps [prompt] add up to nothing.
    """
    if not gaps.sum():
        raise MeasurementError("the gaps of the prompts add up to 0: no share to rank by")
    shares: Floats = lost.sum(axis=1) / gaps.sum()
    return shares
