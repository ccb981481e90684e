"""What a patch changes: for each cell and pair, the places where source and target differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Integers, Mask
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.hooks import by_hook
from ppcheck.subject.engine.replay import EMBEDDING
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Operation
from ppcheck.subject.tokens.alignment import Aligned

AFTER_ATTENTION = frozenset({Kind.HEAD, Kind.NEURON, Kind.RESID_MID, Kind.ATTN_OUT, Kind.MLP_OUT})
"""Sites of a block that leave its attention as it was."""
BEFORE_OUTPUT = frozenset({Kind.RESID_PRE, Kind.QUERY, Kind.KEY, Kind.VALUE, Kind.PATTERN})
"""Sites of a block that come before what attention puts out."""
_OF_THEIR_TOKEN = AFTER_ATTENTION | {Kind.QUERY, Kind.PATTERN, Kind.RESID_POST}
"""Sites that tell other tokens nothing before the next block."""


@dataclass(frozen=True, eq=False)
class Record:
    """Activations of some prompts at the ``tokens`` that cells name, by hook.

    ``activations`` are [prompt, token, component, width], components as in `by_hook`.
    """

    tokens: Integers
    activations: Mapping[str, Tensor]

    def numbers(self, tokens: Integers) -> Integers:
        return np.searchsorted(self.tokens, tokens)


@dataclass(frozen=True, eq=False)
class Write:
    """One site of a job, and the tokens ``to`` at which it is changed."""

    site: Site
    to: Integers
    operation: Operation

    @property
    def enters(self) -> int:
        """The block before which (or in which) the run differs."""
        if self.site.layer is None:
            return EMBEDDING
        return self.site.layer + (self.site.kind is Kind.RESID_POST)


@dataclass(frozen=True, eq=False)
class Patched(Write):
    """Its tokens take what the source has at its tokens ``since``.

    ``slot`` is the site's component in the record.
    """

    slot: int
    since: Integers


@dataclass(frozen=True, eq=False)
class Job:
    """One cell of one prompt (or pair), both by number, and what it writes."""

    cell: int
    pair: int
    writes: tuple[Write, ...]

    @cached_property
    def start(self) -> tuple[int, int, bool]:
        """The layer and the token from which it runs, and whether attention there is known."""
        layer = min(write.enters for write in self.writes)
        first = min(int(write.to.min()) for write in self.writes)
        there = [write.site.kind for write in self.writes if write.enters == layer]
        return layer, first, AFTER_ATTENTION.issuperset(there)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Some pairs of equal lengths, ``numbers``, and what both sides compute at the cells' sites."""

    numbers: Sequence[int]
    target: Integers
    source: Integers
    aligned: Aligned
    target_record: Record
    source_record: Record
    n_layers: int

    def jobs(self, cells: Sequence[Cell]) -> Iterator[Job]:
        """A job for each cell and pair; one without writes changes nothing."""
        slots = slots_of([site for cell in cells for site in cell.sites])
        differs: dict[tuple[str, Position], list[Mask]] = {}
        for number, cell in enumerate(cells):
            for site in cell.sites:
                key = (site.hook, cell.position)
                if key not in differs:
                    differs[key] = [self._differs(site, cell.position, n) for n in range(len(self))]
            for row, pair in enumerate(self.numbers):
                to, since = self.aligned[cell.position][pair]
                writes = [
                    Patched(site, to, Operation.SET, slots[site], since) for site in cell.sites
                ]
                at = [
                    differs[write.site.hook, cell.position][row][:, write.slot] for write in writes
                ]
                yield Job(number, pair, tuple(self._telling(writes, at)))

    def __len__(self) -> int:
        return len(self.numbers)

    def _telling(self, writes: Sequence[Patched], differs: Sequence[Mask]) -> Iterator[Patched]:
        """What remains of the writes from the first layer and token at which any differs.

        Nothing before these changes. After them even equal values hold off what was written before.
        """
        some = [(write, at) for write, at in zip(writes, differs, strict=True) if at.any()]
        if not some:
            return
        layer = min(write.enters for write, _ in some)
        first = min(int(write.to[at].min()) for write, at in some)
        for write in writes:
            at = self._reaches_final(write.site, write.to) & (write.to >= first)
            if write.enters >= layer and at.any():
                yield replace(write, to=write.to[at], since=write.since[at])

    def _reaches_final(self, site: Site, to: Integers) -> Mask:
        return reaches_final(site, to, self.target.shape[1], self.n_layers)

    def _differs(self, site: Site, position: Position, row: int) -> Mask:
        """Whether the two runs differ there, and the final token can know, [token, slot]."""
        to, since = self.aligned[position][self.numbers[row]]
        ours = self.target_record.activations[site.hook][row, self.target_record.numbers(to)]
        theirs = self.source_record.activations[site.hook][row, self.source_record.numbers(since)]
        differs: Mask = (ours != theirs).any(-1).cpu().numpy()
        # What stands in the same place after the same tokens is the same, whatever the rounding.
        start = shared(self.target[row], self.source[row])
        differs[((to == since) & (to < start)) | ~self._reaches_final(site, to)] = False
        return differs


def reaches_final(site: Site, to: Integers, length: int, n_layers: int) -> Mask:
    """Whether the final token can know of a change at tokens ``to``."""
    if site.layer == n_layers - 1 and site.kind in _OF_THEIR_TOKEN:
        return np.asarray(to == length - 1)
    return np.ones(len(to), dtype=bool)


def slots_of(sites: Sequence[Site]) -> dict[Site, int]:
    """Each site's component in a record of them all."""
    groups = by_hook(sites).values()
    return {site: slot for some in groups for slot, site in enumerate(some)}


def shared(one: Integers, other: Integers) -> int:
    """How many tokens the two start with in common."""
    length = min(len(one), len(other))
    return int(np.argmin([*(one[:length] == other[:length]), False]))


def patched_values(record: Record, rows: Sequence[int], writes: Sequence[Patched]) -> Tensor:
    """What the writes put in, [place, width]; ``rows`` are the source prompts' numbers in it."""
    counts = [len(write.to) for write in writes]
    row = np.repeat(rows, counts)
    slot = np.repeat([write.slot for write in writes], counts)
    token = record.numbers(np.concatenate([write.since for write in writes]))
    kept = record.activations[writes[0].site.hook]
    return kept[torch.from_numpy(row), torch.from_numpy(token), torch.from_numpy(slot)]
