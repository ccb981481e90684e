"""Which prompts run together: those of equal shape, in their order, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from ppcheck.arrays import Integers

Progress = Callable[[str, int, int], None]
"""Called with what is measured, how many rows are done and how many there are."""
Key = TypeVar("Key", bound=tuple[int, ...])


def batches(keys: Sequence[Key], rows: Callable[[Key], int]) -> Iterator[list[int]]:
    """The numbers of ``keys``, grouped by equal key, at most ``rows(key)`` at a time."""
    groups: dict[Key, list[int]] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, []).append(number)
    for key, numbers in groups.items():
        size = rows(key)
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]


def stacked(ids: Sequence[Sequence[int]], numbers: Sequence[int]) -> Integers:
    """The ids of these prompts, which are of one length, [row, token]."""
    return np.array([ids[number] for number in numbers], dtype=np.int64)
