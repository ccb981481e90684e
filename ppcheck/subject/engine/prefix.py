"""Prompts that start with the same tokens, batched so that these run once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

_BATCH = 64
"""What one more batch costs beside its tokens, in tokens."""


def branches(
    ids: Sequence[Sequence[int]], keep: Sequence[int], rows: Callable[[int, int], int]
) -> Iterator[tuple[list[int], int]]:
    """The numbers of prompts that run together, and how many tokens they share at the start.

    They have equal length and equal ``keep``, the number of last tokens that are read and so never
    shared; at most ``rows(length, shared)`` run together.
    """
    groups: dict[tuple[int, int], int] = {}
    group = [groups.setdefault(key, len(groups)) for key in zip(map(len, ids), keep, strict=True)]
    order = sorted(range(len(ids)), key=lambda number: (group[number], tuple(ids[number])))
    batch: list[int] = []
    shared = 0
    for number in order:
        length = len(ids[number])
        if batch and group[batch[0]] == group[number]:
            common = min(shared, _common(ids[batch[-1]], ids[number]))
            # Together the batch runs so many tokens more, and the prefix of one batch less.
            pays = len(batch) * (shared - common) <= shared + _BATCH
            if pays and len(batch) < rows(length, common):
                batch.append(number)
                shared = common
                continue
        if batch:
            yield batch, shared if len(batch) > 1 else 0
        batch, shared = [number], length - keep[number]
    if batch:
        yield batch, shared if len(batch) > 1 else 0


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both start with."""
    for count, (a, b) in enumerate(zip(one, other, strict=True)):
        if a != b:
            return count
    return len(one)
