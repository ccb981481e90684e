"""Which tokens of a target prompt stand for which of its source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppcheck.arrays import Integers
from ppcheck.errors import MeasurementError
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.tokens.encoding import Encoded

Aligned = dict[Position, list[tuple[Integers, Integers]]]
"""The target's and the source's tokens of a position, for each pair."""


def align(target: Encoded, source: Encoded, cells: Sequence[Cell]) -> Aligned:
    """Raises MeasurementError where a position is not equally many tokens on both sides."""
    aligned: Aligned = {}
    for position in dict.fromkeys(cell.position for cell in cells):
        for part in position.parts if position.kind == "list" else ():
            _check_counts(part, target, source)
        both = _check_counts(position, target, source)
        _check_layouts(position, target, source)
        aligned[position] = [(np.array(a, dtype=int), np.array(b, dtype=int)) for a, b in both]
    for cell in cells:
        if has_pattern(cell):
            _check_rows(target, source, aligned[cell.position])
    return aligned


def _check_counts(
    position: Position, target: Encoded, source: Encoded
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The tokens of both sides, which are equally many."""
    both = list(zip(target.positions(position), source.positions(position), strict=True))
    if wrong := [n for n, (a, b) in enumerate(both) if len(a) != len(b)]:
        counts = ", ".join(f"{len(both[n][0])} against {len(both[n][1])}" for n in wrong[:3])
        raise MeasurementError(
            f"pairs tokenise to different lengths: {position} is {counts} tokens in "
            f"{_texts(wrong, target, source)}"
        )
    return both


def _check_layouts(position: Position, target: Encoded, source: Encoded) -> None:
    """Parts of a list may follow each other, or overlap, in one way here and in another there."""
    sides = zip(target.layouts(position), source.layouts(position), strict=True)
    if wrong := [n for n, (a, b) in enumerate(sides) if a != b]:
        raise MeasurementError(
            f"pairs do not align: the parts of {position} stand in another order in "
            f"{_texts(wrong, target, source)}"
        )


def has_pattern(cell: Cell) -> bool:
    return any(site.kind is Kind.PATTERN for site in cell.sites)


def _check_rows(
    target: Encoded, source: Encoded, tokens: Sequence[tuple[Integers, Integers]]
) -> None:
    """A row of a pattern has a meaning only where both prompts have the same tokens before it."""
    lengths = [len(a) != len(b) for a, b in zip(target.ids, source.ids, strict=True)]
    if wrong := [n for n, (a, b) in enumerate(tokens) if lengths[n] or not np.array_equal(a, b)]:
        raise MeasurementError(
            "pairs tokenise to different lengths, so that their attention patterns cannot be "
            f"exchanged: {_texts(wrong, target, source)}"
        )


def _texts(numbers: Sequence[int], target: Encoded, source: Encoded) -> str:
    pairs = (f"{target.prompts[n].text!r} against {source.prompts[n].text!r}" for n in numbers[:3])
    more = f" and {len(numbers) - 3} more pairs" if len(numbers) > 3 else ""
    return "; ".join(pairs) + more
