from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.range import Range

TEXTS = [">= 0.3", "> 0.3", "<= 0.3", "< 0.3", "0.3..0.6", "0.3..0.3", "0.4 ± 0.1"]
bounds = st.sampled_from(TEXTS).map(Bound.parse)
# Values on, near and far from the edges of these bounds.
numbers = st.sampled_from([0.3, 0.5, 0.6, math.nextafter(0.3, 0), math.inf, -math.inf]) | st.floats(
    -2, 2
)
intervals = st.tuples(numbers, numbers).map(sorted)


@pytest.mark.parametrize(
    ("text", "low", "high", "low_open", "high_open"),
    [
        (">= 0.3", 0.3, math.inf, False, False),
        ("> 1e-3", 0.001, math.inf, True, False),
        ("<= -0.8", -math.inf, -0.8, False, False),
        ("<0", -math.inf, 0, False, True),
        (" 0.2..0.6 ", 0.2, 0.6, False, False),
        ("-2 .. -.5", -2, -0.5, False, False),
        ("0.614 ± 0.01", 0.604, 0.624, False, False),
        ("0.614 +- 0.01", 0.604, 0.624, False, False),
        ("-1+/-2", -3, 1, False, False),
    ],
)
def test_each_form_is_read(
    text: str, low: float, high: float, low_open: bool, high_open: bool
) -> None:
    assert Bound.parse(text) == Bound(low, high, low_open, high_open, text.strip())


def test_edges_are_the_decimal_numbers_as_written() -> None:
    assert Bound.parse("0.3 ± 0.1").low == 0.2 != 0.3 - 0.1


@pytest.mark.parametrize("text", TEXTS)
def test_a_bound_shows_the_text_it_was_written_as(text: str) -> None:
    assert str(Bound.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("..", "not a bound"),
        ("0.2..", "not a bound"),
        ("0.3", "not a bound"),
        ("== 0.3", "not a bound"),
        ("=> 0.3", "not a bound"),
        (">= 0.3 < 4", "not a bound"),
        (">= 1_000", "not a bound"),
        (">= ٣", "not a bound"),
        ("0.6..0.2", "0.6 is above 0.2"),
        ("0.6 ± -0.1", "the tolerance -0.1 is negative"),
        (">= nan", "finite"),
        ("< -inf", "finite"),
        ("0..Infinity", "finite"),
        (">= 1e400", "1e400 is too large"),
        ("0 ± 1e99999999999999999999", "too large"),
    ],
)
def test_what_is_no_bound_is_refused_with_the_reason_and_the_accepted_forms(
    text: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=r"write .*0\.614 ± 0\.01") as refused:
        Bound.parse(text)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("text", "interval", "verdict"),
    [
        (">= 0.3", (0.3, 0.9), "holds"),
        (">= 0.3", (0.1, 0.2), "fails"),
        (">= 0.3", (0.1, 0.3), "inconclusive"),
        ("> 0.3", (0.3, 0.9), "inconclusive"),
        ("> 0.3", (0.1, 0.3), "fails"),
        ("< 0", (-0.2, -0.1), "holds"),
        ("< 0", (0.0, 0.1), "fails"),
        ("0.2..0.6", (0.2, 0.6), "holds"),
        ("0.2..0.6", (0.1, 0.7), "inconclusive"),
        ("0.2..0.6", (0.61, 0.7), "fails"),
        (">= 0.3", (-math.inf, math.inf), "inconclusive"),
    ],
)
def test_an_interval_holds_inside_fails_outside_and_is_inconclusive_across(
    text: str, interval: tuple[float, float], verdict: str
) -> None:
    assert Bound.parse(text).verdict(*interval) == verdict


@given(bounds, numbers)
def test_a_point_holds_exactly_when_the_bound_contains_it_and_fails_otherwise(
    bound: Bound, value: float
) -> None:
    assert bound.verdict(value, value) == ("holds" if bound.contains(value) else "fails")


@given(bounds, intervals, intervals)
def test_widening_an_interval_only_ever_makes_it_inconclusive(
    bound: Bound, one: list[float], other: list[float]
) -> None:
    wide = bound.verdict(min(one[0], other[0]), max(one[1], other[1]))
    assert wide in {bound.verdict(*one), "inconclusive"}


@given(bounds, intervals, st.floats(0, 1))
def test_a_decided_interval_decides_each_of_its_values_alike(
    bound: Bound, interval: list[float], share: float
) -> None:
    low, high = interval
    value = low if math.isinf(low) or math.isinf(high) else low + share * (high - low)
    if (verdict := bound.verdict(low, high)) != "inconclusive":
        assert bound.contains(min(value, high)) == (verdict == "holds")


@pytest.mark.parametrize("text", TEXTS)
def test_nan_is_never_judged(text: str) -> None:
    bound = Bound.parse(text)
    for judged in [(math.nan, 1.0), (0.5, math.nan), (math.nan, math.nan)]:
        with pytest.raises(ValueError, match="NaN"):
            bound.verdict(*judged)
    with pytest.raises(ValueError, match="NaN"):
        bound.contains(math.nan)


def test_an_interval_that_runs_backwards_is_never_judged() -> None:
    with pytest.raises(ValueError, match="backwards"):
        Bound.parse(">= 0").verdict(2, 1)


def test_the_nearest_edge_is_the_finite_end_closest_to_the_estimate() -> None:
    assert Bound.parse(">= 0.3").nearest_edge(9) == 0.3
    assert Bound.parse("0.2..0.6").nearest_edge(0.3) == 0.2
    assert Bound.parse("0.2..0.6").nearest_edge(0.5) == 0.6


def test_reading_a_bound_loads_neither_numpy_nor_scipy() -> None:
    module = "ppcheck.spec.expectations.bound"
    code = f"import sys, {module}; print(sorted({{'numpy', 'scipy'}} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


edges = st.sampled_from([-1.0, 0.0, 0.2, 0.3, 0.6, 1.0])
ranges = st.builds(
    lambda ends, is_open: Range(ends[0], ends[1], open=is_open),
    st.tuples(edges, edges).map(sorted).filter(lambda ends: ends[0] < ends[1]),
    st.booleans(),
)


@given(bounds, ranges, st.floats(0, 1))
def test_a_bound_that_accepts_a_whole_range_accepts_each_of_its_values(
    bound: Bound, values: Range, place: float
) -> None:
    value = values.low + place * (values.high - values.low)
    reached = values.low < value < values.high or not values.open
    if reached and value in values:
        assert bound.contains(value) or not bound.accepts_all(values)
        assert not bound.contains(value) or not bound.accepts_none(values)


@pytest.mark.parametrize(
    ("text", "accepts_all", "accepts_none"),
    [
        (">= 0", True, False),
        ("> 0", False, False),
        ("0..1", True, False),
        ("<= 0.5", False, False),
        ("> 1", False, True),
        (">= 1", False, False),
        ("1.5..2", False, True),
    ],
)
def test_a_range_may_be_accepted_whole_in_part_or_not_at_all(
    text: str, accepts_all: bool, accepts_none: bool
) -> None:
    bound, values = Bound.parse(text), Range(0, 1)
    assert (bound.accepts_all(values), bound.accepts_none(values)) == (accepts_all, accepts_none)


def test_an_end_that_is_never_reached_need_not_be_accepted() -> None:
    assert Bound.parse("> 0").accepts_all(Range(0, 1, open=True))
    assert Bound.parse("<= 0").accepts_none(Range(0, 1, open=True))
