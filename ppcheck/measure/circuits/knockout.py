"""What a metric is while all nodes but those of a circuit are ablated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, prod

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import (
    Bench,
    StatisticResult,
    pair_texts,
    statistic_result,
    texts,
    units_of,
)
from ppcheck.measure.core.metrics import beside, least_gap, same
from ppcheck.measure.interventions.ablation import Ablation, ablate
from ppcheck.measure.interventions.effect import patch_effect
from ppcheck.measure.interventions.estimate import Estimated, Intervening
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.edge import Edge
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.statistics.statistics import Gap, Mean, Ratio
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.tokens.encoding import Encoded

Part = Site | Edge
"""What a circuit is made of: nodes, or edges between them."""
Parts = frozenset[Part]


@dataclass(frozen=True, eq=False)
class Kept:
    """A metric, [prompt]: of the whole model, of nothing, and of ``values`` by the parts kept.

    Of nothing is where f = (m - nothing) / (whole - nothing) is 0. ``sides`` are the prompts or,
    where corrupted prompts take the place of what is ablated, these too. Rounding may move each
    value by ``step``.
    """

    whole: Floats
    nothing: Floats
    values: Mapping[Parts, Floats]
    sides: tuple[tuple[Prompt, ...], ...]
    step: float

    @property
    def gaps(self) -> Floats:
        return self.whole - self.nothing

    def gained(self, parts: Parts) -> Floats:
        """How far these parts by themselves move the metric from nothing, [prompt]."""
        return self.values[parts] - self.nothing

    def missing(self, parts: Parts) -> Floats:
        """How far they stay behind the whole model, [prompt]."""
        return self.whole - self.values[parts]

    def faithfulness(self, parts: Parts) -> float:
        return float(self.gained(parts).sum() / self.gaps.sum())

    @property
    def texts(self) -> list[str]:
        return pair_texts(*self.sides) if len(self.sides) > 1 else texts(self.sides[0])

    def gap_of(self, name: str) -> Gap:
        """What a statistic called ``name`` is a share of."""
        size, least = abs(float(self.gaps.mean())), least_gap(self.whole, self.nothing)
        return Gap(beside(name, "gap"), size, least)

    def share(
        self, moved: Floats, name: str, member: str | None = None, judged: Mask | None = None
    ) -> StatisticResult:
        """What was ``moved`` [prompt] as a share of the gap, each summed over the prompts."""
        kept = np.ones(len(moved), dtype=bool) if judged is None else judged
        units = units_of(self.sides[0])[kept]
        sums = moved[kept], self.gaps[kept]
        ratio = Ratio(*sums, units, name, member, self.step, self.gap_of(name))
        return statistic_result(ratio, np.array(self.texts, dtype=object)[kept])

    def gap(self, name: str) -> StatisticResult:
        units = units_of(self.sides[0])
        return statistic_result(Mean(self.gaps, units, name, step=self.step), self.texts)


@dataclass(frozen=True, eq=False)
class Knockout:
    """How nodes outside a circuit are ablated, at the tokens of a position.

    Without an ``ablation`` they take what the corrupted prompt, the other of the ``sides``, has
    there; nothing is then the corrupted run (MIB, arXiv 2504.13151), and else the run in which
    all ``nodes`` are ablated.
    """

    bench: Bench
    sides: tuple[Encoded, ...]
    nodes: tuple[Site, ...]
    position: Position
    ablation: Ablation | None

    def run(self, wanted: Iterable[Parts], metric: Metric) -> Kept:
        """Keep each set of nodes by itself; and none, whatever is wanted.

        Raises MeasurementError where the metric does not tell the whole model from nothing, and as
        `patch_effect` and `ablate` do.
        """
        everything, none = frozenset(self.nodes), Parts()
        sets = [none, *(each for each in dict.fromkeys(wanted) if each and each != everything)]
        cells = [
            Cell(tuple(node for node in self.nodes if node not in kept), self.position)
            for kept in sets
        ]
        whole, nothing, rows = self._runs(cells, metric)
        step = self.bench.step(metric)
        if same(whole, nothing, step).all():
            raise MeasurementError(
                f"{metric} is the same with and without {len(self.nodes)} nodes: nothing to keep"
            )
        values = {everything: whole, **dict(zip(sets, rows, strict=True))}
        return Kept(whole, nothing, values, tuple(side.prompts for side in self.sides), step)

    def estimated(self, metric: Metric, steps: int) -> Floats:
        """What ablating each node alone takes from the metric, to first order, [node, prompt].

        Raises as `run` and `Subject.estimate_patch` do.
        """
        alone = [Cell((node,), self.position) for node in self.nodes]
        under = Estimated(self.bench.subject, steps)
        whole, _, rows = self._runs(alone, metric, under)
        return whole - rows

    def _runs(
        self, cells: Sequence[Cell], metric: Metric, under: Intervening | None = None
    ) -> tuple[Floats, Floats, Floats]:
        if self.ablation is None:
            clean, corrupted = self.sides
            effect = patch_effect(self.bench, (clean, corrupted), cells, metric, "noise", under)
            return effect.clean, effect.corrupted, effect.patched
        run = ablate(self.bench, self.sides[0], cells, metric, self.ablation, under)
        return run.untouched, run.ablated[0], run.ablated


def random_circuits(
    nodes: Sequence[Site], circuit: frozenset[Site], count: int, seed: int
) -> list[frozenset[Site]]:
    """Up to ``count`` other sets with as many heads and as many MLPs as the circuit, all different.

    Raises MeasurementError where there is no other.
    """
    pools = {kind: _of(kind, nodes) for kind in dict.fromkeys(node.kind for node in nodes)}
    sizes = {kind: len(_of(kind, circuit)) for kind in pools}
    others = prod(comb(len(pool), sizes[kind]) for kind, pool in pools.items()) - 1
    if not others:
        raise MeasurementError(
            f"{len(circuit)} of {len(nodes)} nodes: there is no other circuit of as many heads and "
            "MLPs to compare with; leave it out with `random: 0`"
        )
    rng = np.random.default_rng(seed)
    found: dict[frozenset[Site], None] = {}
    while len(found) < min(count, others):
        drawn = frozenset(
            pool[place]
            for kind, pool in pools.items()
            for place in rng.choice(len(pool), sizes[kind], replace=False)
        )
        if drawn != circuit:
            found[drawn] = None
    return list(found)


def random_subsets(circuit: Sequence[Part], count: int, seed: int) -> list[Parts]:
    """Up to ``count`` subsets of two parts or more, but not of all; each part is in with 1/2."""
    possible = 2 ** len(circuit) - len(circuit) - 2
    rng = np.random.default_rng(seed)
    found: dict[Parts, None] = {}
    while len(found) < min(count, possible):
        drawn = frozenset(part for part in circuit if rng.random() < 1 / 2)
        if 1 < len(drawn) < len(circuit):
            found[drawn] = None
    return list(found)


def _of(kind: Kind, nodes: Iterable[Site]) -> list[Site]:
    return [node for node in nodes if node.kind is kind]
