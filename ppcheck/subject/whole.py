"""Activation patching by whole forward passes, for models that cannot be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from torch import Tensor

from ppcheck.errors import UnsupportedError
from ppcheck.spec.site import OF_HEADS, Kind, Site
from ppcheck.subject.align import Aligned, align
from ppcheck.subject.batches import Progress, batches, stacked
from ppcheck.subject.device import near
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.engine import Engine, read_out
from ppcheck.subject.hooks import Hook, by_hook
from ppcheck.subject.readout import Floats, Integers, Readout
from ppcheck.subject.subject import Cell

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
    values = np.empty((len(cells), len(target)))
    keys = [(len(a), len(b)) for a, b in zip(target.ids, source.ids, strict=True)]
    done = 0
    for pairs in batches(keys, lambda key: engine.rows(max(key))):
        recorded = _Recorded.of(engine, source, pairs, cells, aligned)
        jobs = list(product(range(len(cells)), pairs))
        size = engine.rows(len(target.ids[pairs[0]]))
        for start in range(0, len(jobs), size):
            cell, pair = np.array(jobs[start : start + size]).T
            hooks = recorded.hooks([(cells[c], p) for c, p in zip(cell, pair, strict=True)])
            logits = engine.forward(stacked(target.ids, pair), hooks)
            values[cell, pair] = read_out(logits, readout, pair)
            done += len(cell)
            progress("patch", done, values.size)
    return values


@dataclass(frozen=True)
class _Recorded:
    """What some source prompts compute at the cells' sites, from their untouched run.

    ``activations`` maps a hook to [pair, token, component, width]; ``pairs``, ``tokens`` and
    ``sites`` name the entries of the first three axes.
    """

    model: str
    aligned: Aligned
    pairs: Sequence[int]
    tokens: Integers
    sites: dict[str, list[Site]]
    activations: dict[str, Tensor]

    @classmethod
    def of(
        cls,
        engine: Engine,
        source: Encoded,
        pairs: Sequence[int],
        cells: Sequence[Cell],
        aligned: Aligned,
    ) -> _Recorded:
        sites = [site for cell in cells for site in cell.sites]
        needed = [aligned[cell.position][pair][1] for cell in cells for pair in pairs]
        tokens = np.unique(np.concatenate(needed))
        activations = engine.record(stacked(source.ids, pairs), sites, lambda x: x[:, tokens])
        return cls(engine.hooks.model, aligned, pairs, tokens, by_hook(sites), activations)

    def hooks(self, jobs: Sequence[Job]) -> list[tuple[str, Hook]]:
        """The hooks that put them into a batch whose rows are ``jobs``."""
        hooks: list[tuple[str, Hook]] = []
        # The residual between attention and MLP goes last: it overrides what attention wrote.
        for hook in sorted(self.sites, key=lambda hook: self.sites[hook][0].kind is Kind.RESID_MID):
            if write := self._write(hook, jobs):
                hooks.extend(write.hooks(self.model))
        return hooks

    def _write(self, hook: str, jobs: Sequence[Job]) -> _Write | None:
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
        return _Write(self.sites[hook][0], row, to, index, values)


@dataclass(frozen=True)
class _Write:
    """``values`` [place, width] for a hook's activation at rows, tokens and components [place]."""

    site: Site
    row: Integers
    token: Integers
    index: Integers
    values: Tensor

    def hooks(self, model: str) -> list[tuple[str, Hook]]:
        if self.site.kind is Kind.RESID_MID:
            return self._between(model)
        return [(self.site.hook, self._replace)]

    def _replace(self, activation: Tensor) -> Tensor:
        activation = activation.clone()
        if self.site.kind is Kind.PATTERN:
            activation[self.row, self.index, self.token] = self.values
        elif self.site.kind in OF_HEADS:
            activation[self.row, self.token, self.index] = self.values
        elif self.site.kind is Kind.NEURON:
            activation[self.row, self.token, self.index] = self.values[:, 0]
        else:
            activation[self.row, self.token] = self.values
        return activation

    def _between(self, model: str) -> list[tuple[str, Hook]]:
        """Replace the residual between attention and MLP.

        Its hook is the input of the MLP's norm, which the residual goes around. So attention is
        made to add what is missing, and the hook only checks that the block does add the two.
        """
        before: list[Tensor] = []

        def keep(residual: Tensor) -> None:
            before.append(residual[self.row, self.token])

        def complete(output: Tensor) -> Tensor:
            output = output.clone()
            output[self.row, self.token] = self.values - before[0]
            return output

        def check(residual: Tensor) -> None:
            if not near(residual[self.row, self.token], self.values):
                raise UnsupportedError(
                    f"{model} has no {self.site}: its block is no sum of outputs"
                )

        layer = self.site.layer
        return [
            (Site(Kind.RESID_PRE, layer).hook, keep),
            (Site(Kind.ATTN_OUT, layer).hook, complete),
            (self.site.hook, check),
        ]
