from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ppcheck.measure.core.check import CheckResult, statistic_result
from ppcheck.measure.core.facts import Curve, Facts
from ppcheck.measure.core.strength import Strength, Strengths
from ppcheck.measure.probes.skill import CrossValidated
from ppcheck.record.pack import packed, unpacked
from ppcheck.statistics.statistics import Gap, Mean, Ratio

TEXTS = st.lists(st.text()).map(tuple)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | TEXTS
TREES = st.recursive(
    LEAVES,
    lambda each: st.lists(each).map(tuple) | st.dictionaries(st.text(), each),
    max_leaves=12,
)
ARRAYS = st.sampled_from(["<f8", "<i8", "|b1", "<f4"]).flatmap(
    lambda kind: arrays(kind, array_shapes(min_dims=0, min_side=0))
)


@given(TREES)
def test_values_come_back_as_they_were(value: Any) -> None:
    found = unpacked(packed(value))
    assert found == value
    assert repr(found) == repr(value)  # -0.0, and True for 1


@given(ARRAYS, st.booleans())
def test_arrays_come_back_bit_by_bit_and_in_one_piece(array: Any, turned: bool) -> None:
    given_array = array.T[::-1] if turned and array.ndim else array
    found, again = unpacked(packed((given_array, given_array.copy())))
    assert found.tobytes() == given_array.tobytes()
    assert (found.dtype, found.shape) == (given_array.dtype, given_array.shape)
    assert found.flags.c_contiguous
    assert found.flags.aligned
    assert found is again


@given(st.data())
def test_a_part_of_what_was_packed_is_refused(data: st.DataObject) -> None:
    whole = packed((np.arange(3.0), ("a", "b"), Gap("gap", 1.0, 0.5)))
    kept = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError):
        unpacked(whole[:kept])


def test_a_result_comes_back_with_its_statistics_and_facts() -> None:
    values, units = np.array([1.0, 2.0, 4.0, 3.0, 5.0, 9.0]), np.arange(6)
    ratio = Ratio(values, values + 1, units, "r2", step=1e-6, gap=Gap("gap", 2.0, 0.1))
    mean = Mean(values, units, "mean", "L0H1", support=(-math.inf, 9.0))
    facts = Facts(
        curves={"p": Curve(x=(0, 1), y=(0.1, None))}, prompts=6, extras={"mine": [1, {"a": None}]}
    )
    statistics = [statistic_result(one, "abcdef") for one in (CrossValidated(ratio, 5), mean)]
    result = CheckResult(tuple(statistics), facts, ("a note",))
    found = unpacked(packed(result))
    assert found.facts.model_dump_json() == facts.model_dump_json()
    assert found.notes == ("a note",)
    weights = np.array([[1.0, 1, 1, 1, 1, 1], [0, 2, 1, 3, 0, 0]])
    for one, other in zip(found.statistics, statistics, strict=True):
        assert type(one.statistic) is type(other.statistic)
        assert one.statistic.estimate(weights).tobytes() == (
            other.statistic.estimate(weights).tobytes()
        )
        assert (one.statistic.support, one.statistic.gap) == (
            other.statistic.support,
            other.statistic.gap,
        )
        assert one.examples == other.examples


def test_what_two_statistics_share_is_held_once_and_is_shared_again() -> None:
    shown, whole = np.ones((1, 40, 100)), np.ones((1, 100))
    units = tuple(map(str, range(100)))
    shared = Strengths(units, shown, whole, np.array([1.0]), np.array([0.0]))
    both = tuple(Strength(shared, site, "strength", str(site)) for site in range(40))
    data = packed(both)
    assert len(data) < 1.5 * shown.nbytes
    found = unpacked(data)
    assert all(one.of is found[0].of for one in found)
    assert [one.site for one in found] == list(range(40))


@dataclass(frozen=True)
class Foreign:
    """A dataclass of no module whose dataclasses are kept."""

    number: int


@pytest.mark.parametrize("value", [Foreign(1), {1, 2}, np.array([None]), b"bytes"])
def test_what_could_not_be_made_again_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be kept"):
        packed((1, value))


@pytest.mark.parametrize(
    ("home", "name"),
    [
        ("subprocess", "Popen"),
        ("ppcheck.cli.audit", "run"),
        ("ppcheck.measure.core.check", "math"),
        ("ppcheck.measure.core.check", "no_such"),
        ("ppcheck.measure.no_such", "Mean"),
    ],
)
def test_nothing_but_dataclasses_of_results_is_made(home: str, name: str) -> None:
    head = [{"object": 0}, [[home, name, {}]], [], []]
    with pytest.raises(ValueError, match="not packed here"):
        unpacked(json.dumps(head).encode() + b"\n")
