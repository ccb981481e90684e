from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.expectations.outcomes import OTHER, Outcomes

PATTERNS = {"three": r"\b3\b", "refusal": "can't|won't|unable"}


@pytest.mark.parametrize(
    ("reply", "first", "last"),
    [
        ("3", "three", "three"),
        ("I won't say 3", "refusal", "three"),
        ("3, but I won't; not 3 nor 13", "three", "three"),
        ("13 or 34", OTHER, OTHER),
        ("", OTHER, OTHER),
    ],
)
def test_the_outcome_is_what_is_found_first_in_the_text_or_last(
    reply: str, first: str, last: str
) -> None:
    assert Outcomes(PATTERNS).of(reply) == first
    assert Outcomes(PATTERNS, is_last=True).of(reply) == last


@pytest.mark.parametrize("is_last", [False, True])
def test_of_two_at_one_place_the_first_that_is_named_counts(is_last: bool) -> None:
    assert Outcomes({"a": "no", "b": "no way"}, is_last).of("no way") == "a"
    assert Outcomes({"b": "no way", "a": "no"}, is_last).of("no way") == "b"


def test_only_what_follows_a_marker_is_read() -> None:
    outcomes = Outcomes(PATTERNS, after="</think>")
    assert outcomes.of("3 would do. </think> I won't") == "refusal"
    assert outcomes.of("3 would do, I wo") == OTHER


@given(st.text())
def test_every_text_has_one_of_the_named_outcomes(reply: str) -> None:
    for is_last in (False, True):
        assert Outcomes(PATTERNS, is_last).of(reply) in Outcomes(PATTERNS).names


@pytest.mark.parametrize(
    ("name", "pattern", "message"),
    [
        ("a", "(?=3)", r"'\(\?=3\)' is not a regular expression: invalid perl operator: \(\?="),
        ("a", "(3", "missing"),
        ("a", "x*", "every reply"),
        (OTHER, "3", "another name"),
        ("no answer", "3", "as in no_answer"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_named(name: str, pattern: str, message: str) -> None:
    (fault,) = Outcomes({"fine": "3", name: pattern}).faults()
    assert fault[0] == name
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(fault[1])


def test_what_matches_an_empty_reply_alone_is_a_pattern() -> None:
    outcomes = Outcomes({"silence": r"^\s*$"})
    assert not list(outcomes.faults())
    assert [outcomes.of(reply) for reply in ("", " \n", "a")] == ["silence", "silence", OTHER]


def test_no_pattern_makes_a_run_hang() -> None:
    """Where patterns are tried one way after another these ways are more than can be tried."""
    assert Outcomes({"a": "(a|a)*(a|a)*(a|a)*b"}).of("a" * 5000) == OTHER
