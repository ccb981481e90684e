"""What patching does to a metric, as a share of the gap between clean and corrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import (
    Bench,
    StatisticResult,
    pair_texts,
    statistic_result,
    units_of,
)
from ppcheck.measure.core.loss import Unrolled, unrolled
from ppcheck.measure.core.metrics import beside, check_gap, least_gap, read, readout, settled
from ppcheck.measure.core.selection import Search
from ppcheck.measure.interventions.estimate import Intervening
from ppcheck.measure.interventions.rows import loss_readout
from ppcheck.spec.expectations.metric import Metric, Metrics, Reading
from ppcheck.statistics.statistics import Gap, Mean, Ratio
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.tokens.encoding import Encoded

Mode = Literal["denoise", "noise"]
Run = Callable[[Encoded, Encoded, Readout], Floats]
"""Reads target prompts while something comes from their sources, [cell, pair]."""
OF_GAP = {"denoise": "recovery", "noise": "damage"}
"""What the share of the gap is called in each mode."""


@dataclass(frozen=True, eq=False)
class Effect:
    """A metric on clean, corrupted and patched runs, [pair], [pair] and [cell, pair].

    Denoise puts clean activations into the corrupted run (sufficiency), and noise corrupted ones
    into the clean run (necessity); Heimersheim & Nanda 2024. Rounding may move each value by
    ``step``; a patched run that differs from the untouched one by no more is the untouched one.
    """

    mode: Mode
    pairs: tuple[Encoded, Encoded]
    clean: Floats
    corrupted: Floats
    patched: Floats
    step: float

    @property
    def gaps(self) -> Floats:
        return self.clean - self.corrupted

    @property
    def changes(self) -> Floats:
        """How far patching moved the metric along the gap, [cell, pair]."""
        if self.mode == "denoise":
            return self.patched - self.corrupted
        return self.clean - self.patched

    @property
    def texts(self) -> list[str]:
        return pair_texts(*(side.prompts for side in self.pairs))

    def gap_of(self, name: str) -> Gap:
        """What a statistic called ``name`` is a share of."""
        size, least = abs(float(self.gaps.mean())), least_gap(self.clean, self.corrupted)
        return Gap(beside(name, "gap"), size, least)

    def shares(self, looked: Mask) -> Floats:
        """Summed change over summed gap on some of the pairs, [cell].

        Raises MeasurementError where these gaps add up to nothing.
        """
        total = float(self.gaps[looked].sum())
        if total == 0:
            raise MeasurementError("the gaps between clean and corrupted add up to zero")
        shares: Floats = self.changes[:, looked].sum(axis=1) / total
        return shares

    def share(self, cell: int, judged: Mask, name: str, member: str | None) -> StatisticResult:
        """The cell's share of the gap as a statistic: 1 moves the metric all the way."""
        units = units_of(self.pairs[0].prompts)[judged]
        part, whole = self.changes[cell, judged], self.gaps[judged]
        ratio = Ratio(part, whole, units, name, member, self.step, self.gap_of(name))
        return statistic_result(ratio, np.array(self.texts, dtype=object)[judged])

    def gap(self, name: str = "gap") -> StatisticResult:
        units = units_of(self.pairs[0].prompts)
        return statistic_result(Mean(self.gaps, units, name, step=self.step), self.texts)


def share_results(
    effects: Mapping[Metric, Effect], metrics: Metrics, found: Search, judged: Mask
) -> Iterator[StatisticResult]:
    """Of every metric the share of each cell that was kept, and the gap."""
    for metric, effect in effects.items():
        name, gap = (metrics.name(each, metric) for each in (OF_GAP[effect.mode], "gap"))
        for cell in found.kept:
            yield effect.share(cell, judged, name, found.member(cell))
        yield effect.gap(gap)


def patch_effect(
    bench: Bench,
    pairs: tuple[Encoded, Encoded],
    cells: Sequence[Cell],
    metric: Metric,
    mode: Mode,
    under: Intervening | None = None,
) -> Effect:
    """Run every cell on every pair, ``under`` estimates if not the model itself.

    Raises MeasurementError for pairs that do not align at the cells' positions, and as `effect_of`.
    """

    def patched(target: Encoded, source: Encoded, reader: Readout) -> Floats:
        return (under or bench.subject).patch(target, source, cells, reader)

    return effect_of(bench, pairs, metric, mode, patched)


def effect_of(
    bench: Bench, pairs: tuple[Encoded, Encoded], metric: Metric, mode: Mode, run: Run
) -> Effect:
    """What ``run`` does to a metric: it reads target prompts under something of their sources.

    Raises MeasurementError for choices of several tokens, and where the metric cannot tell clean
    from corrupted.
    """
    rows, step = _Compared.of(bench, pairs, metric, mode), bench.step(metric)
    check_gap(metric, rows.clean, rows.corrupted, step)
    target, source = rows.sides if mode == "noise" else rows.sides[::-1]
    untouched = rows.clean if mode == "noise" else rows.corrupted
    patched = settled(rows.values(run(target, source, rows.reader)), untouched, step)
    return Effect(mode, pairs, rows.clean, rows.corrupted, patched, step)


@dataclass(frozen=True, eq=False)
class _Compared:
    """What is run to read a metric of pairs: these or, for a loss, beginnings of both sides.

    ``clean`` and ``corrupted`` are the metric on untouched runs, [pair].
    """

    sides: tuple[Encoded, Encoded]
    reader: Readout
    clean: Floats
    corrupted: Floats
    unrolled: Unrolled | None = None

    @classmethod
    def of(
        cls, bench: Bench, pairs: tuple[Encoded, Encoded], metric: Metric, mode: Mode
    ) -> _Compared:
        """Raises MeasurementError for choices of several tokens, and as `Unrolled.check_same`."""
        subject, pool = bench.subject, bench.grid.prompt_set.pool
        if metric.reading is Reading.LOSS:
            clean, corrupted = (unrolled(side, metric.variable) for side in pairs)
            clean.check_same(corrupted)
            reader = loss_readout(clean)
            sides = clean.encoded, corrupted.encoded
            before, after = (clean.losses(subject.read(side, reader)) for side in sides)
            return cls(sides, reader, before, after, clean)
        target = pairs[1] if mode == "denoise" else pairs[0]
        if metric.reading is Reading.KL:
            reader = readout(metric, target, pool, subject.log_distribution(pairs[0]))
            before, after = (subject.read(side, reader) for side in pairs)
        else:
            reader = readout(metric, target, pool)
            before, after = (read(subject, side, metric, pool) for side in pairs)
        return cls(pairs, reader, before, after)

    def values(self, found: Floats) -> Floats:
        """The metric, [..., pair], from what was read, [..., row]."""
        return found if self.unrolled is None else self.unrolled.losses(found)
