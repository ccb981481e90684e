from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.interval import Estimate, interval
from ppcheck.statistics.member_difference import MemberDifference
from ppcheck.statistics.statistics import Auroc, Gap, Mean, Proportion, Ratio

NAME = "share[L1H0] - share[L0H1]"


def ends(found: Estimate) -> tuple[float, float, float]:
    return found.estimate, found.low, found.high


def shares(rng: np.random.Generator, units: int) -> tuple[Ratio, Ratio, Floats]:
    """Two shares, 0.5 and 0.4, of one gap that differs widely from unit to unit; and the gap."""
    gap = rng.lognormal(0, 0.6, size=units)
    parts = [share * gap + rng.normal(0, 0.2, size=units) for share in (0.5, 0.4)]
    first, second = (
        Ratio(part, gap, np.arange(units), "share", member)
        for part, member in zip(parts, ("L1H0", "L0H1"), strict=True)
    )
    return first, second, gap


@given(seed=st.integers(0, 2**16), units=st.integers(5, 40))
@settings(max_examples=25, deadline=None)
def test_the_difference_of_two_shares_of_one_gap_is_the_share_of_the_difference(
    seed: int, units: int
) -> None:
    first, second, gap = shares(np.random.default_rng(seed), units)
    direct = Ratio(first.numerator - second.numerator, gap, first.units, "share")
    found = interval(MemberDifference(first, second, NAME), seed=0)
    assert ends(found) == pytest.approx(ends(interval(direct, seed=0)), rel=1e-6, abs=1e-9)


@given(seed=st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_the_difference_of_two_means_is_the_mean_of_paired_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = rng.permutation(np.arange(24) % 7)
    one, other = rng.normal(size=24), rng.normal(size=24)
    paired = MemberDifference(Mean(one, units, "drop", "A"), Mean(other, units, "drop", "B"), NAME)
    direct = Mean(one - other, units, "drop")
    assert ends(interval(paired, seed=0)) == pytest.approx(ends(interval(direct, seed=0)))
    assert paired.values() == pytest.approx(direct.values())


def test_its_error_is_that_of_paired_residuals() -> None:
    first, second, gap = shares(np.random.default_rng(1), 30)
    found = MemberDifference(first, second, NAME)
    moved = first.numerator - second.numerator
    residuals = moved - moved.sum() / gap.sum() * gap
    error = np.sqrt((residuals**2).sum() * 30 / 29) / gap.sum()
    whole = found.error(np.ones((1, 30)))
    assert whole is not None
    assert whole[0] == pytest.approx(error)


def test_what_is_common_to_a_unit_does_not_count() -> None:
    """Each mean is uncertain by 0.4 and more; that one is larger, by 0.1, is sure."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, 1, size=40)
    one, other = (
        Mean(common + shift + rng.normal(0, 0.05, size=40), np.arange(40), "drop", member)
        for shift, member in ((0.6, "A"), (0.5, "B"))
    )
    assert interval(one, seed=0).low < interval(other, seed=0).high - 0.4
    assert interval(MemberDifference(one, other, NAME), seed=0).low > 0.05


def test_where_both_are_perfect_units_that_were_not_seen_may_still_differ() -> None:
    one, other = (Proportion(np.ones(10), np.arange(10), "rate", member) for member in "AB")
    found = interval(MemberDifference(one, other, NAME), seed=0)
    reach = 1 - 0.0125 ** (1 / 10)
    assert found.method == "agreement"
    assert ends(found) == pytest.approx((0, -reach, reach))


def test_a_statistic_without_an_error_of_its_own_gets_a_bca_interval() -> None:
    rng = np.random.default_rng(2)
    positive, units = np.arange(60) % 2 == 0, np.arange(60) // 2
    one, other = (
        Auroc(rng.normal(size=60) + shift * positive, positive, units, "auroc", member)
        for shift, member in ((2.0, "A"), (0.0, "B"))
    )
    found = MemberDifference(one, other, NAME)
    assert found.error(np.ones((1, 30))) is None
    assert interval(found, seed=0).method == "bca"
    assert found.support == pytest.approx((-1, 1))
    assert interval(found, seed=0).low > 0.1


def test_it_is_a_share_of_a_gap_only_where_both_sides_are() -> None:
    units, values = np.arange(6), np.linspace(1, 2, 6)
    wide, narrow = Gap("gap", 1.0, 0.1), Gap("gap", 0.01, 0.1)
    one, other = (Ratio(values, values, units, "s", gap=gap) for gap in (wide, narrow))
    assert MemberDifference(one, other, NAME).gap == narrow
    assert MemberDifference(one, one, NAME).gap == wide


def test_rounding_moves_both_sides() -> None:
    one, other = (Mean(np.arange(6.0), np.arange(6), "drop", m, step=0.25) for m in "AB")
    found = interval(MemberDifference(one, other, NAME), seed=0)
    assert ends(found) == (0, -0.5, 0.5)


def test_members_of_other_units_cannot_be_paired() -> None:
    one, other = (Mean(np.arange(6.0), np.arange(6) // k, "drop", f"L0H{k}") for k in (1, 2))
    with pytest.raises(MeasurementError, match="L0H1 and L0H2 are not of the same examples"):
        MemberDifference(one, other, NAME)


@pytest.mark.slow
@pytest.mark.parametrize("units", [10, 30])
def test_the_interval_of_two_shares_covers_their_difference(units: int) -> None:
    rng = np.random.default_rng(units)
    trials = 800
    found = [
        interval(MemberDifference(*shares(rng, units)[:2], NAME), seed=trial)
        for trial in range(trials)
    ]
    covered = np.mean([one.low <= 0.1 <= one.high for one in found])
    assert 0.93 <= covered <= 0.985
