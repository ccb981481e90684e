from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.measure.circuits.faithfulness import FRACTIONS, Beaten, Deviation, areas, first_nodes
from ppcheck.spec.sites.site import Kind, Site


@given(st.integers(1, 3000))
def test_a_curve_keeps_whole_nodes_rounded_down(size: int) -> None:
    nodes = [Site(Kind.HEAD, number, 0) for number in range(size)]
    counts = [len(some) for some in first_nodes(nodes)]
    assert counts == [
        size * thousandths // 1000 for thousandths in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    ]


def test_areas_are_those_of_trapezoids() -> None:
    heights = np.random.default_rng(0).normal(size=len(FRACTIONS))
    assert areas() @ heights == pytest.approx(np.trapezoid(heights, FRACTIONS))


def test_the_deviation_is_that_of_the_summed_curve() -> None:
    rng = np.random.default_rng(1)
    gaps, units = rng.normal(3, 1, 40), np.repeat(np.arange(10), 4)
    missing = rng.normal(0.5, 1, (len(FRACTIONS), 40))
    statistic = Deviation(missing, gaps, units, "cmd")
    weights = rng.integers(0, 3, (5, 10)).astype(float)
    by_hand = [
        np.trapezoid(np.abs(missing @ row[units] / (gaps @ row[units])), FRACTIONS)
        for row in weights
    ]
    np.testing.assert_allclose(statistic.estimate(weights), by_hand)
    whole = statistic.estimate(np.ones((1, 10)))[0]
    assert statistic.values().mean() == pytest.approx(whole)
    assert np.isnan(Deviation(missing, gaps - gaps, units, "cmd").estimate(weights)).all()


def test_a_circuit_beats_those_that_are_further_from_the_whole_model_on_either_side() -> None:
    units = np.arange(12)
    own = np.full(12, 0.3)
    others = np.array([np.full(12, far) for far in (0.5, -0.5, 0.1, 0.3)])
    statistic = Beaten(own, others, units, "beats_random")
    assert statistic.estimate(np.ones((1, 12)))[0] == (1 + 1 + 0 + 0.5) / 4
    assert statistic.exceptions(0.025) is None
    sure = Beaten(own, others[:2], units, "beats_random")
    assert sure.exceptions(0.025) == pytest.approx((0.025 ** (1 / 2), 1))
    beaten = Beaten(own, others[[2]], units, "beats_random")
    assert beaten.exceptions(0.1) == pytest.approx((0, 0.9))
    many = Beaten(own, np.tile(others[0], (40, 1)), units, "beats_random")
    assert many.exceptions(0.025) == pytest.approx((0.025 ** (1 / 12), 1))
