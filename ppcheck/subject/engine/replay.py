"""Runs that resume at an intervention's first change, from what the untouched run computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from ppcheck.spec.sites.site import Kind
from ppcheck.subject.engine.blocks import Blocks, Keys, KeysReached
from ppcheck.subject.engine.hooks import Hook

Visits = Mapping[Kind, Hook]
"""A block's hooks. The streams before and after it count as its own."""

EMBEDDING = -1
"""The layer of the embedding, which comes before the first block."""


@dataclass(frozen=True, eq=False)
class _Room:
    rows: Tensor
    first: int
    parts: tuple[Tensor, Tensor]


@dataclass
class Captured:
    """An untouched run of some prompts of one length, as far as replays need it.

    ``streams[layer]`` goes into a block, the last comes out of the last one [row, token, d_model];
    ``keys[layer]`` holds keys and values [row, head, token, width]; ``heads`` and ``attention``,
    of the layers asked for, what attention puts out before and after its last projection.
    """

    ids: Tensor
    streams: list[Tensor] = field(default_factory=list)
    keys: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    heads: dict[int, Tensor] = field(default_factory=dict)
    attention: dict[int, Tensor] = field(default_factory=dict)

    _rooms: dict[int, _Room] = field(default_factory=dict)

    def room(self, layer: int, rows: Tensor, first: int) -> tuple[Tensor, Tensor]:
        """Keys and values of ``rows``, written up to token ``first``; the next call reuses them.

        Batches after the first mostly have the same rows, so that nothing is to be written.
        """
        known = self._rooms.get(layer)
        if known is None or len(known.parts[0]) < len(rows):
            both = self.keys[layer]
            keys, values = (part.new_empty(len(rows), *part.shape[1:]) for part in both)
            known = self._rooms[layer] = _Room(rows[:0], 0, (keys, values))
        count = len(rows)
        if known.first != first or not torch.equal(known.rows[:count], rows):
            for room, part in zip(known.parts, self.keys[layer], strict=True):
                room[:count, :, :first] = part[rows, :, :first]
            known = self._rooms[layer] = _Room(rows, first, known.parts)
        keys, values = known.parts
        return keys[:count], values[:count]

    @property
    def length(self) -> int:
        return self.ids.shape[1]


@dataclass(frozen=True, eq=False)
class Resumed:
    """Rows that start together: from ``layer`` (-1 is the embedding) and token ``first``.

    Row r belongs to prompt ``rows[r]`` of the captured run. With ``skips_attention`` nothing at
    the first block's attention or before it is touched.
    """

    captured: Captured
    rows: Tensor
    layer: int
    first: int
    skips_attention: bool

    def keys(self, layer: int) -> Keys:
        """A cache that knows the keys and values of the tokens that are not run."""
        if not self.first:
            return Keys()
        return Keys(room=self.captured.room(layer, self.rows, self.first))


