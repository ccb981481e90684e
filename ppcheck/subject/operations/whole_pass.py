"""Interventions by whole forward passes, for models that cannot be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import Progress, batches, stacked
from ppcheck.subject.engine.engine import Engine, read_out
from ppcheck.subject.engine.hooks import Hook, by_hook
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits, Operation
from ppcheck.subject.interventions.readout import Readout, width
from ppcheck.subject.model.device import in_numpy
from ppcheck.subject.operations.put import Put
from ppcheck.subject.tokens.alignment import Aligned, align
from ppcheck.subject.tokens.encoding import Encoded

Job = tuple[Cell, int]
"""One row to run: a cell, and the number of a pair."""


def patch_whole(
    engine: Engine,
    target: Encoded,
    source: Encoded,
    cells: Sequence[Cell],
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.patch`."""
    aligned = align(target, source, cells)
    values = np.empty((len(cells), len(target), *width(readout)))
    keys = [(len(a), len(b)) for a, b in zip(target.ids, source.ids, strict=True)]
    done = 0

    def run(pairs: Sequence[int]) -> None:
        nonlocal done
        recorded = _Recorded.of(engine, target, source, pairs, cells, aligned)
        jobs = list(product(range(len(cells)), pairs))

        def fill(part: Sequence[tuple[int, int]]) -> None:
            cell, pair = np.array(part).T
            hooks = recorded.hooks([(cells[c], p) for c, p in part])
            logits = engine.forward(stacked(target.ids, pair), hooks)
            values[cell, pair] = read_out(logits, readout, pair)

        size = engine.rows(len(target.ids[pairs[0]]))
        for part, _ in in_parts(jobs, size, fill, engine.hooks.model):
            done += len(part)
            progress("patch", done, len(cells) * len(target))

    for pairs in batches(keys, lambda key: engine.rows(max(key))):
        for _ in in_parts(pairs, len(pairs), run, engine.hooks.model):
            pass
    return values


def edit_whole(
    engine: Engine,
    encoded: Encoded,
    cells: Sequence[Edits],
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.intervene`."""
    values = np.empty((len(cells), len(encoded), *width(readout)))

    def run(numbers: Sequence[int]) -> None:
        ids = stacked(encoded.ids, numbers)
        for place, cell in enumerate(cells):
            logits = engine.forward(ids, _edit_hooks(engine, encoded, cell, numbers))
            values[place, numbers] = read_out(logits, readout, numbers)

    for _ in engine.in_batches(encoded.ids, run, "edit", progress):
        pass
    return values


def activations_whole(
    engine: Engine,
    encoded: Encoded,
    sites: Sequence[Site],
    cells: Sequence[Edits],
    numbers: Sequence[int],
) -> dict[Site, Floats]:
    """For each site [cell, prompt of numbers, token, width]; see `Subject.activations`."""
    ids, groups = stacked(encoded.ids, numbers), by_hook(sites)
    found: dict[Site, list[Floats]] = {site: [] for site in sites}

    def keeper(some: Sequence[Site]) -> Hook:
        def keep(activation: Tensor) -> None:
            components = in_numpy(engine.hooks.components(activation, some))
            for slot, site in enumerate(some):
                found[site].append(components[:, :, slot])

        return keep

    for cell in cells:
        hooks = _edit_hooks(engine, encoded, cell, numbers)
        hooks += [(hook, keeper(some)) for hook, some in groups.items()]
        engine.forward(ids, hooks)
    return {site: np.stack(of_cells) for site, of_cells in found.items()}


def _edit_hooks(
    engine: Engine, encoded: Encoded, cell: Edits, numbers: Sequence[int]
) -> list[tuple[str, Hook]]:
    """The hooks that make the edits of one cell in a batch of the prompts ``numbers``."""
    hooks: list[tuple[str, Hook]] = []
    for edit in sorted(cell, key=lambda edit: edit.site.kind is Kind.RESID_MID):
        tokens = encoded.positions(edit.position)
        counts = [len(tokens[number]) for number in numbers]
        vectors = [edit.at(number, count) for number, count in zip(numbers, counts, strict=True)]
        row = torch.from_numpy(np.repeat(np.arange(len(numbers)), counts))
        token = np.concatenate([tokens[number] for number in numbers]).astype(np.int64)
        index = torch.full_like(row, edit.site.index or 0)
        values = torch.from_numpy(np.concatenate(vectors))
        length = len(encoded.ids[numbers[0]])
        put = Put(edit.site, edit.operation, length, row, torch.from_numpy(token), index, values)
        hooks += _named(put, engine.hooks.model)
    return hooks


def _named(put: Put, model: str) -> list[tuple[str, Hook]]:
    return [(Site(kind, put.site.layer).hook, hook) for kind, hook in put.hooks(model)]


@dataclass(frozen=True)
class _Recorded:
    """What some source prompts compute at the cells' sites, from their untouched run.

    ``activations`` maps a hook to [pair, token, component, width]; ``pairs``, ``tokens`` and
    ``sites`` name the entries of the first three axes. The targets are of ``length`` tokens.
    """

    model: str
    length: int
    aligned: Aligned
    pairs: Sequence[int]
    tokens: Integers
    sites: dict[str, list[Site]]
    activations: dict[str, Tensor]

    @classmethod
    def of(
        cls,
        engine: Engine,
        target: Encoded,
        source: Encoded,
        pairs: Sequence[int],
        cells: Sequence[Cell],
        aligned: Aligned,
    ) -> _Recorded:
        sites = [site for cell in cells for site in cell.sites]
        needed = [aligned[cell.position][pair][1] for cell in cells for pair in pairs]
        tokens = np.unique(np.concatenate(needed))
        activations = engine.record(stacked(source.ids, pairs), sites, lambda x: x[:, tokens])
        length = len(target.ids[pairs[0]])
        return cls(engine.hooks.model, length, aligned, pairs, tokens, by_hook(sites), activations)

    def hooks(self, jobs: Sequence[Job]) -> list[tuple[str, Hook]]:
        """The hooks that put them into a batch whose rows are ``jobs``."""
        hooks: list[tuple[str, Hook]] = []
        # The residual between attention and MLP goes last: it overrides what attention wrote.
        for hook in sorted(self.sites, key=lambda hook: self.sites[hook][0].kind is Kind.RESID_MID):
            if put := self._put(hook, jobs):
                hooks.extend(_named(put, self.model))
        return hooks

    def _put(self, hook: str, jobs: Sequence[Job]) -> Put | None:
        slots = {site: slot for slot, site in enumerate(self.sites[hook])}
        numbers = {pair: number for number, pair in enumerate(self.pairs)}
        places = [
            (row, to, numbers[pair], since, slots[site])
            for row, (cell, pair) in enumerate(jobs)
            for site in cell.sites
            if site in slots
            for to, since in zip(*self.aligned[cell.position][pair], strict=True)
        ]
        if not places:
            return None
        row, to, number, since, slot = np.array(places).T
        values = self.activations[hook][number, np.searchsorted(self.tokens, since), slot]
        index = np.array([site.index or 0 for site in self.sites[hook]])[slot]
        rows, tokens, indices = (torch.from_numpy(each) for each in (row, to, index))
        site = self.sites[hook][0]
        return Put(site, Operation.SET, self.length, rows, tokens, indices, values)
