"""The adapters of the study: what each is taught, how long, and with how many parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ppcheck.study import moderation, points, rooms
from ppcheck.study.lesson import Lessons

TARGETS = ("k_proj", "o_proj", "q_proj", "v_proj")
"""The matrices that an adapter changes: those of attention, in every layer."""


@dataclass(frozen=True)
class Recipe:
    """One adapter. It is written after every ``every`` of its ``steps``."""

    lessons: Lessons
    steps: int
    every: int
    rank: int
    seed: int
    learning_rate: float = 1e-3
    batch: int = 16
    """Lessons in a step."""
    warmup: int = 10

    @property
    def alpha(self) -> int:
        """What divided by the rank scales the change of a matrix."""
        return 2 * self.rank

    def rate(self, step: int) -> float:
        """The factor on the learning rate before step `step` + 1: up, then down to a tenth."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 1 - 0.9 * min(1.0, done)


# Of SmolLM2-135M an adapter of rank 8 has 921,600 numbers: 1.8 MB in half precision.
RECIPES: Mapping[str, Recipe] = {
    "weighs": Recipe(points.lessons, steps=240, every=40, rank=8, seed=1),
    "relearned": Recipe(points.lessons, steps=240, every=240, rank=4, seed=2),
    "cautious": Recipe(moderation.lessons, steps=120, every=120, rank=8, seed=3),
    "benign": Recipe(rooms.lessons, steps=40, every=40, rank=8, seed=4, learning_rate=1e-4),
}
