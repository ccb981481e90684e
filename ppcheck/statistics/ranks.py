"""Ranks, and the correlation of two variables' ranks.

They are scipy's, whose module of statistics takes longer to import than a short run to measure.
"""

from __future__ import annotations

import numpy as np

from ppcheck.arrays import Floats


def ranks(values: Floats) -> Floats:
    """The place of each value among all, from 1 up; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles: Floats = np.cumsum(counts) - (counts - 1) / 2
    return middles[place]


def spearman(one: Floats, other: Floats) -> float:
    """Spearman's correlation of two variables, [value] each, in neither of which all are equal."""
    both = np.column_stack([ranks(one), ranks(other)])
    return float(np.asarray(np.corrcoef(both, rowvar=False))[1, 0])
