"""Coordinates of a map: columns from left to right, rows from the bottom up, nothing on another."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

SLOT_WIDTH, SLOT_HEIGHT = 52, 46
"""The room of one component with its name, in pixels."""
GAP = 20
"""Pixels below the components of a row, where what they read runs along."""
BETWEEN, MOST_BETWEEN = 12, 70
"""Pixels between columns: the least and, where there is room, the most."""
BARE = 6
"""The height of a row in which nothing stands: depth stays visible."""
LEFT, RIGHT, ABOVE, BELOW = 30, 8, 12, 26
"""Pixels for the names of layers, and below for those of columns."""
_LETTER = 7
_LONGEST = 16
_MOST_IN_LINE = 8

Cell = tuple[int, int]
"""The row, counted from the bottom, and the column."""


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


def fitted(cells: Sequence[Cell], rows: int, columns: Sequence[str], width: float) -> Layout:
    """A layout within the width or, where none is, the narrowest.

    Where too many stand side by side they wrap, first those of the widest column; where there is
    room, columns stand apart.
    """
    most = Counter(cells)
    wanted = [max((most[row, c] for row in range(rows)), default=0) for c in range(len(columns))]
    in_line = [min(max(count, 1), _MOST_IN_LINE) for count in wanted]
    found = laid_out(cells, rows, columns, in_line)
    while found.width > width and max(in_line) > 1:
        in_line[in_line.index(max(in_line))] -= 1
        found = laid_out(cells, rows, columns, in_line)
    spare = (width - found.width) / max(len(columns) - 1, 1)
    apart = min(max(BETWEEN + spare, BETWEEN), MOST_BETWEEN)
    return laid_out(cells, rows, columns, in_line, apart)


def laid_out(
    cells: Sequence[Cell],
    rows: int,
    columns: Sequence[str],
    in_line: Sequence[int],
    between: float = BETWEEN,
) -> Layout:
    """At most ``in_line`` [column] components of one cell stand side by side, others below."""
    most = Counter(cells)
    widths = [
        max(SLOT_WIDTH * in_line[c], _LETTER * min(len(name), _LONGEST) + 8)
        for c, name in enumerate(columns)
    ]
    lines = [
        max((math.ceil(most[row, c] / in_line[c]) for c in range(len(columns))), default=0)
        for row in range(rows)
    ]
    heights = [SLOT_HEIGHT * count + GAP if count else BARE for count in lines]
    lefts = list(accumulate((width + between for width in widths), initial=float(LEFT)))
    tops = list(accumulate(reversed(heights), initial=float(ABOVE)))
    boxes = tuple(zip(lefts, widths, strict=False))
    bands = tuple(zip(reversed(tops[:-1]), heights, strict=True))
    return Layout(
        width=lefts[-1] - (between if widths else 0) + RIGHT,
        height=tops[-1] + BELOW,
        columns=boxes,
        rows=bands,
        at=tuple(_middles(cells, boxes, bands, in_line)),
    )


def _middles(
    cells: Sequence[Cell],
    boxes: Sequence[tuple[float, float]],
    bands: Sequence[tuple[float, float]],
    in_line: Sequence[int],
) -> list[tuple[float, float]]:
    most, seen = Counter(cells), defaultdict[Cell, int](int)
    found = []
    for row, column in cells:
        abreast, count = in_line[column], most[row, column]
        line, place = divmod(seen[row, column], abreast)
        seen[row, column] += 1
        (left, width), (top, height) = boxes[column], bands[row]
        in_this = min(abreast, count - line * abreast)
        first = left + (width - SLOT_WIDTH * in_this) / 2
        start = top + (height - GAP - SLOT_HEIGHT * math.ceil(count / abreast)) / 2
        found.append((first + SLOT_WIDTH * (place + 0.5), start + SLOT_HEIGHT * (line + 0.5)))
    return found
