"""How replies are written: the likeliest token each time, or one that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats, Integers
from ppcheck.subject.model.fingerprint import digest

NOTHING = -1
"""Stands in a row of tokens where its reply has ended."""


@dataclass(frozen=True)
class Writing:
    """Up to ``tokens`` of the model's own distribution at ``temperature``; at 0 the likeliest.

    What is drawn goes by the ``seed``, the prompt and the reply's number, and by nothing else.
    """

    tokens: int
    temperature: float = 0.0
    seed: int = 0

    def uniforms(self, prompt: Sequence[int], number: int) -> Floats:
        """One number from 0 to 1 for each token of a prompt's reply of this number, [token]."""
        named = int(digest(self.seed, list(prompt), number), 16)
        return np.random.default_rng(named).random(self.tokens)

    def drawn(self, logits: Floats, uniforms: Floats) -> Integers:
        """For each row of logits [row, vocabulary] the token at which their cumulative
        distribution passes that row's uniform number, [row].
        """
        odds = logits - logits.max(axis=1, keepdims=True)
        odds /= self.temperature
        reached = np.cumsum(np.exp(odds, out=odds), axis=1)
        aims = zip(reached, uniforms * reached[:, -1], strict=True)
        first = np.array([np.searchsorted(row, aim, side="right") for row, aim in aims])
        # A product close to the whole may round to it.
        tokens: Integers = np.minimum(first, logits.shape[1] - 1)
        return tokens
