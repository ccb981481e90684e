"""The map as the page draws it: pictures with coordinates, texts and what leads to which claim."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ppcheck.record.run import ClaimRecord
from ppcheck.report.gate import MARKS
from ppcheck.report.map.axes import Claims, Heat, folds_of
from ppcheck.report.map.layout import Layout, fitted
from ppcheck.report.map.panel import Arrow, Cited, Node, Panel, panel
from ppcheck.report.map.sites import ANYWHERE, BOTTOM, FINAL, TOP, At, columns
from ppcheck.report.map.told import Told, told
from ppcheck.report.pictures import Json, rounded
from ppcheck.report.text import printable

WIDTHS = (1180, 760, 378)
"""Pixels for which a picture is laid out; the last is a telephone's."""
_TRACED = ("pairs.", "separates.", "direction.between.")
_DEFAULT = "prompts.pairs."
_SHAPES = {
    "head": "head",
    "attention": "all heads",
    "mlp": "MLP",
    "neuron": "neuron",
    "feature": "feature",
    "stream": "stream",
    "direction": "direction",
}


@dataclass(frozen=True)
class _Prompts:
    """Prompts that one picture can show: of one model, by one template, whichever file has them."""

    model: str
    name: str
    template: str

    @classmethod
    def of(cls, claim: ClaimRecord) -> _Prompts:
        name = claim.on.partition("[")[0]
        return cls(claim.model, name, claim.measures.get("prompts.template", ""))


def pictures_of(claims: Sequence[ClaimRecord]) -> list[Json]:
    """One for each set of prompts and each variable traced there, that of most claims first."""
    return [picture(*each) for each in panels_of(dict(enumerate(claims)), told)]


def panels_of(
    claims: Claims, tell: Callable[[ClaimRecord], Told | None]
) -> list[tuple[str, Panel]]:
    """Each with its title; ``tell`` says what a claim says."""
    found: list[tuple[int, str, str, Panel]] = []
    is_one = len({claim.model for claim in claims.values()}) == 1
    for prompts, numbers in _by_prompts(claims).items():
        all_said = {n: one for n in numbers if (one := tell(claims[n])) is not None}
        for variable, said in _by_variable(claims, all_said).items():
            flows = [n for n in numbers if claims[n].check == "flow"]
            flows = [n for n in flows if claims[n].facts.maps and _firm(claims[n]) == variable]
            title = f"{variable} in {prompts.name}" if variable else prompts.name
            where = _where([claims[n] for n in said], is_one=is_one)
            found.append((len(said), title, where, panel(claims, said, flows)))
    found.sort(key=lambda each: -each[0])
    titles = Counter(title for _, title, _, _ in found)
    return [
        (f"{title} ({where})" if titles[title] > 1 else title, each)
        for _, title, where, each in found
    ]


def _where(claims: Sequence[ClaimRecord], *, is_one: bool) -> str:
    """What tells prompts of one name apart: their file, or how many have them, and the model."""
    files = dict.fromkeys(claim.spec for claim in claims)
    name = PurePosixPath(claims[0].spec).name if len(files) == 1 else f"{len(files)} specs"
    return name if is_one else f"{name}, {claims[0].model}"


def _by_prompts(claims: Claims) -> dict[_Prompts, list[int]]:
    found: dict[_Prompts, list[int]] = defaultdict(list)
    for number, claim in claims.items():
        found[_Prompts.of(claim)].append(number)
    return found


def _by_variable(claims: Claims, said: Mapping[int, Told]) -> dict[str, dict[int, Told]]:
    """What each claim says, by the variable that it traces."""
    traced = {_firm(claims[n]) for n in said if claims[n].check != "attention"}
    found: dict[str, dict[int, Told]] = defaultdict(dict)
    for n, one in said.items():
        found[_variable(claims[n], traced)][n] = one
    return found


def _firm(claim: ClaimRecord) -> str:
    """The variable that the claim swaps, separates or steers; else what its prompts pair."""
    if dose := claim.measures.get("dose"):
        return dose
    for prefix in (*_TRACED, _DEFAULT):
        for key in claim.measures:
            if key.startswith(prefix):
                return key.removeprefix(prefix)
    return ""


def _variable(claim: ClaimRecord, traced: Iterable[str]) -> str:
    """The variable whose picture has the claim: what a head looks at, where that has one."""
    own = _firm(claim)
    if claim.check == "attention":
        goal = columns(claim.facts.to or claim.measures.get("to", ""))[0]
        return goal if goal in traced else own
    return own


