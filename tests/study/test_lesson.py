from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ppcheck.study.lesson import Lesson, preferred

UTILITIES = st.dictionaries(st.sampled_from("abcd"), st.floats(-50, 50), min_size=1)


@given(UTILITIES, st.floats(0.1, 5))
def test_preferences_add_up_to_1_and_rise_with_utility(
    utilities: dict[str, float], temperature: float
) -> None:
    shares = preferred(utilities, temperature)
    assert math.isclose(sum(shares.values()), 1)
    by_utility = sorted(utilities, key=lambda name: utilities[name])
    assert [shares[name] for name in by_utility] == sorted(shares.values())


def test_odds_are_utilities_over_the_temperature() -> None:
    shares = preferred({"a": 3.0, "b": 2.0}, 0.5)
    assert math.isclose(math.log(shares["a"] / shares["b"]), 2.0)


def test_the_likeliest_answer_is_the_one_with_the_largest_share() -> None:
    assert Lesson("", {"a": 0.2, "b": 0.5, "c": 0.3}).likeliest == "b"
