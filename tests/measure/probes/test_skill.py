from __future__ import annotations

import numpy as np
import pytest

from ppcheck.judge.interval import interval
from ppcheck.measure.probes.skill import CrossValidated, Lead
from ppcheck.statistics.first_layer import PeakLayer
from ppcheck.statistics.statistics import Mean


def test_units_that_agree_on_a_lead_leave_room_for_others() -> None:
    ends = Lead(np.zeros(40), np.arange(40), "over_words").exceptions(0.025)
    assert ends == pytest.approx((-0.0881, 0.0881), abs=1e-4)
    full = Lead(np.ones(40), np.arange(40), "over_words").exceptions(0.025)
    assert full == pytest.approx((1 - 2 * 0.0881, 1), abs=1e-4)
    mixed = Lead(np.tile([0.0, 1.0], 20), np.arange(40), "over_words")
    assert mixed.exceptions(0.025) is None


def test_intervals_are_wider_than_those_of_as_many_independent_units() -> None:
    """By the root of 1 + k / (k - 1), in every k of folds; the estimate is the same."""
    observed, units = np.tile([0.0, 0.25, 1.0, 0.75, 0.5], 8), np.arange(40)
    plain = Mean(observed, units, "accuracy", support=(0.0, 1.0))
    narrow = interval(plain, seed=0)
    for folds, widening in ((2, 3**0.5), (5, 1.5)):
        wide = interval(CrossValidated(plain, folds), seed=0)
        assert wide.estimate == narrow.estimate
        assert wide.method == narrow.method
        assert wide.high - wide.low == pytest.approx(widening * (narrow.high - narrow.low))


def test_layers_are_widened_by_what_their_sums_move() -> None:
    merits = np.array([[1.0, 0.6], [0.0, 0.6]])
    peak = CrossValidated(PeakLayer(merits, np.arange(2), "peak_layer"), 5)
    assert peak.estimate(np.array([[1.0, 1.0], [1.1, 0.9], [1.2, 0.8]])).tolist() == [1, 1, 0]
    assert peak.error(np.ones((1, 2))) is None
