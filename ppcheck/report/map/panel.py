"""One picture of the map: what all claims say of one variable on one set of prompts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ppcheck.judge.compare import Change
from ppcheck.report.map.axes import Claims, Heat, columns_of, heat_of, rows_of
from ppcheck.report.map.sites import ANYWHERE, THE_LOGITS, At
from ppcheck.report.map.told import Mention, Telling, Told
from ppcheck.report.summary import rank

STATES = (
    *("error", "no longer measured", "regressed", "no longer holds", "fails", "inconclusive"),
    *("moved", "holds", ""),
)
"""The worst first: what several claims are about has the worst state of theirs."""
FEW = 4
"""What is named only among more than so many is minor."""
MANY_NODES, MANY_ARROWS = 24, 40
"""Beyond these a picture is crowded, and what is minor fades."""
MOST_NODES, MOST_ARROWS = 120, 300
_SILENT = (Change.UNCHANGED, Change.NEW)

Kind = Literal["path", "attention", "moved"]


@dataclass(frozen=True)
class Cited:
    """A claim by its number, with the figure and the state that it has of this one component.

    ``leads`` as in `Mention`.
    """

    number: int
    figure: str = ""
    state: str = ""
    leads: bool = False


@dataclass(frozen=True)
class Node:
    """``was`` where something moved away; ``hollow`` where it is nothing else."""

    at: At
    state: str = ""
    claims: tuple[Cited, ...] = ()
    change: Change | None = None
    was: bool = False
    hollow: bool = False
    denies: bool = False
    minor: bool = False


@dataclass(frozen=True)
class Arrow:
    """From one node to another or, with ``looks_at``, from the token that a head reads."""

    kind: Kind
    tail: At
    head: At
    state: str
    claims: tuple[Cited, ...]
    ports: tuple[str, ...] = ()
    looks_at: str = ""
    denies: bool = False
    minor: bool = False


@dataclass(frozen=True)
class Panel:
    """``rows`` are half layers from the bottom up; ``heat`` is a share, by column and layer.

    ``flows`` are the claims that the heat is of, and ``hidden`` counts the nodes and arrows for
    which there is no room.
    """

    columns: tuple[str, ...]
    rows: tuple[int, ...]
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    heat: Heat
    flows: tuple[int, ...]
    hidden: int = 0

    @property
    def is_crowded(self) -> bool:
        return len(self.nodes) > MANY_NODES or self.is_dense

    @property
    def is_dense(self) -> bool:
        return len(self.arrows) > MANY_ARROWS


def panel(claims: Claims, said: Mapping[int, Told], flows: Sequence[int]) -> Panel:
    """``said`` is what each claim says, by its number; ``flows`` are the numbers of its flows."""
    drawing = _Drawing(claims, said)
    nodes, arrows = drawing.nodes, drawing.arrows
    kept_nodes, kept_arrows = _within_room(nodes, arrows)
    heat = heat_of(claims, flows)
    used = [*(node.at for node in kept_nodes), *(arrow.tail for arrow in kept_arrows)]
    before = [pair for one in said.values() for pair in one.order]
    found = Panel(
        columns=columns_of([claims[n] for n in (*said, *flows)], used, before, heat),
        rows=rows_of(used, heat),
        nodes=tuple(kept_nodes),
        arrows=tuple(kept_arrows),
        heat=heat,
        flows=tuple(flows),
        hidden=len(nodes) + len(arrows) - len(kept_nodes) - len(kept_arrows),
    )
    return _faded(found) if found.is_crowded else found


@dataclass(frozen=True)
class _Drawing:
    """Nodes and arrows, each with all the claims about it."""

    claims: Claims
    said: Mapping[int, Told]

    @cached_property
    def home(self) -> Mapping[str, str]:
        """Where what has no token of its own stands: where most claims have it that are about it.

        Claims about many, and those that say that nothing is there, tell no place.
        """
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for one in self.said.values():
            if one.size > FEW or one.denies:
                continue
            for at in (*(each.at for each in one.mentions), *(then for then, _ in one.moves)):
                if at.column != ANYWHERE:
                    counts[at.component.name][at.column] += 1
        return {name: some.most_common(1)[0][0] for name, some in counts.items()}

    def settled(self, at: At) -> At:
        if at.column != ANYWHERE:
            return at
        return At(at.component, self.home.get(at.component.name, ANYWHERE))

    @cached_property
    def nodes(self) -> list[Node]:
        mentions: dict[At, list[tuple[int, Mention]]] = defaultdict(list)
        left: dict[At, list[int]] = defaultdict(list)
        for number, one in self.said.items():
            for mention in one.mentions:
                mentions[self.settled(mention.at)].append((number, mention))
            for then, _ in one.moves:
                left[self.settled(then)].append(number)
        found = [self._node(at, some, at in left) for at, some in mentions.items()]
        found += [
            Node(at, "moved", tuple(map(Cited, numbers)), was=True, hollow=True)
            for at, numbers in left.items()
            if at not in mentions
        ]
        if any(each.head == THE_LOGITS for one in self.said.values() for each in one.tellings):
            found.append(Node(THE_LOGITS))
        return found

    def _node(self, at: At, some: Sequence[tuple[int, Mention]], was: bool) -> Node:
        ordered = sorted(some, key=lambda pair: self._urgency(pair[0], pair[1].state))
        return Node(
            at,
            state=ordered[0][1].state,
            claims=tuple(_cited(number, mention) for number, mention in ordered),
            change=self._change([number for number, _ in ordered]),
            was=was,
            denies=all(self.said[number].denies for number, _ in some),
            minor=all(self.said[number].size > FEW for number, _ in some),
        )

    @cached_property
    def arrows(self) -> list[Arrow]:
        tellings: dict[tuple[At, At], list[tuple[int, Telling]]] = defaultdict(list)
        moves: dict[tuple[At, At], list[int]] = defaultdict(list)
        for number, one in self.said.items():
            for each in one.tellings:
                tail = each.tail if each.looks_at else self.settled(each.tail)
                tellings[tail, self.settled(each.head)].append((number, each))
            for then, now in one.moves:
                moves[self.settled(then), self.settled(now)].append(number)
        found = [self._arrow(*ends, some) for ends, some in tellings.items()]
        return found + [
            Arrow("moved", *ends, "moved", tuple(map(Cited, numbers)))
            for ends, numbers in moves.items()
        ]

    def _arrow(self, tail: At, head: At, some: Sequence[tuple[int, Telling]]) -> Arrow:
        ordered = sorted(some, key=lambda pair: self._urgency(pair[0], pair[1].state))
        return Arrow(
            "attention" if ordered[0][1].looks_at else "path",
            tail,
            head,
            state=ordered[0][1].state,
            claims=tuple(Cited(number, each.figure, each.state) for number, each in ordered),
            ports=tuple(dict.fromkeys(port for _, each in some for port in each.ports)),
            looks_at=", ".join(dict.fromkeys(each.looks_at for _, each in some)),
            denies=all(self.said[number].denies for number, _ in some),
            minor=all(self.said[number].size > FEW for number, _ in some),
        )

    def _urgency(self, number: int, state: str) -> tuple[int, int, int]:
        """The worst first, then what is said of few components."""
        place = STATES.index(state) if state in STATES else len(STATES)
        return place, self.said[number].size, number

    def _change(self, numbers: Sequence[int]) -> Change | None:
        """What a reader should know first of what became of it."""
        found = [
            (rank(self.claims[number]), comparison.change)
            for number in numbers
            if (comparison := self.claims[number].comparison) is not None
            and comparison.change not in _SILENT
        ]
        return min(found)[1] if found else None


def _cited(number: int, mention: Mention) -> Cited:
    return Cited(number, mention.figure, mention.state, mention.leads)


def _within_room(nodes: Sequence[Node], arrows: Sequence[Arrow]) -> tuple[list[Node], list[Arrow]]:
    """As many as can be read, first what is not minor; and of what stands, in reading order."""
    kept = sorted(nodes, key=lambda node: node.minor)[:MOST_NODES]
    standing = {node.at for node in kept}
    linked = [
        arrow
        for arrow in sorted(arrows, key=lambda arrow: arrow.minor)
        if arrow.head in standing and (arrow.looks_at or arrow.tail in standing)
    ]
    return kept, linked[:MOST_ARROWS]


def _faded(crowded: Panel) -> Panel:
    """Minor is only what others stand out from."""
    if all(node.minor for node in crowded.nodes if node.claims):
        nodes = tuple(replace(node, minor=False) for node in crowded.nodes)
        return replace(crowded, nodes=nodes)
    return crowded
