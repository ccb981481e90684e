"""Interventions by replays: many cells and prompts at once, each from its first change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Integers
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import stacked
from ppcheck.subject.engine.hooks import Hook, Hooks, by_hook
from ppcheck.subject.engine.replay import EMBEDDING, Captured, Replay, Resumed, Visits
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Operation
from ppcheck.subject.operations.jobs import (
    AFTER_ATTENTION,
    BEFORE_OUTPUT,
    Job,
    Pairs,
    Record,
    Write,
    patched_values,
    shared,
)
from ppcheck.subject.operations.put import Put
from ppcheck.subject.tokens.alignment import Aligned
from ppcheck.subject.tokens.encoding import Encoded

Values = Callable[[Sequence[int], Sequence[Write]], Tensor]
"""What writes use, [place, width], of the jobs of some captured rows; see `Put`."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """The prompts ``numbers``, of one length, captured; jobs resume from there."""

    replay: Replay
    numbers: Sequence[int]
    captured: Captured
    values: Values

    def final(self, jobs: Sequence[Job]) -> Tensor:
        """The last stream at the final token of jobs that start together, [row, 1, d_model]."""
        rows = self._rows(jobs)
        start = Resumed(self.captured, torch.from_numpy(rows), *jobs[0].start)
        return self.replay.resume(start, in_turn(self._visits(jobs, rows)))

    def untouched(self, jobs: Sequence[Job]) -> Tensor:
        """The same of jobs that change nothing."""
        return self.captured.streams[-1][torch.from_numpy(self._rows(jobs)), -1:]

    def recorded(self, jobs: Sequence[Job], sites: Sequence[Site]) -> dict[str, Tensor]:
        """What ``sites`` compute in jobs that start together, by hook, where that may change.

        These are the tokens from the first that is changed, [row, token, component, width]; hooks
        before the first change are left out.
        """
        rows, (layer, first, skips) = self._rows(jobs), jobs[0].start
        length, deepest = self.captured.length, max(map(_layer, sites))
        if deepest < layer - 1:
            return {}
        hooks, tokens = self.replay.blocks.hooks, np.arange(first, length)
        visits, (recorders, seen) = self._visits(jobs, rows), recorder(hooks, sites, tokens, length)
        for at, kinds in recorders.items():
            for kind, some in kinds.items():
                # Where attention is not run again its insides are as they were.
                if not (skips and at == layer and kind in BEFORE_OUTPUT):
                    visits.setdefault(at, {}).setdefault(kind, []).extend(some)
        start = Resumed(self.captured, torch.from_numpy(rows), layer, first, skips)
        self.replay.resume(start, in_turn(visits), deepest + 1, length - first)
        return seen

    def _rows(self, jobs: Sequence[Job]) -> Integers:
        rows = {pair: row for row, pair in enumerate(self.numbers)}
        return np.array([rows[job.pair] for job in jobs], dtype=np.int64)

    def _visits(self, jobs: Sequence[Job], rows: Integers) -> dict[int, dict[Kind, list[Hook]]]:
        grouped: dict[tuple[int, Kind, Operation], list[tuple[int, Write]]] = {}
        for row, job in enumerate(jobs):
            for write in job.writes:
                key = (_layer(write.site), write.site.kind, write.operation)
                grouped.setdefault(key, []).append((row, write))
        visits: dict[int, dict[Kind, list[Hook]]] = {}
        # The residual between attention and MLP goes last: it overrides what attention wrote.
        for key in sorted(grouped, key=lambda key: key[1] is Kind.RESID_MID):
            where = [row for row, _ in grouped[key]]
            writes = [write for _, write in grouped[key]]
            put = self._put(rows[where].tolist(), where, writes)
            for seen, hook in put.hooks(self.replay.blocks.hooks.model):
                visits.setdefault(key[0], {}).setdefault(seen, []).append(hook)
        return visits

    def _put(self, captured: Sequence[int], rows: Sequence[int], writes: Sequence[Write]) -> Put:
        """What writes do on ``rows``, whose prompts are the ``captured`` ones of these numbers."""
        counts = [len(write.to) for write in writes]
        return Put(
            writes[0].site,
            writes[0].operation,
            self.captured.length,
            torch.from_numpy(np.repeat(rows, counts)),
            torch.from_numpy(np.concatenate([write.to for write in writes])),
            torch.from_numpy(np.repeat([write.site.index or 0 for write in writes], counts)),
            self.values(captured, writes),
        )


def patches(
    replay: Replay,
    target: Encoded,
    source: Encoded,
    numbers: Sequence[int],
    cells: Sequence[Cell],
    aligned: Aligned,
) -> tuple[Sweep, Iterator[Job]]:
    """Cells over some pairs of equal lengths, captured on both sides."""
    hooks, n_layers = replay.blocks.hooks, len(replay.blocks)
    sites = [site for cell in cells for site in cell.sites]
    sides = [stacked(side.ids, numbers) for side in (target, source)]
    first = min(map(shared, *sides))
    own, theirs = (_tokens(aligned, numbers, side) for side in (0, 1))
    before, after = theirs[theirs < first], theirs[theirs >= first]
    both = np.union1d(own, before)
    captured, seen = captured_at(replay, sides[0], sites, both)
    ours = Record(both, seen)
    # What both sides start with has the same activations.
    kept = {hook: some[:, ours.numbers(before)] for hook, some in seen.items()}
    if len(after):
        visits, seen = recorder(hooks, sites, after, sides[1].shape[1])
        deepest = max(map(_layer, sites))
        replay.capture(
            torch.from_numpy(sides[1]),
            in_turn(visits),
            deepest + 1,
            like=captured,
            shared=first,
        )
        kept = {hook: torch.cat([some, seen[hook]], dim=1) for hook, some in kept.items()}
    pairs = Pairs(numbers, sides[0], sides[1], aligned, ours, Record(theirs, kept), n_layers)
    values = partial(patched_values, pairs.source_record)
    return Sweep(replay, numbers, captured, values), pairs.jobs(cells)


def captured_at(
    replay: Replay, ids: Integers, sites: Sequence[Site], tokens: Integers
) -> tuple[Captured, dict[str, Tensor]]:
    """An untouched run of ids [row, token], ready for changes at ``sites``.

    Also the activations of these at ``tokens``, by hook: [row, token, component, width].
    """
    visits, seen = recorder(replay.blocks.hooks, sites, tokens, ids.shape[1])
    captured = replay.capture(
        torch.from_numpy(ids),
        in_turn(visits),
        len(replay.blocks),
        attention={_layer(site) for site in sites if site.kind in AFTER_ATTENTION},
        heads={_layer(site) for site in sites if site.kind is Kind.HEAD},
    )
    return captured, seen


def _layer(site: Site) -> int:
    return EMBEDDING if site.layer is None else site.layer


def _tokens(aligned: Aligned, numbers: Sequence[int], side: int) -> Integers:
    needed = [places[number][side] for places in aligned.values() for number in numbers]
    return np.unique(np.concatenate(needed))


def recorder(
    hooks: Hooks, sites: Sequence[Site], tokens: Integers, length: int
) -> tuple[dict[int, dict[Kind, list[Hook]]], dict[str, Tensor]]:
    """Hooks that keep the activations of ``sites`` at ``tokens``, and where they keep them."""
    seen: dict[str, Tensor] = {}
    at = torch.from_numpy(tokens)

    def record(hook: str, some: Sequence[Site]) -> Hook:
        def keep(activation: Tensor) -> None:
            components = hooks.components(activation, some)
            seen[hook] = components[:, at - (length - components.shape[1])]

        return keep

    visits: dict[int, dict[Kind, list[Hook]]] = {}
    for hook, some in by_hook(sites).items():
        visits.setdefault(_layer(some[0]), {})[some[0].kind] = [record(hook, some)]
    return visits, seen


def in_turn(visits: Mapping[int, Mapping[Kind, Sequence[Hook]]]) -> Mapping[int, Visits]:
    return {
        layer: {kind: _in_turn(hooks) for kind, hooks in kinds.items()}
        for layer, kinds in visits.items()
    }


def _in_turn(hooks: Sequence[Hook]) -> Hook:
    if len(hooks) == 1:
        return hooks[0]

    def run(activation: Tensor) -> Tensor:
        for hook in hooks:
            new = hook(activation)
            activation = activation if new is None else new
        return activation

    return run


def grouped(jobs: Iterator[Job]) -> dict[tuple[int, int, bool] | None, list[Job]]:
    """Jobs that start together; those that change nothing are under None."""
    groups: dict[tuple[int, int, bool] | None, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.start if job.writes else None, []).append(job)
    return groups
