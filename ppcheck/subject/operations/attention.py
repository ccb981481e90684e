"""How much attention heads pay along links between tokens, and how evenly they pay it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import Progress, stacked
from ppcheck.subject.engine.engine import Engine, Sequences
from ppcheck.subject.engine.hooks import by_hook
from ppcheck.subject.model.device import doubled, in_numpy

Links = Sequence[Sequence[tuple[int, int]]]
Places = Sequence[Sequence[tuple[int, ...]]]
"""Of each prompt the tokens, or groups of tokens, at which its patterns are read."""
Reading = Callable[[Tensor, Integers, Integers], Tensor]
"""Reads patterns [row, query, head, key] at places of rows, [place] and [place, token].

It gives [place, head, measure].
"""


def attention(
    engine: Engine, ids: Sequences, heads: Sequence[Site], links: Links, *, progress: Progress
) -> Floats:
    """See `Subject.attention`. A prompt that occurs several times runs once."""
    (totals,) = _totals(engine, ids, heads, links, _along, (2, 1), progress)
    counts = np.array([len({query for query, _ in each}) or np.nan for each in links])
    paid: Floats = totals / counts[:, None]
    return paid


def evenness(
    engine: Engine,
    ids: Sequences,
    heads: Sequence[Site],
    queries: Sequence[Sequence[int]],
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.evenness`."""
    places = [[(query,) for query in each] for each in queries]
    totals = _totals(engine, ids, heads, places, _even, (1, 2), progress)
    counts = np.array([len(each) or np.nan for each in queries])
    means: Floats = totals / counts[:, None]
    return means


def _totals(
    engine: Engine,
    ids: Sequences,
    heads: Sequence[Site],
    places: Places,
    read: Reading,
    sizes: tuple[int, int],
    progress: Progress,
) -> Floats:
    """What is read of each prompt's places, summed over these: [measure, prompt, head].

    ``sizes`` are how many tokens a place has, and how many measures are read.
    """
    patterns = [Site(Kind.PATTERN, head.layer, head.index) for head in heads]
    n_tokens, n_measures = sizes
    totals = {site: np.zeros((len(ids), n_measures)) for site in patterns}
    same: dict[Sequence[int], list[int]] = {}
    for number, row in enumerate(ids):
        same.setdefault(tuple(row), []).append(number)
    distinct = list(same)

    def placed(batch: Sequence[int]) -> tuple[Integers, dict[str, Tensor]]:
        flat = [
            (row, number, *place)
            for row, one in enumerate(batch)
            for number in same[distinct[one]]
            for place in places[number]
        ]
        found = np.array(flat, dtype=np.int64).reshape(-1, 2 + n_tokens)
        rows, tokens = found[:, 0], found[:, 2:]
        recorded = engine.record(
            stacked(distinct, batch), patterns, lambda pattern: read(pattern, rows, tokens)
        )
        return found[:, 1], recorded

    for _, (numbers, recorded) in engine.in_batches(distinct, placed, "attention", progress):
        for hook, some in by_hook(patterns).items():
            for slot, site in enumerate(some):
                np.add.at(totals[site], numbers, in_numpy(recorded[hook][:, slot]))
    return np.moveaxis(np.stack([totals[site] for site in patterns], axis=1), -1, 0)


def _along(pattern: Tensor, rows: Integers, links: Integers) -> Tensor:
    queries, keys = links.T
    return pattern[rows, queries, :, keys][..., None]


def _even(pattern: Tensor, rows: Integers, queries: Integers) -> Tensor:
    """Entropy, and distance from uniform attention."""
    paid = doubled(pattern[rows, queries[:, 0]])
    seen = torch.from_numpy(queries + 1.0).to(paid.device)
    keys = torch.arange(paid.shape[-1], device=paid.device)
    even = torch.where(keys < seen, 1 / seen, 0.0)[:, None]
    distance = (paid - even).abs().sum(dim=-1) / 2
    return torch.stack([torch.special.entr(paid).sum(dim=-1), distance], dim=-1)
