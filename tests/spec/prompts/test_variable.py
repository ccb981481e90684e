from __future__ import annotations

from typing import Any

import pytest

from ppcheck.spec.prompts.variable import Variable, Word


def test_plain_words_are_their_own_labels() -> None:
    variable = Variable.parse(["tea", 2])
    assert variable == Variable("plain", (Word("tea", "tea"), Word("2", "2")))


def test_words_of_classes_have_a_place_in_their_class() -> None:
    variable = Variable.parse({"pain": ["ache", "sting"], "joy": ["glee"]})
    assert variable.role == "classes"
    assert [(word.text, word.label, word.rank) for word in variable.words] == [
        ("ache", "pain", 0),
        ("sting", "pain", 1),
        ("glee", "joy", 0),
    ]
    assert variable.labels == ("pain", "joy")


def test_ordered_words_have_doses_from_one() -> None:
    words = Variable.parse({"ordered": ["mild", "strong"]}).words
    assert [(word.text, word.label, word.dose) for word in words] == [
        ("mild", "mild", 1.0),
        ("strong", "strong", 2.0),
    ]


def test_doses_may_be_given() -> None:
    words = Variable.parse({"ordered": ["a", "b", "c"], "doses": [-1, 0.5, 8]}).words
    assert [word.dose for word in words] == [-1.0, 0.5, 8.0]


def test_a_word_may_be_its_own_class() -> None:
    assert Variable.parse({"pain": ["pain", "ache"]}).labels == ("pain",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tea", "a variable is a list of words, classes of words {pain: [ache], neutral: [hum]}"),
        ({}, "a variable is a list of words"),
        (None, "got nothing"),
        ([], "an empty list of words makes an empty grid: give at least one"),
        ({"pain": []}, "class 'pain': an empty list of words makes an empty grid"),
        ({"pain": "ache"}, "class 'pain': expected a list of words, got 'ache'"),
        ({"ordered": []}, "an empty list of words makes an empty grid"),
        ([["a"], "b"], r"expected a word, got ['a']"),
        (["a", "b", "a"], "the word 'a' stands more than once"),
        ({"pain": ["ache"], "joy": ["ache"]}, "the word 'ache' stands more than once"),
        ({"pain": ["joy"], "joy": ["glee"]}, "'joy' is a word of class 'pain' and itself a class"),
        ({"ordered": ["a"], "dose": [1]}, "beside `ordered` only `doses` may stand, not 'dose'"),
        ({"ordered": ["a", "b"], "doses": [1]}, "`doses` must be 2 rising numbers, one for each"),
        ({"ordered": ["a", "b"], "doses": [2, 1]}, "2 rising numbers, one for each word; got [2,"),
        ({"ordered": ["a", "b"], "doses": [1, 1]}, "2 rising numbers"),
        ({"ordered": ["a", "b"], "doses": [1, True]}, "2 rising numbers"),
        ({"ordered": ["a", "b"], "doses": ["x", 1]}, "2 rising numbers"),
        ({"ordered": ["a", "b"], "doses": [1, float("inf")]}, "2 rising numbers"),
        ({"ordered": ["a"], "doses": [float("nan")]}, "1 rising numbers"),
        ({"ordered": ["a", "b"], "doses": 3}, "2 rising numbers, one for each word; got 3"),
    ],
)
def test_what_is_no_variable_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        Variable.parse(value)
    assert message in str(raised.value)


def test_variables_that_differ_in_class_or_dose_differ_as_text() -> None:
    variables = [
        Variable.parse(["a", "b"]),
        Variable.parse({"x": ["a", "b"]}),
        Variable.parse({"x": ["a"], "y": ["b"]}),
        Variable.parse({"ordered": ["a", "b"]}),
        Variable.parse({"ordered": ["a", "b"], "doses": [1, 3]}),
    ]
    assert len(set(map(str, variables))) == len(variables)


def test_many_words_are_read_at_once() -> None:
    assert len(Variable.parse([f"w{number}" for number in range(100_000)]).words) == 100_000
