"""Coordinates of a map: columns from left to right, rows from the bottom up, nothing on another."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

SLOT_WIDTH, SLOT_HEIGHT = 56, 46
"""The room of one component with its name, in pixels."""
GAP = 20
"""Pixels below the components of a row, where what they read runs along."""
BETWEEN = 16
"""Pixels between columns."""
BARE = 6
"""The height of a row in which nothing stands: depth stays visible."""
LEFT, RIGHT, ABOVE, BELOW = 40, 10, 12, 26
"""Pixels for the names of layers, and below for those of columns."""
_LETTER = 7
_LONGEST = 16
_MOST_IN_LINE = 8


@dataclass(frozen=True)
class Layout:
    """In pixels: ``columns`` are (left, width), ``rows`` (top, height) from the lowest up.

    ``at`` is the middle of each component.
    """

    width: float
    height: float
    columns: tuple[tuple[float, float], ...]
    rows: tuple[tuple[float, float], ...]
    at: tuple[tuple[float, float], ...]


Cell = tuple[int, int]
"""The row, counted from the bottom, and the column."""


def fitted(cells: Sequence[Cell], rows: int, columns: Sequence[str], width: float) -> Layout:
    """The widest layout within the width; the narrowest there is, where none is within."""
    for in_line in range(_MOST_IN_LINE, 1, -1):
        found = laid_out(cells, rows, columns, in_line)
        if found.width <= width:
            return found
    return laid_out(cells, rows, columns, 1)


def laid_out(cells: Sequence[Cell], rows: int, columns: Sequence[str], in_line: int) -> Layout:
    """At most ``in_line`` components of one cell stand side by side; further ones stand below."""
    most = Counter(cells)
    widths = [
        max(
            SLOT_WIDTH * min(in_line, max((most[row, c] for row in range(rows)), default=0)),
            _LETTER * min(len(name), _LONGEST) + 8,
        )
        for c, name in enumerate(columns)
    ]
    lines = [
        max((math.ceil(most[row, c] / in_line) for c in range(len(columns))), default=0)
        for row in range(rows)
    ]
    heights = [SLOT_HEIGHT * count + GAP if count else BARE for count in lines]
    lefts = [LEFT, *(LEFT + x for x in accumulate(width + BETWEEN for width in widths))]
    tops = [ABOVE, *(ABOVE + y for y in accumulate(reversed(heights)))]
    boxes = list(zip(lefts, widths, strict=False))
    bands = list(zip(reversed(tops[:-1]), heights, strict=True))
    return Layout(
        width=lefts[-1] - (BETWEEN if widths else 0) + RIGHT,
        height=tops[-1] + BELOW,
        columns=tuple(boxes),
        rows=tuple(bands),
        at=tuple(_middles(cells, boxes, bands, in_line)),
    )


def _middles(
    cells: Sequence[Cell],
    boxes: Sequence[tuple[float, float]],
    bands: Sequence[tuple[float, float]],
    in_line: int,
) -> list[tuple[float, float]]:
    most, seen = Counter(cells), defaultdict[Cell, int](int)
    found = []
    for row, column in cells:
        line, place = divmod(seen[row, column], in_line)
        seen[row, column] += 1
        in_this = min(in_line, most[row, column] - line * in_line)
        (left, width), (top, height) = boxes[column], bands[row]
        lines = math.ceil(most[row, column] / in_line)
        first = left + (width - SLOT_WIDTH * in_this) / 2
        start = top + (height - GAP - SLOT_HEIGHT * lines) / 2
        found.append((first + SLOT_WIDTH * (place + 0.5), start + SLOT_HEIGHT * (line + 0.5)))
    return found
