from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.prompts.template import Piece, Turn, filler, parse_ids, parse_template, token_ids
from ppcheck.spec.prompts.variable import Word

WORDS = {"dose": Word("mild", "mild"), "n": Word("5 6", "5 6")}


def test_text_is_split_at_its_variables() -> None:
    pieces = parse_template("a {dose} b{n}")
    assert pieces == (Piece("a "), Piece("", "dose"), Piece(" b"), Piece("", "n"))


def test_doubled_braces_are_braces() -> None:
    assert Turn(parse_template("{{a}} {{")).text == "{a} {"


@given(st.text())
def test_any_text_survives_once_its_braces_are_doubled(text: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert Turn(parse_template(doubled)).text == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a {dose", "a brace without its partner"),
        ("a dose}", "a brace without its partner"),
        ("a {}", "{} is not a variable"),
        ("a {0}", "{0} is not a variable"),
        ("a {dose.x}", "{dose.x} is not a variable"),
        ("a {dose[0]}", "{dose[0]} is not a variable"),
        ("a {dose!r}", "{dose} is not a variable"),
        ("a {dose:>3}", "{dose} is not a variable"),
        ("a { dose }", "{ dose } is not a variable"),
    ],
)
def test_other_braces_are_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_template(text)
    advice = "write {name} for a variable, {{ and }} for braces"
    assert str(raised.value) == f"in {text!r}: {problem}; {advice}"


def test_ids_may_have_variables_among_them() -> None:
    assert parse_ids([5, "{n}"]) == (Piece("5", None, (5,)), Piece("", "n"))


@pytest.mark.parametrize("item", ["x", "{a}{b}", "a {b}", "", "5"])
def test_an_entry_of_ids_is_an_id_or_one_variable(item: Any) -> None:
    with pytest.raises(ValueError, match=r"is neither a token id nor one {variable}$"):
        parse_ids([item])


def test_a_word_of_ids_is_one_id_or_several() -> None:
    assert token_ids("5") == (5,)
    assert token_ids(" 5  17 ") == (5, 17)


@pytest.mark.parametrize("text", ["", "a", "5 a", "-5", "5.0", "٥", "5²"])
def test_other_words_are_no_ids(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a token id, or several separated by spaces$"):
        token_ids(text)


def test_words_take_the_place_of_variables() -> None:
    fill = filler("text", WORDS)
    assert [fill(piece) for piece in parse_template("a {dose}")] == [
        Piece("a "),
        Piece("mild", "dose"),
    ]


def test_words_of_ids_take_their_place_as_ids() -> None:
    assert filler("ids", WORDS)(Piece("", "n")) == Piece("5 6", "n", (5, 6))
