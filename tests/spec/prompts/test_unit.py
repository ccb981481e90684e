from __future__ import annotations

import hashlib
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.prompts.unit import halves, merged

pytestmark = pytest.mark.trust

some = st.lists(st.tuples(st.sampled_from("stuvwxyz"), st.integers(0, 12)), min_size=1, max_size=20)


def order(unit: str) -> bytes:
    return hashlib.sha256(unit.encode()).digest()


def test_units_that_share_an_example_are_one_also_by_way_of_others() -> None:
    units = ["c", "c", "a", "a", "b", "d"]
    examples = [1, 2, 2, 3, 3, 4]
    assert merged(units, examples) == ["a", "a", "a", "a", "a", "d"]


def test_a_pair_is_shared_only_if_both_its_prompts_are() -> None:
    assert merged(["a", "b", "c"], [1, 1, 1], [5, 6, 6]) == ["a", "b", "b"]


def test_units_without_a_common_example_stay_as_they_are() -> None:
    assert merged(["b", "a", "b"], [1, 2, 3]) == ["b", "a", "b"]


@given(some)
def test_equal_examples_are_never_of_two_units_and_no_unit_is_torn(
    pairs: list[tuple[str, int]],
) -> None:
    units, examples = zip(*pairs, strict=True)
    of_example, of_unit = defaultdict(set), defaultdict(set)
    for unit, example, one in zip(units, examples, merged(units, examples), strict=True):
        of_example[example].add(one)
        of_unit[unit].add(one)
    assert all(len(each) == 1 for each in (*of_example.values(), *of_unit.values()))


@given(some.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))))
def test_a_unit_has_the_same_name_in_whatever_order_examples_come(
    orders: tuple[list[tuple[str, int]], list[tuple[str, int]]],
) -> None:
    named = [dict(zip(pairs, merged(*zip(*pairs, strict=True)), strict=True)) for pairs in orders]
    assert named[0] == named[1]


@given(some)
def test_no_text_stands_in_both_halves_whatever_its_spacing(pairs: list[tuple[str, int]]) -> None:
    units = [unit for unit, _ in pairs]
    texts = [f"say{' ' * (number % 3 + 1)}word {number}" for _, number in pairs]
    spaced = [
        f" {text}" if unit in "stu" else text for unit, text in zip(units, texts, strict=True)
    ]
    one, other = halves(units, spaced, order)
    seen = [
        {text.strip() for unit, text in zip(units, texts, strict=True) if unit in half}
        for half in (one, other)
    ]
    assert not seen[0] & seen[1]
    assert one | other == set(units)
    assert not one & other


def test_units_that_repeat_nothing_take_turns() -> None:
    units = [f"u{number}" for number in range(9)]
    one, other = halves(units, units, order)
    in_turn = sorted(units, key=order)
    assert (one, other) == (set(in_turn[::2]), set(in_turn[1::2]))
