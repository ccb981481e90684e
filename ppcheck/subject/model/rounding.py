"""How far rounding alone moves what a model computes: nothing smaller decides a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ppcheck.spec.expectations.metric import Metric, Reading

SCORES = 16
"""Attention is a softmax of scores, mostly below 64, and moves by a quarter of what they do."""


@dataclass(frozen=True)
class Rounding:
    """What two exact orders of evaluation differ by, with a margin.

    ``logit`` is the largest difference of a logit, ``relative`` that over the largest logit.
    """

    logit: float = 0.0
    relative: float = 0.0

    def metric(self, metric: Metric) -> float:
        """How far apart a metric of one prompt may be in two runs that compute the same.

        A difference of logits has two of them, and so has a logarithm of a probability, which is a
        logit less the logarithm of a sum. Probabilities move by a quarter of that. A divergence is
        of second order in logits. A rank and a rate of replies have no such number: they can change
        by any.
        """
        if metric.reading in (Reading.RANK, Reading.RATE):
            return 0.0
        if metric.reading is Reading.KL:
            return self.logit**2
        return self.logit / 2 if metric.probability else 2 * self.logit

    @property
    def attention(self) -> float:
        """How far apart an attention probability may be."""
        return SCORES * self.relative

    def evenness(self, tokens: int) -> tuple[float, float]:
        """How far apart entropy in nats, and distance from uniform attention, over tokens may be.

        Where every score moves by s or less, a probability moves by a quarter of that, an entropy H
        by 2 s H or less, and the sum of the probabilities' moves is s or less.
        """
        scores = 4 * self.attention
        return 2 * scores * math.log(tokens), scores / 2


EXACT = Rounding()
