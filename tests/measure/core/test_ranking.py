"""Statistics of a ranking, against hand-made numbers, plain loops and a bootstrap of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ppcheck.errors import MeasurementError
from ppcheck.judge.interval import interval
from ppcheck.measure.core.facts import Map
from ppcheck.measure.core.ranking import Contains, Margin, Participation, largest_share, site_maps
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.statistics.statistics import Statistic

CHANGES = np.array([[3.0, 5.0], [2.0, 2.0], [-1.0, -3.0], [0.0, 2.0]])
GAPS = np.array([8.0, 12.0])
Make = Callable[..., Statistic]


def estimate(statistic: Statistic, *weights: float) -> float:
    row = np.array([weights or [1.0] * statistic.n_units], dtype=np.float64)
    return float(statistic.estimate(row)[0])


def halves(n: int) -> Any:
    return np.arange(n) % 2 == 0


def spread(kind: object, changes: Any, first: Any = None) -> Statistic:
    changes = np.asarray(changes)
    n = changes.shape[1]
    chosen = halves(n) if first is None else first
    if kind is largest_share:
        return largest_share(changes, np.arange(n), chosen, "it")
    return Participation(changes, chosen, np.arange(n), "it")


def of_set(kind: Make, changes: Any, gaps: Any, chosen: Any = (0,), within: int = 1) -> Statistic:
    return kind(np.asarray(changes), np.asarray(gaps), np.arange(len(gaps)), "it", chosen, within)


def test_each_half_says_what_is_positive_and_largest_in_the_other() -> None:
    """The second example is judged by the first: of 5 + 2 it is 5; the first by it: 3 of 5."""
    assert estimate(spread(largest_share, CHANGES)) == pytest.approx((3 + 5) / (5 + 7))
    assert estimate(spread(largest_share, CHANGES), 2, 1) == pytest.approx((6 + 5) / (10 + 7))
    swapped = [[0.0, 4.0], [1.0, 1.0]]  # told apart, neither is the largest in both
    assert estimate(spread(largest_share, swapped)) == pytest.approx((0 + 1) / (1 + 1))


def test_the_participation_ratio_counts_sites_that_share_an_effect() -> None:
    squares = 3 * 5 + 2 * 2 + 1 * 3 + 0
    assert estimate(spread(Participation, CHANGES)) == pytest.approx(4 * 6 / squares)
    assert estimate(spread(Participation, [GAPS, GAPS, GAPS, 0 * GAPS])) == pytest.approx(3)
    assert estimate(spread(Participation, [GAPS, -GAPS])) == 0


def test_where_nothing_repeats_there_is_nothing_to_share() -> None:
    assert np.isnan(estimate(spread(Participation, [[1.0, -1.0], [0.5, -2.0]])))
    with pytest.raises(MeasurementError, match="no site has a positive effect"):
        spread(largest_share, -np.ones((3, 4)))


def test_noise_over_many_sites_makes_no_share_look_small() -> None:
    """One site has half of the effect; fifty have none. Plainly counted it would seem a fifth."""
    found: dict[str, list[float]] = {"largest": [], "plain": []}
    for seed in range(60):
        means = np.array([1.0, 0.5, 0.5, *[0.0] * 50])
        changes = means[:, None] + 0.7 * np.random.default_rng(seed).normal(size=(53, 20))
        found["largest"].append(estimate(spread(largest_share, changes)))
        positive = np.maximum(changes.mean(axis=1), 0)
        found["plain"].append(positive.max() / positive.sum())
    assert np.median(found["plain"]) < 0.25
    assert np.median(found["largest"]) == pytest.approx(0.5, abs=0.06)


def test_noise_over_many_sites_makes_no_ratio_look_small() -> None:
    """Three sites share an effect and thirty have none; plainly, the noise is in every square."""
    halved, plain = [], []
    for seed in range(100):
        means = np.array([0.5, 0.5, 0.5, *[0.0] * 30])
        changes = means[:, None] + 0.7 * np.random.default_rng(seed).normal(size=(33, 60))
        halved.append(estimate(spread(Participation, changes)))
        effects = changes.mean(axis=1)
        plain.append(effects.sum() ** 2 / (effects**2).sum())
    assert np.median(plain) < 2.6
    assert np.median(halved) == pytest.approx(3, abs=0.35)


@pytest.mark.parametrize(
    ("chosen", "within", "margin"),
    [((0,), 1, 4), ((0, 1), 2, 2), ((1,), 2, 2), ((3,), 2, -2), ((0, 2), 3, -6)],
)
def test_the_margin_is_the_way_to_the_site_that_would_push_one_out(
    chosen: tuple[int, ...], within: int, margin: float
) -> None:
    found = of_set(Margin, CHANGES, GAPS, chosen, within)
    assert estimate(found) == pytest.approx(margin / 20)


def test_a_gap_that_turns_its_sign_ranks_nothing() -> None:
    found = of_set(Margin, CHANGES, [3.0, -1.0])
    assert np.isnan(estimate(found, 0, 1))
    assert np.isfinite(estimate(found, 1, 1))


columns = st.integers(2, 8).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, st.tuples(st.integers(2, 5), st.just(n)), elements=st.floats(-3, 3)),
        arrays(np.float64, n, elements=st.floats(0.5, 3)),
    )
)


def every(changes: Any, gaps: Any, first: Any = None) -> list[Statistic]:
    """All that are defined here."""
    kinds = [Participation] if (changes <= 0).any() else [Participation, largest_share]
    return [*(spread(kind, changes, first) for kind in kinds), of_set(Margin, changes, gaps)]


@given(columns)
@settings(max_examples=60)
def test_examples_contributions_average_to_the_estimate(drawn: tuple[Any, Any]) -> None:
    for statistic in every(np.round(drawn[0], 2), drawn[1]):
        found = estimate(statistic)
        if np.isfinite(found):
            assert statistic.values().mean() == pytest.approx(found, rel=1e-6, abs=1e-6)


@given(columns, st.floats(0.1, 10), st.randoms())
@settings(max_examples=60)
def test_a_spread_has_no_unit_and_no_order_of_its_sites(
    drawn: tuple[Any, Any], scale: float, random: Any
) -> None:
    changes = np.abs(np.round(drawn[0], 2)) + 0.1
    order = random.sample(range(len(changes)), len(changes))
    told = [
        changes[:, half].sum(axis=1) for half in (halves(len(drawn[1])), ~halves(len(drawn[1])))
    ]
    assume(all(len(np.unique(np.round(sums, 6))) == len(sums) for sums in told))
    for kind in (largest_share, Participation):
        one, other = spread(kind, changes), spread(kind, scale * changes[order])
        assert estimate(other) == pytest.approx(estimate(one))
        assert estimate(one) > 0
    assert estimate(spread(largest_share, changes)) <= 1


@given(columns, st.lists(st.integers(0, 3), min_size=8, max_size=8))
@settings(max_examples=40)
def test_weights_are_counts_and_no_row_tells_another(
    drawn: tuple[Any, Any], counts: list[int]
) -> None:
    changes, gaps = np.round(drawn[0], 2), drawn[1]
    weights = np.array(counts[: len(gaps)], dtype=np.float64)
    weights[0] += 1
    listed = np.repeat(np.arange(len(gaps)), weights.astype(int))
    ratio = spread(Participation, changes)
    twice = spread(Participation, changes[:, listed], halves(len(gaps))[listed])
    assert estimate(ratio, *weights) == pytest.approx(estimate(twice), nan_ok=True)
    margin, again = of_set(Margin, changes, gaps), of_set(Margin, changes[:, listed], gaps[listed])
    assert estimate(margin, *weights) == pytest.approx(estimate(again))
    contains = of_set(Contains, changes, gaps)
    rows = np.array([weights, np.ones(len(gaps))])
    assert contains.estimate(rows).tolist() == [contains.estimate(row[None])[0] for row in rows]


def noisy(rng: np.random.Generator, n: int, means: list[float]) -> tuple[Any, Any]:
    return np.array(means)[:, None] + rng.normal(size=(len(means), n)), np.full(n, 5.0)


def test_contains_is_the_share_of_fresh_samples_that_rank_so() -> None:
    rng = np.random.default_rng(0)
    changes, gaps = noisy(rng, 40, [1.0, 0.8, 0.2])
    found = estimate(of_set(Contains, changes, gaps))
    drawn = rng.integers(0, 40, (4000, 40))
    sums = changes[:, drawn].sum(axis=2)
    assert found == pytest.approx((sums[0] > sums[1:].max(axis=0)).mean(), abs=0.1)
    assert 0.05 < found < 0.95


def test_a_set_far_ahead_is_contained_and_one_behind_is_not() -> None:
    rng = np.random.default_rng(1)
    changes, gaps = noisy(rng, 40, [4.0, 3.0, 0.2, 0.0])
    for chosen, within, expected in (((0, 1), 2, 1), ((0,), 3, 1), ((2,), 2, 0), ((0, 2), 2, 0)):
        statistic = of_set(Contains, changes, gaps, chosen, within)
        assert interval(statistic, seed=0, resamples=200).estimate == expected


def test_of_two_equal_sites_neither_is_sure_to_come_first() -> None:
    """A count over resamples has no honest interval; this one is wide, however many are drawn."""
    rng = np.random.default_rng(2)
    changes, gaps = noisy(rng, 30, [1.0, 1.0])
    found = interval(of_set(Contains, changes, gaps), seed=0, resamples=200)
    assert found.low < 0.5 < found.high
    assert found.high - found.low > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 30])
def test_a_set_that_is_not_ahead_is_seldom_found_to_be(n: int) -> None:
    """At most 2.5 % at the low end of 95 % intervals: 12 of 200 is beyond three errors."""
    low = []
    for seed in range(200):
        changes, gaps = noisy(np.random.default_rng([seed, n]), n, [1.0, 1.0, 0.3])
        statistic = of_set(Contains, changes, gaps)
        low.append(interval(statistic, seed=seed, resamples=200).low)
    assert np.sum(np.array(low) >= 0.5) <= 12


def test_what_is_not_finite_or_of_another_length_is_refused() -> None:
    with pytest.raises(MeasurementError, match="not finite in 1 of 2"):
        spread(Participation, [[1.0, np.nan], [0.0, 1.0]])
    with pytest.raises(MeasurementError, match="2 examples have units"):
        of_set(Margin, [[1.0, 2.0, 3.0]], GAPS)


def test_maps_have_a_row_for_each_layer() -> None:
    sites = [Site(Kind.HEAD, 0, 1), Site(Kind.HEAD, 2, 0), Site(Kind.MLP_OUT, 1)]
    assert site_maps(sites, [0.1, 0.2, 0.3]) == {
        "heads": Map(rows=("L0", "L2"), columns=("H0", "H1"), values=((None, 0.1), (0.2, None))),
        "mlp_out": Map(rows=("L1",), columns=("mlp_out",), values=((0.3,),)),
    }
