"""Activation patching by replays: many cells and pairs at once, each from where it first tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ppcheck.errors import UnsupportedError
from ppcheck.spec.site import OF_HEADS, Kind, Site
from ppcheck.subject.align import Aligned
from ppcheck.subject.batches import stacked
from ppcheck.subject.device import near
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.hooks import Hook, Hooks, by_hook
from ppcheck.subject.jobs import AFTER_ATTENTION, Job, Pairs, Record, Write, shared, values
from ppcheck.subject.readout import Integers
from ppcheck.subject.replay import EMBEDDING, Captured, Replay, Resumed, Visits
from ppcheck.subject.subject import Cell


@dataclass(frozen=True, eq=False)
class Sweep:
    """Cells over some pairs of equal lengths, captured on both sides."""

    replay: Replay
    hooks: Hooks
    pairs: Pairs
    captured: Captured

    @classmethod
    def of(
        cls,
        replay: Replay,
        target: Encoded,
        source: Encoded,
        numbers: Sequence[int],
        cells: Sequence[Cell],
        aligned: Aligned,
    ) -> Sweep:
        hooks, n_layers = replay.blocks.hooks, len(replay.blocks)
        sites = [site for cell in cells for site in cell.sites]
        known = {site.layer for site in sites if site.kind in AFTER_ATTENTION}
        heads = {site.layer for site in sites if site.kind is Kind.HEAD}
        sides = [stacked(side.ids, numbers) for side in (target, source)]
        first = min(map(shared, *sides))
        own, theirs = (_tokens(aligned, numbers, side) for side in (0, 1))
        before, after = theirs[theirs < first], theirs[theirs >= first]
        both = np.union1d(own, before)
        visits, seen = _recorder(hooks, sites, both, sides[0].shape[1])
        captured = replay.capture(
            torch.from_numpy(sides[0]),
            visits,
            n_layers,
            attention={layer for layer in known if layer is not None},
            heads={layer for layer in heads if layer is not None},
        )
        ours = Record(both, seen)
        # What both sides start with has the same activations.
        kept = {hook: some[:, ours.numbers(before)] for hook, some in seen.items()}
        if len(after):
            visits, seen = _recorder(hooks, sites, after, sides[1].shape[1])
            deepest = max(EMBEDDING if site.layer is None else site.layer for site in sites)
            replay.capture(
                torch.from_numpy(sides[1]), visits, deepest + 1, like=captured, shared=first
            )
            kept = {hook: torch.cat([some, seen[hook]], dim=1) for hook, some in kept.items()}
        pairs = Pairs(numbers, sides[0], sides[1], aligned, ours, Record(theirs, kept), n_layers)
        return cls(replay, hooks, pairs, captured)

    def logits(self, jobs: Sequence[Job], tokens: Integers | None) -> Tensor:
        """Logits at the final token [row, 1, k] of jobs that start together."""
        rows = self._rows(jobs)
        start = Resumed(self.captured, torch.from_numpy(rows), *jobs[0].start)
        final = self.replay.resume(start, self._visits(jobs, rows))
        return self._unembed(final, jobs, tokens)

    def untouched(self, jobs: Sequence[Job], tokens: Integers | None) -> Tensor:
        """The same of jobs that change nothing."""
        final = self.captured.streams[-1][torch.from_numpy(self._rows(jobs)), -1:]
        return self._unembed(final, jobs, tokens)

    def _rows(self, jobs: Sequence[Job]) -> Integers:
        rows = {pair: row for row, pair in enumerate(self.pairs.numbers)}
        return np.array([rows[job.pair] for job in jobs], dtype=np.int64)

    def _unembed(self, final: Tensor, jobs: Sequence[Job], tokens: Integers | None) -> Tensor:
        asked = None if tokens is None else torch.from_numpy(tokens[[job.pair for job in jobs]])
        return self.replay.frame.unembed(final, asked)

    def _visits(self, jobs: Sequence[Job], rows: Integers) -> Mapping[int, Visits]:
        grouped: dict[tuple[int, Kind], list[tuple[int, Write]]] = {}
        for row, job in enumerate(jobs):
            for write in job.writes:
                layer = EMBEDDING if write.site.layer is None else write.site.layer
                grouped.setdefault((layer, write.site.kind), []).append((row, write))
        visits: dict[int, dict[Kind, list[Hook]]] = {}
        # The residual between attention and MLP goes last: it overrides what attention wrote.
        for layer, kind in sorted(grouped, key=lambda key: key[1] is Kind.RESID_MID):
            where = [row for row, _ in grouped[layer, kind]]
            writes = [write for _, write in grouped[layer, kind]]
            put = Put.of(self, rows[where].tolist(), where, writes)
            for seen, hook in put.hooks(self.hooks.model):
                visits.setdefault(layer, {}).setdefault(seen, []).append(hook)
        return {
            layer: {kind: _in_turn(hooks) for kind, hooks in kinds.items()}
            for layer, kinds in visits.items()
        }


@dataclass(frozen=True, eq=False)
class Put:
    """``values`` [place, width] for rows, tokens and components [place] of one kind of site."""

    site: Site
    length: int
    row: Tensor
    token: Tensor
    index: Tensor
    values: Tensor

    @classmethod
    def of(
        cls, sweep: Sweep, sources: Sequence[int], rows: Sequence[int], writes: Sequence[Write]
    ) -> Put:
        counts = [len(write.to) for write in writes]
        return cls(
            writes[0].site,
            sweep.captured.length,
            torch.from_numpy(np.repeat(rows, counts)),
            torch.from_numpy(np.concatenate([write.to for write in writes])),
            torch.from_numpy(np.repeat([write.site.index or 0 for write in writes], counts)),
            values(sweep.pairs.source_record, sources, writes),
        )

    def hooks(self, model: str) -> list[tuple[Kind, Hook]]:
        if self.site.kind is Kind.RESID_MID:
            return self._between(model)
        return [(self.site.kind, self.replace)]

    def replace(self, activation: Tensor) -> Tensor:
        new = activation.clone()
        kind = self.site.kind
        row, token, chosen = self._shown(activation.shape[2 if kind is Kind.PATTERN else 1])
        if kind is Kind.PATTERN:
            new[row, self.index[chosen], token] = self.values[chosen]
        elif kind in OF_HEADS:
            new[row, token, self.index[chosen]] = self.values[chosen]
        elif kind is Kind.NEURON:
            new[row, token, self.index[chosen]] = self.values[chosen][:, 0]
        else:
            new[row, token] = self.values[chosen]
        return new

    def _shown(self, tokens: int) -> tuple[Tensor, Tensor, Tensor | slice]:
        """The places among the last ``tokens``: rows, tokens among these, and which they are."""
        token = self.token - (self.length - tokens)
        if not len(token) or int(token.min()) >= 0:
            return self.row, token, slice(None)
        chosen = token >= 0
        return self.row[chosen], token[chosen], chosen

    def _between(self, model: str) -> list[tuple[Kind, Hook]]:
        """Replace the residual between attention and MLP.

        Its hook is the input of the MLP's norm, which the residual goes around. So attention is
        made to add what is missing, and the hook only checks that the block does add the two.
        """
        before: list[Tensor] = []

        def keep(residual: Tensor) -> None:
            before.append(residual)

        def complete(output: Tensor) -> Tensor:
            output = output.clone()
            row, token, chosen = self._shown(output.shape[1])
            stream = before[0][:, -output.shape[1] :]
            output[row, token] = self.values[chosen] - stream[row, token]
            return output

        def check(residual: Tensor) -> None:
            row, token, chosen = self._shown(residual.shape[1])
            if not near(residual[row, token], self.values[chosen]):
                raise UnsupportedError(
                    f"{model} has no {self.site}: its block is no sum of outputs"
                )

        return [(Kind.RESID_PRE, keep), (Kind.ATTN_OUT, complete), (Kind.RESID_MID, check)]


def _tokens(aligned: Aligned, numbers: Sequence[int], side: int) -> Integers:
    needed = [places[number][side] for places in aligned.values() for number in numbers]
    return np.unique(np.concatenate(needed))


def _recorder(
    hooks: Hooks, sites: Sequence[Site], tokens: Integers, length: int
) -> tuple[Mapping[int, Visits], dict[str, Tensor]]:
    """Hooks that keep the activations of ``sites`` at ``tokens``, and where they keep them."""
    seen: dict[str, Tensor] = {}
    at = torch.from_numpy(tokens)

    def recorder(hook: str, some: Sequence[Site]) -> Hook:
        def keep(activation: Tensor) -> None:
            components = hooks.components(activation, some)
            seen[hook] = components[:, at - (length - components.shape[1])]

        return keep

    visits: dict[int, dict[Kind, Hook]] = {}
    for hook, some in by_hook(sites).items():
        layer = EMBEDDING if some[0].layer is None else some[0].layer
        visits.setdefault(layer, {})[some[0].kind] = recorder(hook, some)
    return visits, seen


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
