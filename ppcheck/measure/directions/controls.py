"""What directions do: on the half of the prompts that is judged, and beyond what random ones do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Annotated

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Labels, Mask
from ppcheck.measure.core.check import StatisticResult, statistic_result, texts, units_of
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.statistics.statistics import Gap, Mean, Ratio

DrawsField = Annotated[
    int,
    Field(
        ge=1,
        le=200,
        description="How many random directions of the same length are the control. One of them "
        "would be the strongest of all, by chance alone, once in so many and one cases.",
    ),
]


@dataclass(frozen=True, eq=False)
class EvaluationHalf:
    """Statistics of values [prompt], of the prompts that are ``judged`` alone.

    Rounding may move each value by ``step``.
    """

    prompts: Sequence[Prompt]
    judged: Mask
    step: float

    def mean(
        self,
        values: Floats,
        name: str,
        member: str | None,
        support: tuple[float, float] = REAL_LINE,
        steps: float = 1.0,
    ) -> StatisticResult:
        """The mean; rounding may move each value by so many ``steps``."""
        moved = steps * self.step
        statistic = Mean(values[self.judged], self.units, name, member, support, moved)
        return statistic_result(statistic, compress(texts(self.prompts), self.judged))

    def share(
        self, part: Floats, whole: Floats, name: str, member: str | None, gap: Gap
    ) -> StatisticResult:
        sums = part[self.judged], whole[self.judged]
        ratio = Ratio(*sums, self.units, name, member, self.step, gap)
        return statistic_result(ratio, compress(texts(self.prompts), self.judged))

    @property
    def units(self) -> Labels:
        return units_of(self.prompts)[self.judged]


def leading(looked: Floats, top: int | None) -> tuple[int, ...]:
    """Every site or, with ``top``, those of the largest mean effects [site, prompt], best first."""
    if top is None:
        return tuple(range(len(looked)))
    order = np.argsort(-np.abs(looked.mean(axis=1)), kind="stable")
    return tuple(order[:top].tolist())


def beyond(effects: Floats, random: Floats, looked: Mask) -> Floats:
    """The size of an effect less the size of the strongest random direction's, [prompt].

    ``effects`` [prompt] and ``random`` [draw, prompt] are signed. Which random direction is the
    strongest, and the signs by which effects count as their sizes, are decided on ``looked``
    prompts.
    """
    means = random[:, looked].mean(axis=1)
    strongest = int(np.abs(means).argmax())
    return turned(effects, looked) - turned(random[strongest], looked)


def turned(effects: Floats, looked: Mask) -> Floats:
    """Effects [..., prompt] with the sign that makes their means over ``looked`` positive."""
    signs = np.sign(effects[..., looked].mean(axis=-1, keepdims=True))
    return np.asarray(signs * effects)
