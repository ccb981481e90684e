"""Where a claim's sites stand on a map: the layer of a component, and the token as a column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.receiver import LOGITS
from ppcheck.spec.sites.site import OF_HEADS, Kind, SitePattern

Shape = Literal[
    "head",
    "attention",
    "mlp",
    "neuron",
    "feature",
    "stream",
    "direction",
    "embed",
    "logits",
    "token",
]

ANYWHERE = ""
"""The column of what has no token of its own."""
FINAL = "final"
PREVIOUS = "previous"
MOST_OF_ONE = 16
"""Components that one name may stand for, and that are drawn of one claim."""
TOP = 1_000_000
"""The row of the logits, above every layer."""
BOTTOM = -1
_STREAM_NAMES = {
    Kind.RESID_PRE: "pre",
    Kind.RESID_MID: "mid",
    Kind.RESID_POST: "resid",
    Kind.ATTN_OUT: "attn",
    Kind.MLP_OUT: "mlp",
}
_BY_HEADS = OF_HEADS | {Kind.ATTN_OUT, Kind.RESID_PRE}


@dataclass(frozen=True)
class Component:
    """What a claim is about.

    ``row`` counts half layers: attention stands in the lower half of a layer, its MLP in the upper.
    ``index`` orders the heads, neurons and features of one row.
    """

    name: str
    label: str
    shape: Shape
    row: int
    index: int = -1

    @property
    def layer(self) -> int | None:
        """None for the embedding and the logits."""
        return None if self.row in (BOTTOM, TOP) else self.row // 2


@dataclass(frozen=True)
class At:
    """A component at the token where it acts, as the column of the map."""

    component: Component
    column: str


THE_LOGITS = At(Component(LOGITS, LOGITS, "logits", TOP), FINAL)


@cache
def components(name: str, features: tuple[tuple[str, str], ...] = ()) -> tuple[Component, ...]:
    """Those that the name stands for; none where it is not a site, or its layer is not known.

    ``L[2-3]H*`` is two: all the heads of one layer are one component. ``features`` are the sites at
    which those of a dictionary act, by its name.
    """
    if name == LOGITS:
        return (THE_LOGITS.component,)
    try:
        pattern = SitePattern.parse(name)
    except ValueError:
        return ()
    if pattern.kind is Kind.EMBED:
        return (Component("embed", "embed", "embed", BOTTOM),)
    if pattern.kind is Kind.FEATURE:
        return tuple(_features(pattern, dict(features).get(pattern.dictionary, "")))
    if pattern.layers is None or pattern.least > MOST_OF_ONE:
        return ()
    indices = (None,) if pattern.indices is None else pattern.indices or (-1,)
    numbers = product(pattern.layers, indices)
    return tuple(_component(pattern.kind, layer, index) for layer, index in numbers)


def direction_at(component: Component) -> Component:
    """The direction that a claim reads or writes at a component's output."""
    name = f"direction at {component.name}"
    return Component(name, component.label, "direction", component.row, component.index)


def token_below(component: Component, column: str) -> At:
    """The token that a head reads, at the layer of the head."""
    return At(Component("", "", "token", component.row), column)


@cache
def columns(position: str) -> tuple[str, ...]:
    """The columns of the tokens that a position names: of a variable all stand in one."""
    try:
        found = Position.parse(position)
    except ValueError:
        return (ANYWHERE,)
    return tuple(dict.fromkeys(map(_column, found.parts if found.kind == "list" else (found,))))


def _column(position: Position) -> str:
    if position.kind == "variable":
        return str(position.variable)
    if position.kind == "index":
        return FINAL if position.index == -1 else f"token {position}"
    return position.kind if position.kind in (FINAL, PREVIOUS) else ANYWHERE


def _features(pattern: SitePattern, acts_at: str) -> Iterator[Component]:
    """Features stand where what their dictionary writes does."""
    if pattern.least > MOST_OF_ONE:
        return
    for stream in components(acts_at):
        for index in (None,) if pattern.indices is None else pattern.indices:
            number = "*" if index is None else index
            name, label = f"{pattern.dictionary}[{number}]", f"L{stream.layer}F{number}"
            yield Component(name, label, "feature", stream.row, index or 0)


def _component(kind: Kind, layer: int, index: int | None) -> Component:
    row = 2 * layer + (kind not in _BY_HEADS)
    if kind in _STREAM_NAMES:
        shape: Shape = "stream"
        if kind in (Kind.ATTN_OUT, Kind.MLP_OUT):
            shape = "attention" if kind is Kind.ATTN_OUT else "mlp"
        return Component(f"{kind}.L{layer}", f"{_STREAM_NAMES[kind]} L{layer}", shape, row)
    letter = "H" if kind in OF_HEADS else "N"
    name = f"L{layer}{letter}{'*' if index is None else index}"
    if kind in OF_HEADS:
        return Component(name, name, "attention" if index is None else "head", row, index or 0)
    return Component(name, name, "neuron", row, index or 0)
