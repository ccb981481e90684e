"""Runs of a tree of tokens, each computed once, some at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Integers
from ppcheck.spec.sites.site import Kind
from ppcheck.subject.engine.blocks import Keys, KeysReached
from ppcheck.subject.engine.frame import Spread, Spreader
from ppcheck.subject.engine.hooks import Hook
from ppcheck.subject.engine.replay import EMBEDDING, Replay, Visits, visited
from ppcheck.subject.engine.tree import Tree

_NOTHING = np.zeros(0, dtype=np.int64)


@dataclass
class Growth:
    """A run of ``tree``, nodes in their order.

    ``path`` are the nodes above the next one, ``keys[layer]`` their keys and values
    [1, head, node, width].
    """

    replay: Replay
    tree: Tree
    path: Integers = field(default_factory=lambda: _NOTHING)
    keys: Sequence[tuple[Tensor, Tensor]] = ()

    def grow(
        self,
        nodes: range,
        reads: Integers,
        visits: Mapping[int, Visits] = MappingProxyType({}),
        layers: int | None = None,
    ) -> Tensor:
        """Run the next ``nodes``; the last block's output at ``reads``, some of them.

        It is [read, d_model]. With ``layers`` only so many blocks run, the same in each call. What
        ``visits`` see is [1, node, ...], and of the last block that runs [1, read, ...]. Raises
        UnsupportedError for blocks that take no mask.
        """
        tree, own = self.tree, np.arange(nodes.start, nodes.stop)
        there = np.concatenate([self.path, own])
        hidden = self._embedded(own, visits.get(EMBEDDING, {}).get(Kind.EMBED))
        every, some = self._spreader(own, there), self._spreader(reads, there)
        after = tree.above(nodes.stop) if nodes.stop < len(tree) else _NOTHING
        slots = torch.from_numpy(np.searchsorted(there, after)).to(hidden.device)
        arguments = self.replay.frame.arguments(tree.height)[:layers]
        kept = list[tuple[Tensor, Tensor]]()
        for layer, given in enumerate(arguments):
            keys = Keys(prefix=self.keys[layer] if len(self.path) else None)
            keys.stops = layer == len(arguments) - 1
            if not keys.stops:
                hidden = self._run(layer, hidden, every.spread(given), keys, visits)
            else:
                with suppress(KeysReached):
                    self._run(layer, hidden, every.spread(given), keys, {})
                hidden = hidden[:, torch.from_numpy(reads - nodes.start).to(hidden.device)]
                if len(reads):
                    whole = Keys(whole=keys.kept)
                    hidden = self._run(layer, hidden, some.spread(given), whole, visits)
            kept.append((keys.kept[0][:, :, slots], keys.kept[1][:, :, slots]))
        self.path, self.keys = after, kept
        return hidden[0]

    def _run(
        self,
        layer: int,
        hidden: Tensor,
        arguments: Spread,
        keys: Keys,
        visits: Mapping[int, Visits],
    ) -> Tensor:
        at = visits.get(layer, {})
        hidden = visited(hidden, at.get(Kind.RESID_PRE))
        hidden = self.replay.blocks.run(layer, hidden, slice(None), arguments, keys, at)
        return visited(hidden, at.get(Kind.RESID_POST))

    def _embedded(self, nodes: Integers, see: Hook | None) -> Tensor:
        ids, rows = self.tree.rows(nodes)
        places = [torch.from_numpy(each) for each in (rows, self.tree.depths[nodes])]

        def show(embeddings: Tensor) -> None:
            if see is not None:
                see(embeddings[*places][None])

        return self.replay.frame.embed(torch.from_numpy(ids), show)[*places][None]

    def _spreader(self, queries: Integers, keys: Integers) -> Spreader:
        tree, device = self.tree, self.replay.frame.device
        stand, there = (torch.from_numpy(tree.depths[each]).to(device) for each in (queries, keys))
        sees = torch.from_numpy(tree.sees(queries, keys)).to(device)
        return Spreader(tree.height, stand, there, sees)
