"""A subject that counts what it is asked, and cells to ask it for."""

from __future__ import annotations

from typing import Any

import numpy as np

from ppcheck.arrays import Floats, Integers
from ppcheck.spec.sites.edge import Edge
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.subject import Subject

IDS = [[3, 9, 4, 17], [30, 2, 5, 5], [6, 6, 41, 8]]


TWINS = [[3, 1, 4, 17], [30, 7, 5, 5], [6, 2, 41, 8]]


SECOND = Position.parse("1")


class Watched(LoadedSubject):
    """Counts the members that it is asked to measure, by method."""

    def __init__(self, subject: LoadedSubject) -> None:
        super().__init__(subject.info, subject.shape, subject._tokens, subject._engine)
        self.asked: list[tuple[str, int]] = []

    def endings(self, prompts: Any) -> Floats:
        self.asked.append(("endings", len(prompts)))
        return super().endings(prompts)

    def read_after(self, prompts: Any, readout: Any) -> Floats:
        self.asked.append(("read_after", len(prompts)))
        return super().read_after(prompts, readout)

    def replies(self, prompts: Any, numbers: Any, writing: Any) -> Integers:
        self.asked.append(("replies", len(prompts)))
        return super().replies(prompts, numbers, writing)

    def capture(self, encoded: Any, sites: Any, at: Any) -> list[Floats]:
        self.asked.append(("capture", len(sites)))
        return super().capture(encoded, sites, at)

    def attention(self, encoded: Any, heads: Any, links: Any) -> Floats:
        self.asked.append(("attention", len(heads)))
        return super().attention(encoded, heads, links)

    def evenness(self, encoded: Any, heads: Any, queries: Any) -> Floats:
        self.asked.append(("evenness", len(heads)))
        return super().evenness(encoded, heads, queries)

    def patch(self, target: Any, source: Any, cells: Any, readout: Any) -> Floats:
        self.asked.append(("patch", len(cells)))
        return super().patch(target, source, cells, readout)

    def intervene(self, encoded: Any, cells: Any, readout: Any) -> Floats:
        self.asked.append(("intervene", len(cells)))
        return super().intervene(encoded, cells, readout)

    def rewire(self, clean: Any, corrupted: Any, wirings: Any, readout: Any) -> Floats:
        self.asked.append(("rewire", len(wirings)))
        return super().rewire(clean, corrupted, wirings, readout)

    def activations(
        self, encoded: Any, sites: Any, position: Any, cells: Any = ((),)
    ) -> list[Floats]:
        self.asked.append(("activations", len(cells)))
        return super().activations(encoded, sites, position, cells)

    def means(self, encoded: Any, sites: Any, position: Any, *, pooled: bool) -> list[Floats]:
        self.asked.append(("means", len(sites)))
        return super().means(encoded, sites, position, pooled=pooled)


def cells(subject: Subject, sites: str, position: Position = FINAL) -> list[Cell]:
    return [Cell((site,), position) for site in subject.sites(Sites.parse(sites))]


def wirings() -> list[Wiring]:
    edges = [Edge(Site(Kind.EMBED), Site(Kind.VALUE, 0, 1)), Edge(Site(Kind.HEAD, 0, 1), None)]
    some = [frozenset(edges), frozenset(edges[1:])]
    return [Wiring(each, keeps=keeps) for each in some for keeps in (True, False)]


def added(subject: Subject, scale: float) -> list[tuple[Edit, ...]]:
    """Cells that add to one head each."""
    vector = np.full(subject.shape.d_head, scale)
    heads = subject.sites(Sites.parse("L*H*"))
    return [(Edit(head, SECOND, Operation.ADD, vector),) for head in heads]
