"""What a map is drawn over: its tokens from left to right, its layers, and the stream's heat."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from ppcheck.measure.core.facts import Map
from ppcheck.record.run import ClaimRecord
from ppcheck.report.map.sites import ANYWHERE, BOTTOM, FINAL, PREVIOUS, TOP, At, columns
from ppcheck.spec.sites.position import Position

LEAST_HEAT = 0.1
"""A token at which the stream carries less, and which no claim names, has no column."""
FEWEST_FOLDED = 3
"""Layers one above the other in which nothing stands, and that one thin row stands for."""
_STREAM = " in resid_post"
_FIELD = re.compile(r"\{(\w+)\}")
_LAYER = re.compile(r"L(\d{1,6})")

Claims = Mapping[int, ClaimRecord]
"""Claims by number."""
Heat = Mapping[tuple[str, int], float]
"""A share by column and layer."""


def heat_of(claims: Claims, flows: Sequence[int]) -> Heat:
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


def rows_of(used: Sequence[At], heat: Heat) -> tuple[int, ...]:
    """Both halves of every layer up to the highest there is, and the ends that are used."""
    rows = {at.component.row for at in used}
    layers = [row // 2 for row in rows - {BOTTOM, TOP}] + [layer for _, layer in heat]
    halves = range(2 * (max(layers, default=-1) + 1))
    return (*sorted(rows & {BOTTOM}), *halves, *sorted(rows & {TOP}))


def folds_of(rows: Sequence[int], standing: Collection[int]) -> tuple[tuple[int, int], ...]:
    """The first and the last layer of each run of layers in whose rows nothing stands."""
    taken = {row // 2 for row in standing if row not in (BOTTOM, TOP)}
    layers = sorted({row // 2 for row in rows if row not in (BOTTOM, TOP)})
    runs = (list(run) for is_taken, run in groupby(layers, taken.__contains__) if not is_taken)
    return tuple((run[0], run[-1]) for run in runs if len(run) >= FEWEST_FOLDED)


def columns_of(
    claims: Sequence[ClaimRecord],
    used: Sequence[At],
    before: Sequence[tuple[str, str]],
    heat: Heat,
) -> tuple[str, ...]:
    """The tokens that are used, in the order of the prompt as far as the records tell it."""
    names = [at.column for at in used]
    names += [column for (column, _), share in heat.items() if share >= LEAST_HEAT]
    flowing = [
        (columns(claim.facts.from_ or "")[0], columns(claim.facts.to or FINAL)[0])
        for claim in claims
        if claim.check == "flow"
    ]
    written = dict.fromkeys(name for claim in claims for name in _written(claim))
    return tuple(in_order(names, list(written), [*before, *flowing]))


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
