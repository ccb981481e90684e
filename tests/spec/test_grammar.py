from __future__ import annotations

from typing import Any

import pytest

from ppcheck.spec.grammar import as_text, as_word, shown, suggest


def test_a_near_word_is_suggested() -> None:
    assert suggest("pach", ["choice", "patch"]) == "did you mean 'patch'?"


def test_where_nothing_is_near_the_choice_is_listed() -> None:
    assert suggest("zzz", ["choice", "patch"]) == "there is choice, patch"
    assert suggest("zzz", []) == "there is none"


def test_a_long_list_is_cut_short() -> None:
    advice = suggest("zzz", [f"word{number}" for number in range(1000)])
    assert advice.startswith("there is word0, word1")
    assert advice.endswith("word14, ...")


def test_a_word_as_long_as_a_file_is_not_compared_letter_by_letter() -> None:
    long = "a" * 1_000_000
    assert suggest(long, [long[1:], "b"]) == "there is b"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "nothing"), (True, "true"), (1, "1"), ("a", "'a'"), ("a" * 90, f"'{'a' * 59}...")],
)
def test_values_are_shown_short_and_in_words_of_yaml(value: Any, text: str) -> None:
    assert shown(value) == text


def test_text_is_stripped_and_nothing_else_is_text() -> None:
    assert as_text(" a ", "a metric") == "a"
    with pytest.raises(ValueError, match=r"^expected a metric, got \['a'\]$"):
        as_text(["a"], "a metric")


@pytest.mark.parametrize(("value", "word"), [("a", "a"), ("", ""), (2, "2"), (1.5, "1.5")])
def test_words_are_texts_and_numbers(value: Any, word: str) -> None:
    assert as_word(value) == word


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (False, 'no, off and false are read as a truth value: put the word in quotes, "no"'),
        (True, 'yes, on and true are read as a truth value: put the word in quotes, "yes"'),
        (None, 'nothing stands where a word should: for the word null write "null"'),
        (["a"], "expected a word, got ['a']"),
    ],
)
def test_what_is_no_word_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        as_word(value)
    assert str(raised.value) == message
