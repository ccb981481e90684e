from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ppcheck.measure.core.strength import Criterion, Players, Strength, Strengths
from ppcheck.spec.prompts.grid import Prompt

finite = st.floats(0.1, 2)


def prompt(unit: str) -> Prompt:
    return Prompt("text", (), {}, unit, {}, "")


def strengths(shown: Any, whole: Any, needed: Any) -> Strengths:
    shown, whole = np.asarray(shown, dtype=float), np.asarray(whole, dtype=float)
    units, steps = tuple(map(str, range(whole.shape[1]))), np.zeros(len(whole))
    return Strengths(units, shown, whole, np.asarray(needed), steps)


def test_a_strength_is_the_smaller_of_two_ratios_of_sums() -> None:
    one, two = [[1.0, 3.0]], [[5.0, 7.0]]  # one site, two units
    both = strengths([one, two], [[2, 2], [1, 1]], [0.5, 10])
    assert both.estimates == pytest.approx([min(4 / 4 / 0.5, 12 / 2 / 10)])
    assert both.of_sites(np.array([[2.0, 0]]))[0] == pytest.approx([min(2 / 4 / 0.5, 0.5)])
    assert Strength(both, 0, "strength").values().mean() == pytest.approx(both.estimates[0])


def test_examples_are_summed_over_units_and_units_matched_by_name() -> None:
    sides = [prompt(unit) for unit in ("x", "y", "x")]
    first = Criterion(np.array([[1.0, 2, 3]]), np.ones(3), (sides,), 1.0)
    second = Criterion(np.array([[8.0, 4]]), np.ones(2), ([prompt("y"), prompt("z")],), 2.0)
    both = Strengths.of([first, second], [np.array([True, True, True]), np.array([True, False])])
    assert both.units == ("x", "y")
    np.testing.assert_array_equal(both.shown[:, 0], [[4, 2], [0, 8]])
    np.testing.assert_array_equal(both.whole, [[2, 1], [0, 1]])
    assert first.shares() == pytest.approx([2])


def test_a_ratio_whose_whole_changes_sign_is_undefined_and_counts_nobody() -> None:
    one = strengths([[[1.0, 1], [9, 9]]], [[3, -1]], [1.0])
    weights = np.array([[1.0, 1], [0, 1], [0, 0]])
    assert one.of_sites(weights)[0].tolist() == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    assert Players(one, "players").estimate(weights) == pytest.approx(
        [2, np.nan, np.nan], nan_ok=True
    )


def test_a_site_that_misses_one_thing_is_no_player_whatever_the_other_is() -> None:
    attention, effect = [[1.0, 1], [4, 4]], [[1.0, 1], [1, 1]]
    some = strengths([attention, effect], [[1, 1], [1, -1]], [2.0, 0.1])
    assert Players(some.only([0]), "players").estimate(np.ones((1, 2)))[0] == 0
    assert np.isnan(Players(some, "players").estimate(np.ones((1, 2)))[0])


@given(
    arrays(float, (2, 3, 4), elements=finite),
    arrays(float, (2, 4), elements=finite),
    arrays(float, 4, elements=st.integers(1, 3).map(float)),
)
def test_weights_count_units_and_players_are_the_sites_at_one_or_above(
    shown: Any, whole: Any, counts: Any
) -> None:
    some = strengths(shown, whole, [1.0, 0.5])
    repeats = counts.astype(int)
    listed = np.repeat(shown, repeats, axis=2), np.repeat(whole, repeats, axis=1)
    longer = strengths(*listed, [1, 0.5])
    weighted = some.of_sites(counts[None])[:, 0]
    np.testing.assert_allclose(weighted, longer.estimates)
    assert (weighted <= some.ratios(counts[None])[..., 0]).all()
    assert Players(some, "players").estimate(counts[None])[0] == (weighted >= 1).sum()
    assert Players(some, "players").support == (0, 3)
    alone = [Strength(some, site, "strength").estimate(counts[None])[0] for site in range(3)]
    np.testing.assert_allclose(alone, weighted)
