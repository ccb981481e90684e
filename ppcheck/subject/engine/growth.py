"""Runs of a tree of tokens, each computed once, some at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Integers
from ppcheck.subject.engine.blocks import Keys, KeysReached
from ppcheck.subject.engine.frame import Spread, Spreader
from ppcheck.subject.engine.replay import Replay
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

    def grow(self, nodes: range, reads: Integers) -> Tensor:
        """Run the next ``nodes``; the last block's output at ``reads``, some of them.

        It is [read, d_model]. Raises UnsupportedError for blocks that take no mask.
        """
        tree, own = self.tree, np.arange(nodes.start, nodes.stop)
        there = np.concatenate([self.path, own])
        hidden, kept = self._embedded(own), list[tuple[Tensor, Tensor]]()
        every, some = self._spreader(own, there), self._spreader(reads, there)
        after = tree.above(nodes.stop) if nodes.stop < len(tree) else _NOTHING
        slots = torch.from_numpy(np.searchsorted(there, after)).to(hidden.device)
        last = len(self.replay.blocks) - 1
        for layer, arguments in enumerate(self.replay.frame.arguments(tree.height)):
            keys = Keys(prefix=self.keys[layer] if len(self.path) else None)
            keys.stops = layer == last
            with suppress(KeysReached):
                hidden = self._run(layer, hidden, every.spread(arguments), keys)
            kept.append((keys.kept[0][:, :, slots], keys.kept[1][:, :, slots]))
            if keys.stops:
                hidden = hidden[:, torch.from_numpy(reads - nodes.start).to(hidden.device)]
                if len(reads):
                    whole = Keys(whole=keys.kept)
                    hidden = self._run(layer, hidden, some.spread(arguments), whole)
        self.path, self.keys = after, kept
        return hidden[0]

    def _run(self, layer: int, hidden: Tensor, arguments: Spread, keys: Keys) -> Tensor:
        return self.replay.blocks.run(layer, hidden, slice(None), arguments, keys, {})

    def _embedded(self, nodes: Integers) -> Tensor:
        ids, rows = self.tree.rows(nodes)
        streams = self.replay.frame.embed(torch.from_numpy(ids))
        places = (torch.from_numpy(each) for each in (rows, self.tree.depths[nodes]))
        return streams[*places][None]

    def _spreader(self, queries: Integers, keys: Integers) -> Spreader:
        tree, device = self.tree, self.replay.frame.device
        stand, there = (torch.from_numpy(tree.depths[each]).to(device) for each in (queries, keys))
        sees = torch.from_numpy(tree.sees(queries, keys)).to(device)
        return Spreader(tree.height, stand, there, sees)