class Replay:
    """Forward passes block by block, with hooks by layer and kind of site.

    The stream that a hook sees may be cut to its last tokens, but it always ends at the final one.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.frame = blocks.frame
        self._shared: tuple[tuple[int, ...], list[tuple[Tensor, Tensor]]] = ((), [])

    def capture(
        self,
        ids: Tensor,
        visits: Mapping[int, Visits],
        layers: int,
        *,
        attention: Collection[int] = (),
        heads: Collection[int] = (),
        like: Captured | None = None,
        shared: int = 0,
    ) -> Captured:
        """Run the first ``layers`` blocks of ids [row, token] and keep what replays need.

        ``attention`` and ``heads`` are the layers whose attention is kept: its output, and that of
        its heads. Each row starts with the same ``shared`` tokens as the row of ``like``, and these
        are not run.
        """
        captured, length = Captured(ids), ids.shape[1]
        hidden = self.frame.embed(ids, visits.get(EMBEDDING, {}).get(Kind.EMBED))[:, shared:]
        for layer in range(layers):
            at, keys, kept = dict(visits.get(layer, {})), Keys(), list[Tensor]()
            if like is not None and shared:
                before = like.keys[layer]
                keys.prefix = before[0][:, :, :shared], before[1][:, :, :shared]
            hidden = visited(hidden, at.get(Kind.RESID_PRE))
            captured.streams.append(hidden)
            with ExitStack() as stack:
                if layer in attention:
                    stack.enter_context(self.blocks.attention_output(layer, kept))
                if layer in heads:
                    _also(at, Kind.HEAD, partial(captured.heads.__setitem__, layer))
                hidden = self._run(length, layer, hidden, keys, at)
            if kept:
                captured.attention[layer] = kept[0]
            captured.keys.append(keys.kept)
            hidden = visited(hidden, at.get(Kind.RESID_POST))
        captured.streams.append(hidden)
        return captured

    def resume(
        self,
        start: Resumed,
        visits: Mapping[int, Visits],
        until: int | None = None,
        keep: int = 1,
    ) -> Tensor:
        """The last block's output at the last ``keep`` tokens, [row, keep, d_model].

        With ``until`` only the blocks before that one run, and it is their output.
        """
        captured = start.captured
        tokens = slice(start.first, captured.length)
        if start.layer == EMBEDDING:
            write = visits.get(EMBEDDING, {}).get(Kind.EMBED)
            hidden = self.frame.embed(captured.ids[start.rows], write)[:, tokens]
        else:
            hidden = captured.streams[start.layer][start.rows, tokens]
            # What leaves a block goes into the next.
            hidden = visited(hidden, visits.get(start.layer - 1, {}).get(Kind.RESID_POST))
        for layer in range(max(start.layer, 0), len(self.blocks) if until is None else until):
            at = visits.get(layer, {})
            hidden = visited(hidden, at.get(Kind.RESID_PRE))
            if start.skips_attention and layer == start.layer:
                hidden = self._without_attention(start, layer, hidden, at)
            else:
                hidden = self._block(captured.length, layer, hidden, start.keys(layer), at, keep)
            hidden = visited(hidden, at.get(Kind.RESID_POST))
        return hidden[:, -keep:]

    def final(self, ids: Tensor, shared: int = 0, keep: int = 1) -> Tensor:
        """The last block's output at the last ``keep`` tokens of ids [row, token].

        The first ``shared`` tokens, which all rows have in common, run once.
        """
        length = ids.shape[1]
        prefix = self._prefix(ids[0, :shared]) if shared else None
        hidden = self.frame.embed(ids)[:, shared:]
        for layer in range(len(self.blocks)):
            cache = Keys()
            if prefix is not None:
                keys, values = (part.expand(len(ids), -1, -1, -1) for part in prefix[layer])
                cache.prefix = keys, values
            hidden = self._block(length, layer, hidden, cache, {}, keep)
        return hidden[:, -keep:]

    def _prefix(self, ids: Tensor) -> list[tuple[Tensor, Tensor]]:
        known = tuple(ids.tolist())
        if known != self._shared[0]:
            self._shared = known, self.capture(ids[None], {}, len(self.blocks)).keys
        return self._shared[1]

    def _block(
        self,
        length: int,
        layer: int,
        hidden: Tensor,
        keys: Keys,
        visits: Visits,
        keep: int = 1,
    ) -> Tensor:
        """Of the last block only the last ``keep`` tokens, all of which know all keys."""
        if layer == len(self.blocks) - 1 and hidden.shape[1] > keep:
            keys.stops = True
            with suppress(KeysReached):
                self._run(length, layer, hidden, keys, visits)
            hidden, keys = hidden[:, -keep:], Keys(whole=keys.kept)
        return self._run(length, layer, hidden, keys, visits)

    def _run(self, length: int, layer: int, hidden: Tensor, keys: Keys, visits: Visits) -> Tensor:
        tokens = slice(length - hidden.shape[1], length)
        arguments = self.frame.arguments(length)[layer]
        return self.blocks.run(layer, hidden, tokens, arguments, keys, visits)

    def _without_attention(
        self, start: Resumed, layer: int, hidden: Tensor, visits: Visits
    ) -> Tensor:
        captured, tokens = start.captured, slice(start.first, start.captured.length)
        output = captured.attention[layer][start.rows, tokens]
        heads = None
        if Kind.HEAD in visits:
            heads = captured.heads[layer][start.rows, tokens].flatten(2)
        with self.blocks.known_attention(layer, heads, output):
            return self._run(captured.length, layer, hidden, Keys(), visits)


def _also(visits: dict[Kind, Hook], kind: Kind, keep: Callable[[Tensor], None]) -> None:
    """Have ``keep`` see what ``kind``'s hook sees."""
    other = visits.get(kind)

    def both(activation: Tensor) -> Tensor | None:
        keep(activation)
        return None if other is None else other(activation)

    visits[kind] = both


def visited(hidden: Tensor, hook: Hook | None) -> Tensor:
    new = None if hook is None else hook(hidden)
    return hidden if new is None else new
