"""Names by pattern: how many they are, in what order, and what a bad pattern is told."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.audit.pattern import MOST, expand, expand_list
from ppcheck.errors import AuditError

words = st.text(st.characters(codec="ascii", exclude_characters="{},.", categories=["L", "N"]))
numbers = st.integers(-500, 500)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("gpt2", "gpt2"),
        ("step{0..3000:1000}", "step0 step1000 step2000 step3000"),
        ("{0..5:2}", "0 2 4"),
        ("{3..1}", "3 2 1"),
        ("{10..0:5}", "10 5 0"),
        ("{000..010:5}", "000 005 010"),
        ("{8..010}", "008 009 010"),
        ("{-1..1}", "-1 0 1"),
        ("ckpt-{a,b}/{1..2}", "ckpt-a/1 ckpt-a/2 ckpt-b/1 ckpt-b/2"),
        ("demo{,@tuned}", "demo demo@tuned"),
    ],
)
def test_a_pattern_expands_as_a_shell_expands_braces(pattern: str, names: str) -> None:
    assert " ".join(expand(pattern)) == names


@given(numbers, numbers, st.integers(1, 50))
def test_a_range_starts_at_its_first_and_never_passes_its_last(
    first: int, last: int, step: int
) -> None:
    found = list(map(int, expand(f"{{{first}..{last}:{step}}}")))
    assert len(found) == abs(last - first) // step + 1
    assert found[0] == first
    assert found == sorted(found, reverse=last < first)
    assert all(min(first, last) <= each <= max(first, last) for each in found)
    assert {abs(a - b) for a, b in pairwise(found)} <= {step}


@given(st.lists(words, min_size=2, max_size=5), st.lists(words, min_size=2, max_size=5), words)
def test_lists_give_every_combination_in_order(
    one: list[str], other: list[str], between: str
) -> None:
    found = expand(f"{{{','.join(one)}}}{between}{{{','.join(other)}}}")
    assert list(found) == [f"{a}{between}{b}" for a in one for b in other]


@given(st.lists(words.filter(bool), min_size=2, max_size=8, unique=True))
def test_what_a_pattern_stands_for_is_a_pattern_of_the_same(names: list[str]) -> None:
    once = expand(f"{{{','.join(names)}}}")
    assert expand_list(",".join(once)) == once == tuple(names)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("step{0..10", "do not pair"),
        ("step0..10}", "do not pair"),
        ("{a{1..2},b}", "inside one another"),
        ("{a}", "neither a range nor a list"),
        ("{}", "neither a range nor a list"),
        ("{1..x}", "not a range of whole numbers"),
        ("{1..2:-1}", "not a range of whole numbers"),
        ("{1..2:0}", "never ends"),
        ("{0..999999999}", f"more than {MOST:,} names"),
        ("{1..200}{1..200}", f"more than {MOST:,} names"),
    ],
)
def test_a_bad_pattern_is_told_what_would_be_right(pattern: str, why: str) -> None:
    with pytest.raises(AuditError, match=r"write \{a\.\.b\}") as caught:
        expand(pattern)
    assert repr(pattern) in str(caught.value)
    assert why in str(caught.value)


def test_a_list_of_patterns_names_each_once_and_leaves_commas_in_braces_alone() -> None:
    assert expand_list("main, step{0..2}, {step1,last}") == (
        "main",
        "step0",
        "step1",
        "step2",
        "last",
    )
    with pytest.raises(AuditError, match="nothing between two commas"):
        expand_list("main,,step1")
