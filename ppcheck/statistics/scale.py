"""Scales on which sampling distributions of bounded statistics are closer to symmetric."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A rising change of scale, the way back, and its derivative."""

    to: Callable[[float], float]
    back: Callable[[float], float]
    slope: Callable[[float], float]


PLAIN = Scale(float, float, lambda _: 1.0)
LOGIT = Scale(
    lambda p: math.log(p / (1 - p)), lambda x: (1 + math.tanh(x / 2)) / 2, lambda p: 1 / (p - p * p)
)
FISHER = Scale(math.atanh, math.tanh, lambda r: 1 / (1 - r * r))
