"""`flow`: how a variable's effect runs through the layers from its own tokens to the decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError, ModelError
from ppcheck.measure.core.check import (
    Bench,
    Check,
    CheckResult,
    StatisticResult,
    statistic_result,
    units_of,
)
from ppcheck.measure.core.facts import CurvePoint, Facts, Map
from ppcheck.measure.core.validation import metric_problems, patch_problems
from ppcheck.measure.interventions.effect import Effect, patch_effect
from ppcheck.spec.base import Model
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import LAYER, SHARE, Range
from ppcheck.spec.problem import Problem, Problems, renamed
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, Position, PositionField
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.statistics.first_layer import FirstLayer
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.subject import Subject

STREAMS = (Kind.RESID_POST, Kind.ATTN_OUT, Kind.MLP_OUT)
"""What is patched at each layer and position. The first carries all there is at a token."""


class Flow(Check):
    """Where the difference between clean and corrupted prompts is, layer by layer.

    The residual stream after each block, and what attention and MLP add to it, are patched from
    clean to corrupted prompts at each variable's tokens and at the final one: a map of recoveries.

    handover                     first layer in which `to` recovers more than `from`
    leaves                       first layer in which `from` recovers less than `level`
    arrives                      first layer in which `to` recovers more than `level`
    recovery_from, recovery_to   recovery of the stream at `from` and `to`, in `by_layer` and later
    gap                          mean of clean - corrupted

    Layers are counted from 0; one that is never reached counts as one more than the last.
    """

    model_config = ConfigDict(**Model.model_config, populate_by_name=True)

    family: ClassVar[str] = "patching"
    check: Literal["flow"]
    metric: MetricsField
    pairs: PairsField = None
    origin: PositionField | None = Field(
        None, alias="from", description="Where the effect comes from; default: what `pairs` swap."
    )
    to: PositionField = Field(FINAL, description="Where it should arrive; default: final.")
    level: float = Field(0.5, gt=0, lt=1, description="The recovery that counts as being there.")
    by_layer: int = Field(
        0, ge=0, description="The first layer whose recoveries must meet the bounds."
    )

    def statistics(self) -> Mapping[str, Range]:
        layers = dict.fromkeys(("handover", "leaves", "arrives"), LAYER)
        shares = dict.fromkeys(("recovery_from", "recovery_to"), SHARE)
        return self.metric.statistics(**layers, **shares, gap=lambda metric: metric.change)

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from self.needs_pairs(prompt_set, self.pairs)
        yield from metric_problems(prompt_set, self.metric)
        for key, position in (("from", self.origin), ("to", self.to)):
            if position is not None:
                yield from renamed(key, patch_problems(position))
        if (self.pairs or prompt_set.pairs) and _covers(self.to, self._origin(prompt_set)):
            yield Problem("to", f"the effect is at {self.to} from the start: name another position")

    def measure(self, bench: Bench) -> CheckResult:
        n_layers = bench.subject.shape.n_layers
        ends = self._origin(bench.grid.prompt_set), self.to
        self._check_layer(bench.subject, ends)
        pairs = bench.pairs(self.on, self.pairs)
        positions = self._positions(bench.grid.prompt_set)
        cells = [
            Cell((Site(stream, layer),), position)
            for stream, layer, position in product(STREAMS, range(n_layers), positions)
        ]
        results: list[StatisticResult] = []
        maps: dict[str, Map] = {}
        curves: dict[str, tuple[CurvePoint, ...]] = {}
        for metric in self.metric:
            effect = patch_effect(bench, pairs, cells, metric, "denoise")
            flown = _Flown(effect, positions, n_layers)
            results += self._of(metric, flown, ends)
            maps |= flown.maps(metric)
            curves |= flown.curves(metric, ends)
        facts = Facts(from_=str(ends[0]), to=str(ends[1]), maps=maps, curves=curves)
        return self.result(bench, pairs, results, facts)

    def _origin(self, prompt_set: PromptSet) -> Position:
        (swapped,) = self.pairs or prompt_set.pairs
        return self.origin or Position("variable", variable=swapped)

    def _positions(self, prompt_set: PromptSet) -> tuple[Position, ...]:
        """The variables that stand in every template, in order, the two ends, and the final one."""
        shown = [
            {piece.variable for _, turn in template for piece in turn}
            for template in prompt_set.templates
        ]
        common = [name for name in prompt_set.variable_names if all(name in each for each in shown)]
        variables = (Position("variable", variable=name) for name in common)
        ends = (self._origin(prompt_set), self.to)
        own = (position for position in ends if position != FINAL)
        return tuple(dict.fromkeys((*variables, *own, FINAL)))

    def _check_layer(self, subject: Subject, ends: tuple[Position, Position]) -> None:
        n_layers, name = subject.shape.n_layers, subject.info.name
        if self.by_layer >= n_layers:
            raise ModelError(
                f"layer {self.by_layer} is outside {name}: it has {n_layers} (0-{n_layers - 1})"
            )
        known = {"recovery_from": not ends[0].has_final, "recovery_to": ends[1].has_final}
        fixed = [one for one in self.expect if known.get(one.partition("@")[0])]
        if fixed and self.by_layer == n_layers - 1:
            raise MeasurementError(
                f"{fixed[0]} is known by definition in L{self.by_layer}, the last layer of {name}, "
                "where the final token alone holds anything: give an earlier `by_layer`"
            )

    def _by_last(self, ends: tuple[Position, Position]) -> set[str]:
        """What the last layer meets by definition: there the final token alone holds anything."""
        left, arrived = not ends[0].has_final, ends[1].has_final
        layers = {"leaves": left, "arrives": arrived, "handover": left and arrived}
        return {name for name, met in layers.items() if met}

    def _of(
        self, metric: Metric, flown: _Flown, ends: tuple[Position, Position]
    ) -> Iterator[StatisticResult]:
        def named(statistic: str) -> str:
            return self.metric.name(statistic, metric)

        effect = flown.effect
        wanted = self.level * effect.gaps[:, None]
        left, arrived = (flown.changes(end) for end in ends)
        units = units_of(effect.pairs[0].prompts)
        for name, margins in (
            ("handover", arrived - left),
            ("leaves", wanted - left),
            ("arrives", arrived - wanted),
        ):
            statistic = FirstLayer(
                margins,
                effect.gaps,
                units,
                named(name),
                by_last=name in self._by_last(ends),
                step=effect.step,
                gap=effect.gap_of(named(name)),
            )
            yield statistic_result(statistic, effect.texts)
        judged = np.ones(len(units), dtype=bool)
        for name, end in zip(("recovery_from", "recovery_to"), ends, strict=True):
            for layer in range(self.by_layer, flown.n_layers):
                cell = flown.cell(Kind.RESID_POST, layer, end)
                yield effect.share(cell, judged, named(name), f"L{layer}")
        yield effect.gap(named("gap"))


def _covers(position: Position, other: Position) -> bool:
    """Whether it has every token of the other."""
    return position == other or (other.kind == "variable" and position.has_all_of(other.variable))


@dataclass(frozen=True, eq=False)
class _Flown:
    """The effect of every cell: stream by stream, layer by layer, position by position."""

    effect: Effect
    positions: tuple[Position, ...]
    n_layers: int

    def cell(self, stream: Kind, layer: int, position: Position) -> int:
        row = STREAMS.index(stream) * self.n_layers + layer
        return row * len(self.positions) + self.positions.index(position)

    def changes(self, position: Position) -> Floats:
        """What the residual stream at the position moves the metric by, [pair, layer]."""
        cells = [self.cell(Kind.RESID_POST, layer, position) for layer in range(self.n_layers)]
        return self.effect.changes[cells].T

    @property
    def recoveries(self) -> Floats:
        """Shares of the gap, [stream, layer, position]."""
        everything = np.ones(len(self.effect.gaps), dtype=bool)
        shape = (len(STREAMS), self.n_layers, len(self.positions))
        return self.effect.shares(everything).reshape(shape)

    def maps(self, metric: Metric) -> dict[str, Map]:
        rows, columns = [f"L{n}" for n in range(self.n_layers)], list(map(str, self.positions))
        return {
            f"recovery of {metric} in {stream}": Map(
                rows=rows, columns=columns, values=values.tolist()
            )
            for stream, values in zip(STREAMS, self.recoveries, strict=True)
        }

    def curves(
        self, metric: Metric, ends: tuple[Position, ...]
    ) -> dict[str, tuple[CurvePoint, ...]]:
        stream = self.recoveries[STREAMS.index(Kind.RESID_POST)].T
        return {
            f"recovery of {metric} at {end}": tuple(
                CurvePoint(x=layer, y=float(share))
                for layer, share in enumerate(stream[self.positions.index(end)])
            )
            for end in ends
        }
