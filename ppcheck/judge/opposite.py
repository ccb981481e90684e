"""Examples that go the other way, so that a mean cannot hide effects that cancel."""

from __future__ import annotations

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.spec.expectations.bound import Bound


def opposite(
    contributions: Floats, estimate: float, neutral: float | None, bound: Bound | None
) -> int | None:
    """How many contributions [example] lie on the other side of `neutral` than the estimate.

    Where the statistic is not an effect and so has no neutral value, it is the nearest edge of the
    bound whose sides can be distinguished. None where there is neither, or the estimate lies on it.
    """
    middle = neutral
    if middle is None and bound is not None:
        middle = bound.nearest_edge(estimate)
    if middle is None or estimate == middle:
        return None
    sides = np.sign(contributions - middle)
    return int((sides == -np.sign(estimate - middle)).sum())
