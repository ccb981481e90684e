"""How much attention heads pay along links between tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import Progress, stacked
from ppcheck.subject.engine.engine import Engine, Sequences
from ppcheck.subject.engine.hooks import by_hook
from ppcheck.subject.model.device import in_numpy

Links = Sequence[Sequence[tuple[int, int]]]


def attention(
    engine: Engine, ids: Sequences, heads: Sequence[Site], links: Links, *, progress: Progress
) -> Floats:
    """See `Subject.attention`. A prompt that occurs several times runs once."""
    patterns = [Site(Kind.PATTERN, head.layer, head.index) for head in heads]
    totals = {site: np.zeros(len(ids)) for site in patterns}
    same: dict[Sequence[int], list[int]] = {}
    for number, row in enumerate(ids):
        same.setdefault(tuple(row), []).append(number)
    distinct = list(same)

    def linked(batch: Sequence[int]) -> tuple[Integers, dict[str, Tensor]]:
        flat = [
            (row, number, *link)
            for row, one in enumerate(batch)
            for number in same[distinct[one]]
            for link in links[number]
        ]
        rows, numbers, queries, keys = np.array(flat, dtype=np.int64).reshape(-1, 4).T
        along = _along(rows, queries, keys)
        return numbers, engine.record(stacked(distinct, batch), patterns, along)

    for _, (numbers, recorded) in engine.in_batches(distinct, linked, "attention", progress):
        for hook, some in by_hook(patterns).items():
            for slot, site in enumerate(some):
                np.add.at(totals[site], numbers, in_numpy(recorded[hook][:, slot]))
    counts = np.array([len({query for query, _ in each}) or np.nan for each in links])
    return np.stack([totals[site] / counts for site in patterns], axis=1)


def _along(rows: Integers, queries: Integers, keys: Integers) -> Callable[[Tensor], Tensor]:
    return lambda pattern: pattern[rows, queries, :, keys]
