from __future__ import annotations

import re
from typing import Any

import pytest

from ppcheck.spec.prompts.relation import EVERY, Relations
from ppcheck.spec.prompts.variable import Word


def words(**texts: str) -> dict[str, Word]:
    return {name: Word(text, text) for name, text in texts.items()}


@pytest.mark.parametrize(
    ("text", "first", "second", "met"),
    [
        ("x != y", "here", "there", True),
        ("x != y", "here", "here", False),
        ("x = y", "7", "7", True),
        ("x=y", "7", "7.0", False),
        ("x < y", "9", "10", True),
        ("x<y", "10", "10", False),
        ("x <= y", "10", "10", True),
        ("x > y", "-1", "-2.5", True),
        ("x >= y", "1", "2", False),
    ],
)
def test_texts_are_equal_or_not_and_numbers_have_an_order(
    text: str, first: str, second: str, *, met: bool
) -> None:
    assert Relations.parse(text).accepts(words(x=first, y=second)) is met


def test_of_several_relations_all_are_met() -> None:
    both = Relations.parse(["x != y", "x < z"])
    assert str(both) == "x != y and x < z"
    assert both.accepts(words(x="1", y="2", z="3"))
    assert not both.accepts(words(x="1", y="1", z="3"))
    assert not both.accepts(words(x="4", y="1", z="3"))
    assert EVERY.accepts({})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x == y", "'x == y' is not a relation: write \"x != y\""),
        ("x + 1 < y", "is not a relation"),
        ("x < 3", "is not a relation"),
        ("x < x", "compares 'x' with itself"),
        ([], "expected a relation or a list of them"),
        (3, "expected a relation"),
    ],
)
def test_what_is_no_relation_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Relations.parse(value)
