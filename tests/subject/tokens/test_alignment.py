from __future__ import annotations

import pytest

from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.variable import Word
from ppcheck.spec.sites.position import Position
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.tokens.alignment import align
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Tokens


def side(length: int, **spans: tuple[int, ...]) -> Encoded:
    """One prompt of this length, in which variables are these tokens."""
    prompt = Prompt("ids", (), {name: Word(name, name) for name in spans}, "", {}, "")
    return Encoded((prompt,), (tuple(range(length)),), (spans,), Tokens("m", 99, 99, None))


def aligned(target: Encoded, source: Encoded, position: str) -> list[tuple[int, int]]:
    where = Position.parse(position)
    ((a, b),) = align(target, source, [Cell((), where)])[where]
    return list(zip(a.tolist(), b.tolist(), strict=True))


def test_the_tokens_of_a_list_align_part_by_part() -> None:
    target, source = side(6, x=(1, 2)), side(8, x=(3, 4))
    assert aligned(target, source, "[x, final]") == [(1, 3), (2, 4), (5, 7)]


def test_a_complement_aligns_what_stands_around_parts_of_other_lengths() -> None:
    target, source = side(5, x=(1,)), side(6, x=(1, 2))
    assert aligned(target, source, "all but x") == [(0, 0), (2, 3), (3, 4), (4, 5)]
    with pytest.raises(MeasurementError, match="all but final is 4 against 5 tokens"):
        aligned(target, source, "all but final")


def test_parts_of_other_lengths_do_not_make_up_for_each_other() -> None:
    target, source = side(6, x=(1, 2), y=(3,)), side(6, x=(1,), y=(2, 3))
    with pytest.raises(MeasurementError, match="different lengths: x is 2 against 1 tokens"):
        aligned(target, source, "[x, y]")


def test_parts_in_another_order_do_not_align() -> None:
    target, source = side(6, x=(1,)), side(6, x=(4,))
    assert aligned(target, source, "[x, 5]") == [(1, 4), (5, 5)]
    with pytest.raises(MeasurementError, match=r"parts of \[x, 3\] stand in another order"):
        aligned(target, source, "[x, 3]")
