"""What one component writes that another reads, through the residual stream alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Edits, Operation
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.interventions.wiring import Group, after, side_by_side
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.alignment import align
from ppcheck.subject.tokens.encoding import Encoded

ALL = Position("all")


@dataclass(frozen=True)
class Path:
    """Every direct path from ``senders`` to ``receivers`` and, with ``logits``, to these."""

    senders: tuple[Site, ...]
    receivers: tuple[Site, ...]
    logits: bool


def precedes(sender: Site, receiver: Site, *, parallel: bool = False) -> bool:
    """Whether the receiver reads a stream that the sender has written to.

    ``parallel`` is of blocks in which attention and MLP read the same stream.
    """
    layers = sender.layer or 0, receiver.layer or 0
    same_block = receiver.kind is Kind.MLP_OUT and sender.kind is not Kind.MLP_OUT and not parallel
    return layers[0] < layers[1] or (layers[0] == layers[1] and same_block)


def patch_paths(
    subject: Subject,
    target: Encoded,
    source: Encoded,
    paths: Sequence[Path],
    position: Position,
    readout: Readout,
) -> Floats:
    """What ``readout`` reads from each target prompt with each path patched, [path, prompt].

    The senders take at ``position`` what the source has there. The receivers compute again from a
    stream in which nothing but what the senders write has changed: whatever stands between is
    frozen. Then they alone are set to that, and all that comes after them runs as usual. Raises
    MeasurementError where the position is not equally many tokens on both sides.
    """
    align(target, source, [Cell((), position)])
    parts = []
    for _, part in groupby(paths, key=lambda path: [sender.layer for sender in path.senders]):
        some = list(part)
        sent = _Sent(subject, target, source, position, some)
        parts.append(subject.intervene(target, sent.cells(), readout))
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class _Sent:
    """Paths whose senders are of the same layers, so that few activations are held at once."""

    subject: Subject
    target: Encoded
    source: Encoded
    position: Position
    paths: Sequence[Path]
    _written: dict[Group, Floats] = field(default_factory=dict, init=False)

    def cells(self) -> list[Edits]:
        """The edits that patch each path."""
        self._written.update(self._writes())
        heard = self._heard()
        last = Site(Kind.RESID_POST, self.subject.shape.n_layers - 1)
        cells = []
        for path in self.paths:
            edits = [
                Edit(to, self._at(to), Operation.SET, heard[self._senders(path, to), to])
                for to in path.receivers
            ]
            if path.logits:
                edits.append(Edit(last, self.position, Operation.ADD, self._sum(path.senders)))
            cells.append(tuple(edits))
        return cells

    def _senders(self, path: Path, to: Site) -> tuple[Site, ...]:
        return tuple(
            each for each in path.senders if precedes(each, to, parallel=self.subject.is_parallel)
        )

    def _at(self, receiver: Site) -> Position:
        """Where a receiver may change: what attention brings, at all tokens."""
        return ALL if receiver.kind is Kind.HEAD else self.position

    def _sum(self, senders: Sequence[Site]) -> Floats:
        """What these write more than in the untouched run, [prompt, token, d_model]."""
        return np.asarray(sum(self._written[together] for together in side_by_side(senders)))

    def _writes(self) -> Iterator[tuple[Group, Floats]]:
        """For all that writes side by side: the change of the stream just after it."""
        together = dict.fromkeys(each for path in self.paths for each in side_by_side(path.senders))
        senders = list(dict.fromkeys(site for each in together for site in each))
        values = self.subject.activations(self.source, senders, self.position)
        taken = {site: value[0] for site, value in zip(senders, values, strict=True)}
        parallel = self.subject.is_parallel
        for stream, some in groupby(together, key=lambda each: after(each, parallel=parallel)):
            group = list(some)
            edits = [self._set(each, taken) for each in group]
            (seen,) = self.subject.activations(self.target, [stream], self.position, [(), *edits])
            yield from zip(group, seen[1:] - seen[0], strict=True)

    def _set(self, sites: Sequence[Site], values: Mapping[Site, Floats]) -> Edits:
        return tuple(Edit(site, self.position, Operation.SET, values[site]) for site in sites)

    def _heard(self) -> dict[tuple[tuple[Site, ...], Site], Floats]:
        """What receivers compute from what senders write, [prompt, token, width]."""
        asked: dict[tuple[int, Kind, Position], list[tuple[tuple[Site, ...], Site]]] = {}
        for path in self.paths:
            for to in path.receivers:
                key = (to.layer or 0, to.kind, self._at(to))
                asked.setdefault(key, []).append((self._senders(path, to), to))
        heard: dict[tuple[tuple[Site, ...], Site], Floats] = {}
        for (layer, kind, at), pairs in asked.items():
            senders, sites = (list(dict.fromkeys(side)) for side in zip(*pairs, strict=True))
            still = self._frozen(layer) if kind is Kind.MLP_OUT else ()
            enter = Site(Kind.RESID_PRE, layer)
            edits = [
                (Edit(enter, self.position, Operation.ADD, self._sum(some)), *still)
                for some in senders
            ]
            values = self.subject.activations(self.target, sites, at, edits)
            for site, value in zip(sites, values, strict=True):
                heard |= {(some, site): value[n] for n, some in enumerate(senders)}
        return heard

    def _frozen(self, layer: int) -> Edits:
        """What attention outputs in the untouched run, held."""
        attention = Site(Kind.ATTN_OUT, layer)
        (values,) = self.subject.activations(self.target, [attention], ALL)
        return (Edit(attention, ALL, Operation.SET, values[0]),)
