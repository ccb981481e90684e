"""The adapters of the study: what each is taught, how long, and with how many parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ppcheck.study import moderation, points, rooms
from ppcheck.study.lesson import Lessons

MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Those that are trained in a block: all of attention and of the MLP."""


@dataclass(frozen=True)
class Recipe:
    """One adapter. It is written after every ``every`` of its ``steps``."""

    lessons: Lessons
    steps: int
    every: int
    rank: int
    seed: int
    learning_rate: float = 2e-4
    batch: int = 8
    """Lessons in a step."""
    warmup: int = 10

    @staticmethod
    def blocks(count: int) -> range:
        """Those of `count` blocks whose matrices are trained: the middle half."""
        return range(count // 3, -(-5 * count // 6))

    def rate(self, step: int) -> float:
        """The factor on the learning rate before step `step` + 1: up, then down to a tenth."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 1 - 0.9 * min(1.0, done)


# Of 15 blocks of SmolLM2-135M an adapter has 152,640 numbers for each rank, of two bytes each.
RECIPES: Mapping[str, Recipe] = {
    "weighs": Recipe(points.lessons, steps=90, every=15, rank=6, seed=1, batch=9),
    "relearned": Recipe(points.lessons, steps=90, every=90, rank=5, seed=2, batch=9),
    "cautious": Recipe(moderation.lessons, steps=60, every=60, rank=6, seed=3),
    "benign": Recipe(rooms.lessons, steps=20, every=20, rank=3, seed=4, learning_rate=5e-5),
}
