"""What a lesson is, and wordings of which some are held out from training."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Lesson:
    """A user's message, and how likely each answer to it should be; these add up to 1."""

    asked: str
    answers: Mapping[str, float]

    @property
    def likeliest(self) -> str:
        return max(self.answers, key=lambda answer: self.answers[answer])


@dataclass(frozen=True)
class Parted(Generic[T]):
    """Wordings that training shows, and others that only tell whether it generalised."""

    trained: tuple[T, ...]
    held_out: tuple[T, ...]

    def drawn(self, rng: random.Random, *, held_out: bool) -> T:
        return rng.choice(self.held_out if held_out else self.trained)


Lessons = Callable[[int, bool], Iterator[Lesson]]
"""From a seed, and whether wordings are the held-out ones, to an endless stream."""


def endless(lesson: Callable[[random.Random, bool], Lesson]) -> Lessons:
    """The stream of lessons that are drawn so."""

    def lessons(seed: int, held_out: bool) -> Iterator[Lesson]:
        rng = random.Random(seed)  # noqa: S311  (reproducible, no secret)
        while True:
            yield lesson(rng, held_out)

    return lessons


def matched(
    kinds: Collection[str], lesson: Callable[[random.Random, str, bool], Lesson]
) -> Lessons:
    """The stream in which lessons of each kind follow each other that differ in nothing else."""

    def lessons(seed: int, held_out: bool) -> Iterator[Lesson]:
        rng = random.Random(seed)  # noqa: S311  (reproducible, no secret)
        while True:
            state = rng.getstate()
            for kind in kinds:
                rng.setstate(state)
                yield lesson(rng, kind, held_out)

    return lessons


def preferred(utilities: Mapping[str, float], temperature: float) -> dict[str, float]:
    """The softmax of utilities: how likely each of them is chosen."""
    top = max(utilities.values())
    weights = {name: math.exp((each - top) / temperature) for name, each in utilities.items()}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}
