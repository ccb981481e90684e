from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.prompts.selection import LabelCondition, Selection

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)
labels = st.text("ab 2'é.[", min_size=1).map(str.strip).filter(bool)
conditions = st.builds(
    LabelCondition, names, st.lists(labels, min_size=1, max_size=3).map(tuple), st.booleans()
)
selections = st.builds(Selection, names, st.lists(conditions, max_size=3).map(tuple))


@given(selections)
def test_a_selection_is_read_as_it_is_shown(selection: Selection) -> None:
    assert Selection.parse(str(selection)) == selection


def test_each_form_is_read() -> None:
    assert Selection.parse(" game ") == Selection("game")
    assert Selection.parse("game[]") == Selection("game")
    assert Selection.parse("my-game[feeling = pain | joy, dose!=faint]") == Selection(
        "my-game",
        (
            LabelCondition("feeling", ("pain", "joy")),
            LabelCondition("dose", ("faint",), negated=True),
        ),
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "'' names no prompts; write game, game[feeling=pain]"),
        ("a b", "'a b' names no prompts"),
        ("game[", "'game[' names no prompts"),
        ("game[feeling]", "'feeling' is not a condition; write game, game[feeling=pain]"),
        ("game[a=b,]", "'' is not a condition"),
        ("game[a=]", "'a=' is not a condition"),
        ("game[a=b|]", "'a=b|' leaves a class empty"),
        ("game[a>b]", "'a>b' is not a condition"),
        (["game"], "expected prompts (game, game[feeling=pain]"),
        (None, "got nothing"),
    ],
)
def test_what_is_no_selection_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        Selection.parse(value)
    assert message in str(raised.value)
