"""What a picture showed in the baseline: from what was drawn then, or from the figures compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ppcheck.measure.core.facts import Facts, Map, Number
from ppcheck.record.leading import member_of, statistic_of
from ppcheck.record.run import ClaimRecord

Value = Number | None
Cell = tuple[str, str]

_SAME = 1e-3
"""How far apart, as a share, a figure and what is drawn of it may be, for rounding."""


def has_then(claim: ClaimRecord) -> bool:
    """Whether the baseline has the same measurement."""
    comparison = claim.comparison
    return comparison is not None and bool(comparison.statistics or drawn_then(claim) != Facts())


def drawn_then(claim: ClaimRecord) -> Facts:
    """Maps, curves and effects as the baseline has them; none where there is no baseline."""
    return Facts() if claim.comparison is None else claim.comparison.then


def map_then(claim: ClaimRecord, title: str, now: Map) -> list[list[Value]]:
    """Values then at the places of the map now, [row, column], None where they were not kept."""
    kept = drawn_then(claim).maps.get(title)
    members = {} if kept else members_then(claim, _by_member(now))
    known = _by_cell(kept) if kept else {}
    return [
        [known.get((row, column), _of_cell(members, row, column)) for column in now.columns]
        for row in now.rows
    ]


def effects_then(claim: ClaimRecord) -> Mapping[str, Value]:
    """Effects then by site."""
    return drawn_then(claim).effects or members_then(claim, claim.facts.effects)


def members_then(claim: ClaimRecord, now: Mapping[str, Value]) -> dict[str, Value]:
    """Values then by member, of the family of figures whose values now are these."""
    then: dict[str, dict[str, Value]] = {}
    figures: dict[str, dict[str, Value]] = {}
    for name, one in claim.comparison.statistics.items() if claim.comparison else ():
        member, before = member_of(name), member_of(one.was or name)
        if member is not None and before is not None:
            figures.setdefault(statistic_of(name), {})[member] = one.new
            then.setdefault(statistic_of(name), {})[before] = one.old
    return next((then[name] for name, family in figures.items() if agree(family, now)), {})


def agree(figures: Mapping[str, Value], drawn: Mapping[str, Value]) -> bool:
    """Whether what is drawn are the figures: each member's is its value there."""
    return bool(figures) and all(_close(value, drawn.get(name)) for name, value in figures.items())


def lacking(now: Iterable[Value], then: Iterable[Value]) -> str:
    """What the baseline does not have of a picture, in words; empty where it has all."""
    there = [before is not None for at, before in zip(now, then, strict=True) if at is not None]
    if all(there):
        return ""
    kept = f"then: {sum(there)} of {len(there)} values were kept in the baseline"
    return kept if any(there) else "then: not kept in the baseline"


def _by_cell(kept: Map) -> dict[Cell, Value]:
    return {
        (row, column): value
        for row, values in zip(kept.rows, kept.values, strict=True)
        for column, value in zip(kept.columns, values, strict=True)
    }


def _by_member(now: Map) -> dict[str, Value]:
    """A cell is named by layer and head (``L1H3``) or by site and layer (``resid_post.L1``)."""
    cells = _by_cell(now).items()
    return {
        name: value for (row, column), value in cells for name in (row + column, f"{column}.{row}")
    }


def _of_cell(members: Mapping[str, Value], row: str, column: str) -> Value:
    return members.get(row + column, members.get(f"{column}.{row}"))


def _close(one: Value, other: Value) -> bool:
    if one is None or other is None:
        return False
    return math.isclose(one, other, rel_tol=_SAME, abs_tol=_SAME)
