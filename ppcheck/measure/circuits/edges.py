"""Circuits of edges: what a metric is while all edges but some bring what corrupted prompts say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.circuits.knockout import Kept, Part, Parts
from ppcheck.measure.core.check import Bench
from ppcheck.measure.interventions.effect import effect_of
from ppcheck.measure.interventions.paths import precedes
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.sites.edge import Edge, EdgePattern, Edges
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.model.info import Shape
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded

EMBED = Site(Kind.EMBED)
QKV = (Kind.QUERY, Kind.KEY, Kind.VALUE)
TRIES = 20
"""So many draws for each set, where there are hardly so many different ones."""
FRUITLESS = 100
"""So many routes in a row that bring no new edge, and all routes are as good as taken."""


@dataclass(frozen=True, eq=False)
class Graph:
    """All edges of a model, by receiver, in its order; those into the logits are last."""

    subject: Subject

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        return tuple(Edge(one, other) for other, some in self.into.items() for one in some)

    @cached_property
    def into(self) -> Mapping[Site | None, tuple[Site, ...]]:
        """Who writes to the stream that each receiver reads."""
        shape = self.subject.shape
        senders, receivers = [EMBED], list[Site | None]()
        for layer in range(shape.n_layers):
            receivers += [Site(k, layer, n) for k in QKV for n in range(shape.components(k))]
            receivers.append(Site(Kind.MLP_OUT, layer))
            senders += [Site(Kind.HEAD, layer, head) for head in range(shape.n_heads)]
            senders.append(Site(Kind.MLP_OUT, layer))
        return {
            receiver: tuple(one for one in senders if self._sends_to(one, receiver))
            for receiver in [*receivers, None]
        }

    def named(self, edges: Edges) -> tuple[Edge, ...]:
        """Every edge that is named; a head as receiver stands for its query, key and value.

        Raises MeasurementError for an arrow that names no edge, and for a sender without
        an input: it says what it says in the corrupted run.
        """
        found: dict[Edge, None] = {}
        for pattern in edges:
            some = [Edge(one, other) for other, one in self._ends(pattern)]
            if not some:
                raise MeasurementError(f"{pattern} is not an edge: the receiver comes first")
            found |= dict.fromkeys(some)
        receivers = {edge.receiver for edge in found}
        for edge in found:
            if edge.sender != EMBED and not receivers.intersection(self.inputs(edge.sender)):
                raise MeasurementError(
                    f"{edge.sender} of {edge} has no input in the circuit: name an edge into it, "
                    f"such as embed -> {edge.sender}"
                )
        return tuple(edge for edge in self.edges if edge in found)

    def _ends(self, pattern: EdgePattern) -> Iterator[tuple[Site | None, Site]]:
        """Receivers and senders."""
        written = pattern.receivers.sites
        receivers: list[Site | None] = []
        for site in () if written is None else self.subject.sites(written):
            receivers += self.inputs(site) if site.kind is Kind.HEAD else [site]
        for receiver in [*receivers, *([None] if pattern.receivers.logits else ())]:
            for sender in self.subject.sites(pattern.senders):
                if self._sends_to(sender, receiver):
                    yield receiver, sender

    def _sends_to(self, sender: Site, receiver: Site | None) -> bool:
        if receiver is None or sender.kind is Kind.EMBED:
            return True
        return precedes(sender, receiver, parallel=self.subject.is_parallel)

    def inputs(self, sender: Site) -> tuple[Site, ...]:
        """The inputs of a head or MLP."""
        if sender.kind is not Kind.HEAD:
            return (sender,)
        shape: Shape = self.subject.shape
        shared = (sender.index or 0) * shape.n_key_value_heads // shape.n_heads
        return tuple(
            Site(kind, sender.layer, sender.index if kind is Kind.QUERY else shared) for kind in QKV
        )

    def random(self, circuit: frozenset[Edge], count: int, seed: int) -> list[frozenset[Edge]]:
        """Up to ``count`` other sets of as many edges, each made of whole routes to the logits.

        A route goes backwards from the logits, by a sender at random and one of its inputs at
        random, to the embedding (Shi et al. 2024, arXiv 2410.13032). The last may be cut short.
        """
        rng = np.random.default_rng(seed)
        found: dict[frozenset[Edge], None] = {}
        for _ in range(TRIES * count):
            drawn = self._routes(len(circuit), rng)
            if drawn != circuit:
                found[drawn] = None
            if len(found) == count:
                break
        return list(found)

    def _routes(self, size: int, rng: np.random.Generator) -> frozenset[Edge]:
        found: dict[Edge, None] = {}
        fruitless = 0
        while len(found) < size and fruitless < FRUITLESS:
            before = len(found)
            found |= dict.fromkeys(self._route(rng))
            fruitless = 0 if len(found) > before else fruitless + 1
        rest = [edge for edge in self.edges if edge not in found]
        more = rng.permutation(len(rest))[: max(size - len(found), 0)]
        return frozenset([*found, *(rest[place] for place in more)][:size])

    def _route(self, rng: np.random.Generator) -> Iterator[Edge]:
        receiver: Site | None = None
        while True:
            senders = self.into[receiver]
            sender = senders[rng.integers(len(senders))]
            yield Edge(sender, receiver)
            if sender == EMBED:
                return
            inputs = self.inputs(sender)
            receiver = inputs[rng.integers(len(inputs))]


@dataclass(frozen=True, eq=False)
class Cut:
    """Edges outside a circuit bring what their sender says in the corrupted prompt.

    Nothing is the corrupted run, in which all do.
    """

    bench: Bench
    sides: tuple[Encoded, Encoded]
    graph: Graph

    def run(self, wanted: Iterable[Parts], metric: Metric) -> Kept:
        """Keep each set of edges by itself. Raises as `effect_of` and `Subject.rewire` do."""
        everything = frozenset[Part](self.graph.edges)
        sets = [each for each in dict.fromkeys(wanted) if each and each != everything]

        def run(clean: Encoded, corrupted: Encoded, reader: Readout) -> Floats:
            wirings = [self._wiring(kept) for kept in sets]
            return self.bench.subject.rewire(clean, corrupted, wirings, reader)

        effect = effect_of(self.bench, self.sides, metric, "noise", run)
        ends = {everything: effect.clean, Parts(): effect.corrupted}
        values = {**ends, **dict(zip(sets, effect.patched, strict=True))}
        sides = tuple(side.prompts for side in self.sides)
        return Kept(effect.clean, effect.corrupted, values, sides, effect.step)

    def _wiring(self, kept: Parts) -> Wiring:
        """In the way that has fewer edges to follow."""
        keeps = 2 * len(kept) <= len(self.graph.edges)
        return Wiring(
            frozenset(edge for edge in self.graph.edges if (edge in kept) is keeps), keeps
        )