def cited(claims: Sequence[Cited]) -> list[Any]:
    """Each claim with its figure of the component."""
    return [(each.number, each.figure) for each in claims]


def picture(title: str, drawn: Panel, cite: Callable[[Sequence[Cited]], list[Any]] = cited) -> Json:
    """The panel as the page draws it; ``cite`` writes the claims about a component."""
    rows = {row: place for place, row in enumerate(drawn.rows)}
    across = {column: place for place, column in enumerate(drawn.columns)}
    nodes = sorted(drawn.nodes, key=lambda node: _reading(node, rows, across))
    cells = [(rows[node.at.component.row], across[node.at.column]) for node in nodes]
    names = [_column_name(column) for column in drawn.columns]
    numbers = {node.at: place for place, node in enumerate(nodes)}
    layouts = [fitted(cells, len(rows), names, width) for width in WIDTHS]
    return {
        "title": printable(title),
        "columns": list(map(printable, names)),
        "layers": _layers(drawn.rows),
        "folds": folds_of(drawn.rows, {node.at.component.row for node in nodes}),
        "nodes": [_node(node) | {"claims": cite(node.claims)} for node in nodes],
        "arrows": [
            _arrow(arrow, numbers, rows, across) | {"claims": cite(arrow.claims)}
            for arrow in drawn.arrows
        ],
        "heat": heated(drawn.heat, drawn.columns),
        "flows": list(drawn.flows),
        "layouts": list(map(_layout, dict.fromkeys(layouts))),
        "crowded": drawn.is_crowded,
        "dense": drawn.is_dense,
        "hidden": drawn.hidden,
    }


def heated(heat: Heat, columns: Sequence[str]) -> list[Any]:
    """Column, layer and share of each cell in which there is something."""
    across = {column: place for place, column in enumerate(columns)}
    return [
        [across[column], layer, rounded(share)]
        for (column, layer), share in heat.items()
        if column in across and share > 0
    ]


def _reading(node: Node, rows: dict[int, int], across: dict[str, int]) -> tuple[int, int, str, int]:
    """From below to above as the model computes, from left to right, by number."""
    one = node.at.component
    return rows[one.row], across[node.at.column], one.shape, one.index


def _layers(rows: Sequence[int]) -> list[tuple[str, int, int]]:
    """The name of each layer with its lowest and its highest row."""
    found: dict[str, tuple[int, int]] = {}
    for place, row in enumerate(rows):
        name = "" if row in (BOTTOM, TOP) else f"L{row // 2}"
        if name:
            found[name] = (found.get(name, (place, place))[0], place)
    return [(name, *ends) for name, ends in found.items()]


def _node(node: Node) -> Json:
    one = node.at.component
    return {
        "name": one.name,
        "label": one.label,
        "shape": one.shape,
        "about": _about(node.at),
        "state": node.state,
        "change": "" if node.change is None else f"{MARKS[node.change]} {node.change}",
        "was": node.was,
        "hollow": node.hollow,
        "denies": node.denies,
        "minor": node.minor,
    }


def _about(at: At) -> str:
    one = at.component
    if one.layer is None:
        return ""
    return f"{_SHAPES[one.shape]} in layer {one.layer}, {_token(at.column)}"


def _token(column: str) -> str:
    return "at all tokens" if column == ANYWHERE else f"at {_column_name(column)}"


def _column_name(column: str) -> str:
    return {ANYWHERE: "all tokens", FINAL: "final"}.get(column, column)


def _arrow(
    arrow: Arrow, numbers: dict[At, int], rows: dict[int, int], across: dict[str, int]
) -> Json:
    tail = arrow.tail
    return {
        "kind": arrow.kind,
        "tail": numbers.get(tail),
        "token": [rows[tail.component.row], across[tail.column]] if arrow.looks_at else None,
        "head": numbers[arrow.head],
        "about": printable(_words(arrow)),
        "state": arrow.state,
        "denies": arrow.denies,
        "minor": arrow.minor,
    }


def _words(arrow: Arrow) -> str:
    tail, head = arrow.tail.component.name, arrow.head.component.name
    if arrow.kind == "moved":
        return f"moved from {tail} to {head}"
    if arrow.kind == "attention":
        return f"{head} looks from {_column_name(arrow.head.column)} at {arrow.looks_at}"
    ports = f" ({', '.join(arrow.ports)})" if arrow.ports else ""
    return f"{tail} tells {head}{ports}"


def _layout(laid: Layout) -> Json:
    return {
        "width": laid.width,
        "height": laid.height,
        "columns": laid.columns,
        "rows": laid.rows,
        "at": laid.at,
    }
