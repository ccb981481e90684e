"""What patching does to a metric, as a share of the gap between clean and corrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ppcheck.measure.check import Bench
from ppcheck.measure.metrics import read, readout
from ppcheck.measure.statistics import Floats, Ratio
from ppcheck.spec.metric import Metric, Reading
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.subject import Cell

Mode = Literal["denoise", "noise"]


@dataclass(frozen=True, eq=False)
class Effect:
    """A metric on clean, corrupted and patched runs, [pair], [pair] and [cell, pair].

    Denoise puts clean activations into the corrupted run (sufficiency), and noise corrupted ones
    into the clean run (necessity); Heimersheim & Nanda 2024.
    """

    mode: Mode
    clean: Floats
    corrupted: Floats
    patched: Floats

    @property
    def gap(self) -> Floats:
        return self.clean - self.corrupted

    @property
    def changes(self) -> Floats:
        """How far patching moved the metric along the gap, [cell, pair]."""
        if self.mode == "denoise":
            return self.patched - self.corrupted
        return self.clean - self.patched

    def shares(self, examples: NDArray[np.bool_]) -> Floats:
        """Summed change over summed gap on some of the examples, [cell]."""
        total = float(self.gap[examples].sum())
        if total == 0:
            return np.zeros(len(self.patched))
        shares: Floats = self.changes[:, examples].sum(axis=1) / total
        return shares

    def ratio(
        self,
        cell: int,
        examples: NDArray[np.bool_],
        units: NDArray[np.int64],
        name: str,
        member: str | None,
    ) -> Ratio:
        """The cell's share of the gap as a statistic: 1 moves the metric all the way."""
        change, gap = self.changes[cell, examples], self.gap[examples]
        return Ratio(change, gap, units[examples], name, member)


def patch_effect(
    bench: Bench,
    pairs: tuple[Encoded, Encoded],
    cells: Sequence[Cell],
    metric: Metric,
    mode: Mode,
) -> Effect:
    """Run every cell on every pair.

    Raises MeasurementError for pairs that do not align at the cells' positions, and for choices of
    several tokens.
    """
    clean, corrupted = pairs
    pool = bench.grid.prompt_set.pool
    target, source = (corrupted, clean) if mode == "denoise" else (clean, corrupted)
    if metric.reading is Reading.KL:
        reference = bench.subject.log_distribution(clean)
        reader = readout(metric, target, pool, reference)
        sides = [bench.subject.read(side, reader) for side in pairs]
    else:
        reader = readout(metric, target, pool)
        sides = [read(bench.subject, side, metric, pool) for side in pairs]
    patched = bench.subject.patch(target, source, cells, reader)
    return Effect(mode, sides[0], sides[1], patched)
