"""One picture of the map: what all claims say of one variable on one set of prompts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ppcheck.judge.compare import Change
from ppcheck.measure.core.facts import Map
from ppcheck.record.run import ClaimRecord
from ppcheck.report.map.sites import (
    ANYWHERE,
    BOTTOM,
    FINAL,
    PREVIOUS,
    THE_LOGITS,
    TOP,
    At,
    columns,
)
from ppcheck.report.map.told import Mention, Telling, Told
from ppcheck.report.summary import rank
from ppcheck.spec.sites.position import Position

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
LEAST_HEAT = 0.1
"""A token at which the stream carries less, and which no claim names, has no column."""
_STREAM = " in resid_post"
_FIELD = re.compile(r"\{(\w+)\}")
_LAYER = re.compile(r"L(\d{1,6})")
_SILENT = (Change.UNCHANGED, Change.NEW)

Kind = Literal["path", "attention", "moved"]


@dataclass(frozen=True)
class Cited:
    """A claim by its place in the run, with the figure that it has of this one component."""

    number: int
    figure: str = ""


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
    heat: Mapping[tuple[str, int], float]
    flows: tuple[int, ...]
    hidden: int = 0

    @property
    def is_crowded(self) -> bool:
        return len(self.nodes) > MANY_NODES or self.is_dense

    @property
    def is_dense(self) -> bool:
        return len(self.arrows) > MANY_ARROWS


def panel(claims: Sequence[ClaimRecord], said: Mapping[int, Told], flows: Sequence[int]) -> Panel:
    """``said`` is what each claim says, by its number; ``flows`` are the numbers of its flows."""
    drawing = _Drawing(claims, said)
    nodes, arrows = drawing.nodes, drawing.arrows
    kept_nodes, kept_arrows = _within_room(nodes, arrows)
    heat = _heat(claims, flows)
    found = Panel(
        columns=_columns(claims, said, flows, kept_nodes, kept_arrows, heat),
        rows=_rows(kept_nodes, heat),
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

    claims: Sequence[ClaimRecord]
    said: Mapping[int, Told]

    @cached_property
    def home(self) -> Mapping[str, str]:
        """Where what has no token of its own stands: where most claims have it that are about it.

        Claims about many, and those that say that nothing is there, tell no place.
        """
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for one in self.said.values():
            for mention in one.mentions if one.size <= FEW and not one.denies else ():
                if mention.at.column != ANYWHERE:
                    counts[mention.at.component.name][mention.at.column] += 1
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
            claims=tuple(Cited(number, mention.figure) for number, mention in ordered),
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
            claims=tuple(Cited(number, each.figure) for number, each in ordered),
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


def _heat(claims: Sequence[ClaimRecord], flows: Sequence[int]) -> dict[tuple[str, int], float]:
    """The largest share that the stream carries in any of these claims, 0 to 1."""
    found: dict[tuple[str, int], float] = {}
    for number in flows:
        maps = claims[number].facts.maps
        drawn = next((each for title, each in maps.items() if title.endswith(_STREAM)), None)
        for name, layer, share in _shares(drawn) if drawn else ():
            key = columns(name)[0], layer
            found[key] = max(found.get(key, 0.0), share)
    return found


def _shares(drawn: Map) -> Iterator[tuple[str, int, float]]:
    """Position, layer and share of each cell."""
    for row, values in zip(drawn.rows, drawn.values, strict=False):
        if layer := _LAYER.fullmatch(row):
            for name, value in zip(drawn.columns, values, strict=False):
                yield name, int(layer[1]), min(max(float(value or 0.0), 0.0), 1.0)


def _rows(nodes: Sequence[Node], heat: Mapping[tuple[str, int], float]) -> tuple[int, ...]:
    """Both halves of every layer up to the highest there is, and the ends that are used."""
    used = {node.at.component.row for node in nodes}
    layers = [row // 2 for row in used - {BOTTOM, TOP}] + [layer for _, layer in heat]
    halves = range(2 * (max(layers, default=-1) + 1))
    return (*sorted(used & {BOTTOM}), *halves, *sorted(used & {TOP}))


def _columns(
    claims: Sequence[ClaimRecord],
    said: Mapping[int, Told],
    flows: Sequence[int],
    nodes: Sequence[Node],
    arrows: Sequence[Arrow],
    heat: Mapping[tuple[str, int], float],
) -> tuple[str, ...]:
    """The tokens that are used, in the order of the prompt as far as the record tells it."""
    used = [node.at.column for node in nodes] + [arrow.tail.column for arrow in arrows]
    used += [column for (column, _), share in heat.items() if share >= LEAST_HEAT]
    before = [pair for one in said.values() for pair in one.order]
    for number in flows:
        facts = claims[number].facts
        before.append((columns(facts.from_ or "")[0], columns(facts.to or FINAL)[0]))
    written = [name for number in said for name in _written(claims[number])]
    return tuple(in_order(used, list(dict.fromkeys(written)), before))


def _written(claim: ClaimRecord) -> Iterator[str]:
    """Variables in the order of the template, as far as it is kept, then in that of `vary`."""
    yield from _FIELD.findall(claim.measures.get("prompts.template", ""))
    prefix = "prompts.vary."
    yield from (key.removeprefix(prefix) for key in claim.measures if key.startswith(prefix))


def in_order(
    used: Sequence[str], written: Sequence[str], before: Sequence[tuple[str, str]]
) -> list[str]:
    """Columns from left to right: whatever is read stands before what reads it."""
    left = sorted(dict.fromkeys(used), key=lambda column: _place(column, written))
    found: list[str] = []
    while left:
        held = {late for early, late in before if early in left and early not in (late, ANYWHERE)}
        following = next((column for column in left if column not in held), left[0])
        left.remove(following)
        found.append(following)
    return found


def _place(column: str, written: Sequence[str]) -> tuple[int, int]:
    """The first tokens of the prompt, its variables, its last tokens, and what has no token."""
    if column in (ANYWHERE, FINAL):
        return (5 if column == ANYWHERE else 4), 0
    if column == PREVIOUS:
        return 3, 0
    if column.startswith("token "):
        first = Position.parse(column.removeprefix("token ")).index or 0
        return (0 if first >= 0 else 2), first
    return 1, written.index(column) if column in written else len(written)
