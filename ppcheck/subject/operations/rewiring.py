"""Runs in which some edges bring a component its sender's output on the other side of a pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.spec.sites.edge import Edge
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import Progress
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Edits, Operation
from ppcheck.subject.interventions.readout import Readout, width
from ppcheck.subject.interventions.wiring import Group, Wiring, after, side_by_side
from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.operations.editing import activations, intervene
from ppcheck.subject.tokens.alignment import align
from ppcheck.subject.tokens.encoding import Encoded

ALL = Position("all")


def rewire(
    engine: Engine,
    clean: Encoded,
    corrupted: Encoded,
    wirings: Sequence[Wiring],
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.rewire`."""
    align(clean, corrupted, [Cell((), ALL)])
    values = np.empty((len(wirings), len(clean), *width(readout)))
    done = 0
    for numbers, keeps in _at_once(engine, clean, wirings):
        base, other = (corrupted, clean) if keeps else (clean, corrupted)
        some = [_by_receiver(wirings[number].edges) for number in numbers]
        values[numbers] = _Rewired(engine, base, other, some, spreads=not keeps).read(readout)
        done += len(numbers)
        progress("rewire", done, len(wirings))
    return values


Wired = dict[Site | None, Group]
"""The senders of each receiver, in the order of the model."""


def _by_receiver(edges: frozenset[Edge]) -> Wired:
    wired: Wired = {}
    for edge in sorted(edges, key=lambda edge: _place(edge.sender)):
        wired[edge.receiver] = (*wired.get(edge.receiver, ()), edge.sender)
    return wired


