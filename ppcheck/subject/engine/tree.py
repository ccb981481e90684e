"""Prompts as a tree of tokens, in which what several start with stands once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Integers, Mask


@dataclass(frozen=True, eq=False)
class Tree:
    """The distinct beginnings of some prompts, each a node: its last token follows its parent's.

    Nodes are in depth-first order, so that those under ``n`` are numbered up to ``exits[n]``.
    ``tokens``, ``depths``, ``parents`` (-1 is none) and ``exits`` are [node]; ``ends`` [prompt] is
    the node at which each prompt ends.
    """

    tokens: Integers
    depths: Integers
    parents: Integers
    exits: Integers
    ends: Integers

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]]) -> Tree:
        tokens: list[int] = []
        parents: list[int] = []
        exits: list[int] = []
        ends = np.zeros(len(prompts), dtype=np.int64)
        path: list[int] = []
        before: Sequence[int] = ()
        for number in sorted(range(len(prompts)), key=lambda number: tuple(prompts[number])):
            ids = prompts[number]
            common = _common(before, ids)
            for node in path[common:]:
                exits[node] = len(tokens)
            del path[common:]
            for token in ids[common:]:
                parents.append(path[-1] if path else -1)
                path.append(len(tokens))
                tokens.append(token)
                exits.append(0)
            ends[number] = path[-1]
            before = ids
        for node in path:
            exits[node] = len(tokens)
        depths = np.zeros(len(tokens), dtype=np.int64)
        for node, parent in enumerate(parents):
            depths[node] = 0 if parent < 0 else depths[parent] + 1
        columns = (np.array(column, dtype=np.int64) for column in (tokens, parents, exits))
        found, above, until = columns
        return cls(found, depths, above, until, ends)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def height(self) -> int:
        """Tokens of the longest prompt."""
        return int(self.depths.max()) + 1

    def above(self, node: int) -> Integers:
        """The nodes from the root to the parent of ``node``."""
        path = []
        while (node := int(self.parents[node])) >= 0:
            path.append(node)
        return np.array(path[::-1], dtype=np.int64)

    def ids(self, node: int) -> tuple[int, ...]:
        """The beginning that the node stands for."""
        return (*self.tokens[self.above(node)].tolist(), int(self.tokens[node]))

    def sees(self, queries: Integers, keys: Integers) -> Mask:
        """Whether a key's node is the query's own or above it, [query, key]."""
        one, other = queries[:, None], keys[None]
        seen: Mask = (other <= one) & (one < self.exits[keys][None])
        return seen

    def rows(self, nodes: Integers) -> tuple[Integers, Integers]:
        """Ids [row, token] that have each node's token at its depth, and each node's row."""
        order = np.argsort(self.depths[nodes], kind="stable")
        depths = self.depths[nodes][order]
        firsts = np.searchsorted(depths, depths)
        row = np.empty(len(nodes), dtype=np.int64)
        row[order] = np.arange(len(nodes)) - firsts
        ids = np.zeros((int(row.max()) + 1, self.height), dtype=np.int64)
        ids[row, self.depths[nodes]] = self.tokens[nodes]
        return ids, row


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both start with."""
    for count, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return count
    return min(len(one), len(other))
