from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ppcheck.errors import MeasurementError
from ppcheck.judge.interval import interval
from ppcheck.statistics.first_layer import FirstLayer, PeakLayer, Settled

MARGINS = arrays(np.float64, (6, 4), elements=st.integers(-5, 5).map(float))
GAPS = arrays(np.float64, 6, elements=st.integers(-5, 5).map(float))


def layer_of(margins: Any, gaps: Any, units: Any, weights: Any = None) -> float:
    statistic = FirstLayer(margins, gaps, units, "handover")
    counts = np.ones((1, statistic.n_units)) if weights is None else np.array([weights])
    return float(statistic.estimate(counts)[0])


def by_hand(margins: Any, gaps: Any) -> float:
    if gaps.sum() == 0:
        return float("nan")
    for layer in range(margins.shape[1]):
        if margins[:, layer].sum() * np.sign(gaps.sum()) > 0:
            return float(layer)
    return float(margins.shape[1])


@given(MARGINS, GAPS)
def test_it_is_the_first_layer_whose_total_margin_has_the_gaps_sign(
    margins: Any, gaps: Any
) -> None:
    found = layer_of(margins, gaps, np.arange(6))
    np.testing.assert_equal(found, by_hand(margins, gaps))


@given(MARGINS, GAPS, st.sampled_from([0.25, 2.0, 8.0]))
def test_neither_the_metrics_sign_nor_its_scale_matters(
    margins: Any, gaps: Any, scale: float
) -> None:
    units = np.arange(6)
    expected = layer_of(margins, gaps, units)
    np.testing.assert_equal(layer_of(-margins, -gaps, units), expected)
    np.testing.assert_equal(layer_of(scale * margins, scale * gaps, units), expected)


@given(MARGINS, GAPS, st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_a_weight_of_two_is_a_unit_that_stands_twice(
    margins: Any, gaps: Any, weights: list[int]
) -> None:
    units = np.repeat(np.arange(3), 2)
    rows = np.concatenate([np.tile(np.flatnonzero(units == u), w) for u, w in enumerate(weights)])
    weighted = layer_of(margins, gaps, units, list(map(float, weights)))
    total = gaps[rows.astype(int)].sum()
    if np.sign(total) != np.sign(gaps.sum()) or total == 0:
        assert np.isnan(weighted)
    else:
        assert weighted == by_hand(margins[rows.astype(int)], gaps[rows.astype(int)])


def test_layers_on_which_units_disagree_are_all_in_the_interval() -> None:
    half = np.repeat([[-1.0, 1.2, 3.0], [0.9, 1.2, 3.0]], 20, axis=0)
    mixed = FirstLayer(half, np.ones(40), np.arange(40), "handover")
    found = interval(mixed, seed=0)
    assert (found.estimate, found.low, found.high) == (1, 0, 1)
    agreed = FirstLayer(half[:20], np.ones(20), np.arange(20), "handover")
    found = interval(agreed, seed=0)
    assert (found.low, found.high) == (1, 1)


def test_without_a_gap_there_is_no_layer() -> None:
    gaps = np.tile([1.0, -1.0], 20)
    gaps[0] = 1.5
    statistic = FirstLayer(np.ones((40, 3)), gaps, np.arange(40), "handover")
    found = interval(statistic, seed=0)
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_each_pair_shows_its_own_layer() -> None:
    margins = np.array([[-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    statistic = FirstLayer(margins, np.array([1.0, 1.0, 1.0, -1.0]), np.arange(4), "handover")
    assert statistic.values().tolist() == [1, 0, 2, 1]
    assert statistic.support == (0, 2)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(MeasurementError, match="handover: observed is not finite in 1 of 2"):
        FirstLayer(np.array([[1.0], [np.nan]]), np.ones(2), np.arange(2), "handover")


@given(MARGINS, GAPS)
def test_settled_is_the_first_layer_from_which_on_the_sign_is_the_gaps(
    margins: Any, gaps: Any
) -> None:
    statistic = Settled(margins, gaps, np.arange(6), "decided_at")
    found = float(statistic.estimate(np.ones((1, 6)))[0])
    totals = margins.sum(axis=0) * np.sign(gaps.sum())
    since = [layer for layer in range(5) if all(totals[layer:] > 0)]
    np.testing.assert_equal(found, since[0] if gaps.sum() else np.nan)


def test_what_comes_and_goes_has_not_settled() -> None:
    margins = np.array([[1.0, -1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, -1.0]])
    statistic = Settled(margins, np.ones(3), np.arange(3), "decided_at")
    assert statistic.values().tolist() == [2, 0, 3]


def test_the_peak_is_the_first_layer_of_the_largest_total_of_each_resample() -> None:
    merits = np.array([[0.0, 1, 1], [1, 0, 0], [0, 1, 1]])
    peak = PeakLayer(merits, np.arange(3), "peak_layer")
    assert peak.estimate(np.array([[1.0, 1, 1], [0, 3, 0], [1, 2, 0]])).tolist() == [1, 0, 0]
    assert peak.values().tolist() == [1, 0, 1]
    assert peak.support == (0, 2)
