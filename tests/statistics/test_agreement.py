from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, kendalltau, spearmanr

from ppcheck.arrays import Floats
from ppcheck.statistics.agreement import auroc_ends, correlation_ends, mean_ends
from ppcheck.statistics.statistics import Auroc

TAIL = 0.025


def ends_of(exceptions: int, units: int) -> tuple[float, float]:
    means = np.where(np.arange(units) < exceptions, 1.0, 0.0)
    found = mean_ends(means, units, (0.0, 1.0), TAIL)
    assert found is not None
    return found


@pytest.mark.parametrize("units", [5, 12, 40])
def test_the_upper_end_of_rare_exceptions_is_missed_as_seldom_as_promised(units: int) -> None:
    for share in np.linspace(0.01, 0.4, 20):
        missed = sum(
            binom.pmf(k, units, share)
            for k in range((units + 1) // 2)
            if ends_of(k, units)[1] < share
        )
        assert missed <= TAIL + 1e-12


def test_the_worst_unit_is_as_far_as_the_support_reaches_until_one_is_seen() -> None:
    found = mean_ends(np.full(20, -1.0), 20, (-1.0, 1.0), TAIL)
    seen = mean_ends(np.append(np.full(19, -1.0), -0.9), 20, (-1.0, 1.0), TAIL)
    assert found is not None
    assert seen is not None
    assert found == pytest.approx((-1, -1 + 2 * (1 - TAIL ** (1 / 20))))
    assert seen[0] == -1
    assert -0.995 < seen[1] < -0.97


def test_an_end_that_units_agree_on_is_that_very_number() -> None:
    """Not a rounded one, which may lie beyond a bound that the number itself does not pass."""
    found = mean_ends(np.array([0.5] * 8 + [0.75] * 2), 10, (0.0, 1.0), TAIL)
    assert found is not None
    assert found[0] == 0.5


def test_a_rounding_error_beside_an_end_is_that_end() -> None:
    """Or a rank correlation of 1 would be certain wherever it is computed as 1 - 1e-16."""
    found = mean_ends(np.full(30, 1 - 2**-53), 30, (-1.0, 1.0), TAIL)
    assert found == pytest.approx((1 - 2 * (1 - TAIL ** (1 / 30)), 1))


def test_units_that_agree_on_a_number_beside_which_there_is_room_have_no_such_ends() -> None:
    assert mean_ends(np.full(20, 1 / 6), 20, (0.0, 1.0), TAIL) is None
    assert mean_ends(np.full(20, 1.0), 20, (-np.inf, np.inf), TAIL) is None


def test_units_that_mostly_differ_have_no_such_ends() -> None:
    assert mean_ends(np.arange(9.0), 9, (0.0, 9.0), TAIL) is None


def test_units_bad_in_both_classes_look_perfect_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(0)
    units, trials = 8, 4000
    low, _ = auroc_ends(units / 2, TAIL)
    good = rng.random((trials, units)) < np.sqrt(low) - 1e-9

    def looks_perfect(fine: Floats) -> bool:
        scores = np.concatenate([np.where(fine, 1.0, -1.0), np.where(fine, 0.0, 2.0)])
        label = np.arange(2 * units)
        auroc = Auroc(scores, label < units, label % units, "auroc")
        return float(auroc.estimate(np.ones((1, units)))[0]) == 1

    missed = sum(looks_perfect(row) for row in good) / trials
    assert TAIL - 0.008 < missed < TAIL + 0.008


@pytest.mark.parametrize("seed", range(20))
def test_a_spearman_is_no_lower_than_its_concordance_allows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=200)
    y = np.where(rng.random(200) < rng.random(), x, rng.normal(size=200))
    concordance = (kendalltau(x, y).statistic + 1) / 2
    low, high = correlation_ends(1, concordance)
    assert low - 0.02 <= spearmanr(x, y).statistic <= high