def _at_once(
    engine: Engine, prompts: Encoded, wirings: Sequence[Wiring]
) -> Iterator[tuple[list[int], bool]]:
    """Wirings of one kind, so many that the streams which they need are held in memory."""
    stream = len(prompts) * max(map(len, prompts.ids)) * engine.shape.d_model
    for keeps in (True, False):
        numbers = [n for n, wiring in enumerate(wirings) if wiring.keeps is keeps]
        most = max((len(_ends(wirings[n])) for n in numbers), default=1)
        count = max(1, engine.memory // (8 * stream * max(most, 1)))
        for start in range(0, len(numbers), count):
            yield numbers[start : start + count], keeps


def _ends(wiring: Wiring) -> set[Site | None]:
    return {end for edge in wiring.edges for end in (edge.sender, edge.receiver)}


@dataclass(eq=False)
class _Rewired:
    """Runs of the ``base`` prompts, one for each of the ``wired``.

    Along its edges a receiver gets its senders' outputs in a run of the ``other`` prompts. If this
    ``spreads``, those are the outputs in the whole other run, and all other edges carry what
    follows from them; if not, each sender's output follows from its own edges' inputs, and all
    other edges carry the untouched base run.
    """

    engine: Engine
    base: Encoded
    other: Encoded
    wired: Sequence[Wired]
    spreads: bool
    edits: list[list[Edit]] = field(init=False)
    outputs: list[dict[Site, Floats]] = field(init=False)
    changes: dict[tuple[int, Group], Floats] = field(default_factory=dict, init=False)

    def read(self, readout: Readout) -> Floats:
        """What it reads from each of the runs, [wired, prompt]."""
        self.edits = [[] for _ in self.wired]
        self.outputs = [{} for _ in self.wired]
        self._embed()
        for layer in range(self.engine.shape.n_layers):
            self._run_attention(layer)
            self._write(layer, Kind.HEAD)
            self._run_mlp(layer)
            self._write(layer, Kind.MLP_OUT)
        last = Site(Kind.RESID_POST, self.engine.shape.n_layers - 1)
        cells = [
            (*self._before(n), *self._input(n, wired.get(None, ()), last))
            for n, wired in enumerate(self.wired)
        ]
        return intervene(self.engine, self.base, cells, readout, progress=_quietly)

    def _before(self, number: int) -> Edits:
        """What has been changed so far, where later components see it."""
        return tuple(self.edits[number]) if self.spreads else ()

    def _input(self, number: int, senders: Group, stream: Site) -> Edits:
        """The stream with these senders' other outputs; no edit where they are unchanged."""
        groups = [(number, group) for group in side_by_side(senders)]
        changes = [self.changes[each] for each in groups if each in self.changes]
        if not changes:
            return ()
        return (Edit(stream, ALL, Operation.ADD, np.asarray(sum(changes))),)

    def _embed(self) -> None:
        """The embeddings' change and, where this spreads, the outputs of all senders."""
        enter = Site(Kind.RESID_PRE, 0)
        senders = [site for site in self._senders if site.kind is not Kind.EMBED]
        sites = [enter, *senders] if self.spreads else [enter]
        values = activations(self.engine, self.other, sites, ALL, ((),), progress=_quietly)
        change = values[0][0] - self._seen([enter], [()])[0][enter]
        for n, wired in enumerate(self.wired):
            self.outputs[n] |= dict(zip(sites[1:], (value[0] for value in values[1:]), strict=True))
            if any(Site(Kind.EMBED) in some for some in wired.values()):
                self.changes[n, (Site(Kind.EMBED),)] = change

    def _run_attention(self, layer: int) -> None:
        """The outputs of heads, given the inputs of their edges."""
        asked: dict[tuple[int, Group], list[Site]] = {}
        for n, wired in enumerate(self.wired):
            for receiver, senders in wired.items():
                if receiver and receiver.layer == layer and receiver.kind is not Kind.MLP_OUT:
                    asked.setdefault((n, senders), []).append(receiver)
        inputs = {key: self._input(*key, Site(Kind.RESID_PRE, layer)) for key in asked}
        changed = {key: asked[key] for key, edits in inputs.items() if edits}
        sites = list(dict.fromkeys(site for some in changed.values() for site in some))
        seen = self._seen(sites, [(*self._before(key[0]), *inputs[key]) for key in changed])
        new: dict[int, list[Edit]] = {}
        for (n, _), receivers, values in zip(changed, changed.values(), seen, strict=True):
            new.setdefault(n, []).extend(_set(site, values) for site in receivers)
        for n, edits in new.items():
            self.edits[n] += edits
        if not self.spreads:
            heads = [s for s in self._senders if s.kind is Kind.HEAD and s.layer == layer]
            cells = [tuple(edits) for edits in new.values()]
            for n, values in zip(new, self._seen(heads, cells), strict=True):
                self.outputs[n] |= values

    def _run_mlp(self, layer: int) -> None:
        """The output of the MLP, given the inputs of its edges, with attention as it is."""
        mlp, attention = Site(Kind.MLP_OUT, layer), Site(Kind.ATTN_OUT, layer)
        enter = Site(Kind.RESID_PRE, layer)
        inputs = {
            n: self._input(n, wired.get(mlp, ()), enter) for n, wired in enumerate(self.wired)
        }
        changed = [n for n, edits in inputs.items() if edits]
        before = [self._before(n) for n in changed]
        held = self._seen([attention], before)
        cells = [
            (*edits, _set(attention, values), *inputs[n])
            for n, edits, values in zip(changed, before, held, strict=True)
        ]
        for n, values in zip(changed, self._seen([mlp], cells), strict=True):
            self.edits[n].append(_set(mlp, values))
            if not self.spreads:
                self.outputs[n] |= values

    def _write(self, layer: int, kind: Kind) -> None:
        """By how much the stream changes, just after them, where senders' outputs change."""
        stream = after((Site(kind, layer),), parallel=self.engine.hooks.is_parallel)
        groups = [
            (n, group)
            for n, wired in enumerate(self.wired)
            for group in dict.fromkeys(g for some in wired.values() for g in side_by_side(some))
            if (group[0].layer, group[0].kind) == (layer, kind)
            and any(site in self.outputs[n] for site in group)
        ]
        without = [self._before(n) for n, _ in groups]
        cells = [
            (
                *(edit for edit in edits if edit.site not in group),
                *(_set(site, self.outputs[n][site]) for site in group if site in self.outputs[n]),
            )
            for (n, group), edits in zip(groups, without, strict=True)
        ]
        seen = self._seen([stream], [*without, *cells])
        for place, key in enumerate(groups):
            self.changes[key] = seen[len(groups) + place][stream] - seen[place][stream]

    @cached_property
    def _senders(self) -> list[Site]:
        every = (site for wired in self.wired for some in wired.values() for site in some)
        return sorted(dict.fromkeys(every), key=_place)

    def _seen(self, sites: Sequence[Site], cells: Sequence[Edits]) -> list[dict[Site, Floats]]:
        """What the sites are under each cell's edits, [prompt, token, width].

        Cells that are equal, as those of wirings that differ in one edge often are, run once.
        """
        names = [_name(cell) for cell in cells]
        distinct = dict(zip(names, cells, strict=True))
        if not distinct or not sites:
            return [{} for _ in cells]
        values = activations(
            self.engine, self.base, sites, ALL, list(distinct.values()), progress=_quietly
        )
        seen = [dict(zip(sites, some, strict=True)) for some in zip(*values, strict=True)]
        found = dict(zip(distinct, seen, strict=True))
        return [found[name] for name in names]


def _set(site: Site, values: dict[Site, Floats] | Floats) -> Edit:
    vector = values if isinstance(values, np.ndarray) else values[site]
    return Edit(site, ALL, Operation.SET, vector)


def _name(cell: Edits) -> str:
    return digest(*(digest(str(edit.site), edit.operation, edit.vector) for edit in cell))


def _place(site: Site) -> tuple[int, bool, int]:
    """Where it stands in the model's order."""
    layer = -1 if site.layer is None else site.layer
    return layer, site.kind is Kind.MLP_OUT, site.index or 0


def _quietly(*_: object) -> None: ...
