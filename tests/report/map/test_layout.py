from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from ppcheck.report.map.layout import SLOT_HEIGHT, SLOT_WIDTH, Cell, Layout, fitted, laid_out

CELLS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 4)), max_size=70)
IN_LINE = st.lists(st.integers(1, 8), min_size=5, max_size=5)
NAMES = ["opening", "a name that is far too long for any column", "b", "final", "all tokens"]


@given(CELLS, IN_LINE)
def test_no_component_stands_on_another(cells: list[Cell], in_line: list[int]) -> None:
    found = laid_out(cells, 8, NAMES, in_line)
    for (x, y), (other_x, other_y) in combinations(found.at, 2):
        assert abs(x - other_x) >= SLOT_WIDTH - 1e-6 or abs(y - other_y) >= SLOT_HEIGHT - 1e-6


@given(CELLS, IN_LINE)
def test_every_component_is_in_its_row_and_column(cells: list[Cell], in_line: list[int]) -> None:
    found = laid_out(cells, 8, NAMES, in_line)
    for (row, column), (x, y) in zip(cells, found.at, strict=True):
        (left, width), (top, height) = found.columns[column], found.rows[row]
        assert left <= x - SLOT_WIDTH / 2 + 1e-6
        assert x + SLOT_WIDTH / 2 <= left + width + 1e-6
        assert top <= y - SLOT_HEIGHT / 2
        assert y + SLOT_HEIGHT / 2 <= top + height


@given(CELLS, IN_LINE)
def test_columns_go_to_the_right_and_rows_upwards_within_the_picture(
    cells: list[Cell], in_line: list[int]
) -> None:
    found = laid_out(cells, 8, NAMES, in_line)
    for (left, width), (following, _) in pairwise(found.columns):
        assert left + width < following
    for (top, _), (above, height) in pairwise(found.rows):
        assert above + height <= top + 1e-6
    assert sum(found.columns[-1]) <= found.width
    assert sum(found.rows[0]) <= found.height
    assert found.rows[-1][0] >= 0


@given(CELLS, st.integers(100, 1500))
def test_it_is_as_wide_as_there_is_room_for(cells: list[Cell], width: int) -> None:
    found = fitted(cells, 8, NAMES, width)
    narrowest = laid_out(cells, 8, NAMES, [1] * 5)
    assert found.width <= max(width, narrowest.width) + 1e-6


def test_components_of_a_cell_wrap_and_stand_in_the_middle() -> None:
    found = laid_out([(0, 0)] * 5, 1, ["a"], [3])
    (x0, y0), _, (x2, _), (x3, y3), (x4, _) = found.at
    assert y3 > y0
    assert x0 + x2 == x3 + x4


def test_the_widest_column_wraps_first() -> None:
    cells = [(0, 0)] * 6 + [(0, 1)] * 2
    found = fitted(cells, 1, ["a", "b"], 400)
    assert [width // SLOT_WIDTH for _, width in found.columns] == [4, 2]


def test_columns_stand_apart_where_there_is_room() -> None:
    near, far = (fitted([(0, 0), (0, 1)], 1, ["a", "b"], width) for width in (160, 600))
    assert near.columns[0] == far.columns[0]
    assert near.columns[1][0] < far.columns[1][0]


def test_a_picture_of_nothing_is_still_one() -> None:
    assert isinstance(fitted([], 0, [], 400), Layout)
