from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.report.text import number, printable, printable_lines


@given(st.text())
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in printable(text))


@pytest.mark.trust
@given(st.text())
def test_lines_stay_lines_and_nothing_else_steers(text: str) -> None:
    shown = printable_lines(text)
    assert shown.count("\n") == text.count("\n")
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in shown.replace("\n", ""))
    assert printable_lines(shown) == shown


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_control_characters_are_shown_as_escapes() -> None:
    assert printable("a\x1b[31mb\tc\nd") == "a\\x1b[31mb\\tc⏎d"
    assert printable("a\u202eb") == "a\\u202eb"


def test_long_text_is_cut_with_a_mark() -> None:
    assert printable("abcdef", 4) == "abc…"
    assert printable("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.123"), (-2, "-2"), (None, "∞"), (1234567.0, "1.235e+06"), (0.0, "0")],
)
def test_numbers_have_three_figures(value: float | None, text: str) -> None:
    assert number(value) == text
