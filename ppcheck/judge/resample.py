"""The bootstrap's resamples of units: one set for every statistic over as many units."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ppcheck.arrays import Floats

BATCH = 2**20  # weights in memory at once
KEPT = 2**19  # weights that are kept for the next statistic


def batches(units: int, seed: int, resamples: int) -> Iterator[Floats]:
    """How often each unit is drawn, [resample, unit], some resamples at a time.

    They depend on nothing but the three numbers. Statistics over the same units thus move together
    from resample to resample as they would from sample to sample.
    """
    if units * resamples <= KEPT:
        yield _kept(units, seed, resamples)
        return
    yield from _drawn(units, seed, resamples)


@lru_cache(maxsize=8)
def _kept(units: int, seed: int, resamples: int) -> Floats:
    weights = np.concatenate(list(_drawn(units, seed, resamples)))
    weights.flags.writeable = False
    return weights


def _drawn(units: int, seed: int, resamples: int) -> Iterator[Floats]:
    rng = np.random.default_rng([seed, units])
    size = max(1, BATCH // units)
    for first in range(0, resamples, size):
        rows = min(size, resamples - first)
        cells = rng.integers(units, size=(rows, units)) + units * np.arange(rows)[:, None]
        weights = np.bincount(cells.ravel(), minlength=rows * units)
        yield weights.reshape(rows, units).astype(np.float64)
