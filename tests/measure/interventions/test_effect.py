from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax
from scipy.stats import entropy

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.measure.interventions.effect import Effect, Mode, patch_effect
from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.sites.position import FINAL
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.tokens.encoding import Encoded
from tests.measure.lab import Model, bench, estimate, last

PAIRS = 48
EVERY = np.ones(PAIRS, dtype=bool)
numbers = arrays(np.float64, PAIRS, elements=st.floats(-5, 5).map(lambda x: round(x, 3)))


@pytest.fixture(scope="module")
def pairs(tiny: Model) -> tuple[Encoded, Encoded]:
    return bench(tiny).pairs(Selection("game"), None)


def effect(
    pairs: tuple[Encoded, Encoded], mode: Mode, clean: Floats, corrupted: Floats, patched: Floats
) -> Effect:
    return Effect(mode, pairs, clean, corrupted, patched[None], 0.0)


@given(numbers, numbers)
@settings(max_examples=40, deadline=None)
def test_a_patch_that_moves_everything_is_one_and_one_that_moves_nothing_zero(
    pairs: tuple[Encoded, Encoded], clean: Floats, gaps: Floats
) -> None:
    corrupted = clean - np.abs(gaps) - 1
    for mode, untouched, moved in (
        ("denoise", corrupted, clean),
        ("noise", clean, corrupted),
    ):
        everything = effect(pairs, mode, clean, corrupted, moved)  # type: ignore[arg-type]
        nothing = effect(pairs, mode, clean, corrupted, untouched)  # type: ignore[arg-type]
        assert everything.shares(EVERY) == pytest.approx([1])
        assert nothing.shares(EVERY) == pytest.approx([0])


def test_damage_and_recovery_are_shares_of_summed_gaps(pairs: tuple[Encoded, Encoded]) -> None:
    rng = np.random.default_rng(0)
    clean, corrupted, patched = (
        rng.normal(1, 1, PAIRS),
        rng.normal(-1, 1, PAIRS),
        rng.normal(size=PAIRS),
    )
    recovery = (patched.sum() - corrupted.sum()) / (clean.sum() - corrupted.sum())
    denoised = effect(pairs, "denoise", clean, corrupted, patched)
    noised = effect(pairs, "noise", clean, corrupted, patched)
    assert estimate(denoised.share(0, EVERY, "recovery", None)) == pytest.approx(recovery)
    assert estimate(noised.share(0, EVERY, "damage", None)) == pytest.approx(1 - recovery)


def test_gaps_that_cancel_are_no_gap_to_take_shares_of(pairs: tuple[Encoded, Encoded]) -> None:
    clean = np.tile([1.0, -1.0], PAIRS // 2)
    cancelling = effect(pairs, "denoise", clean, np.zeros(PAIRS), clean)
    with pytest.raises(MeasurementError, match="add up to zero"):
        cancelling.shares(EVERY)


def test_gaps_that_nearly_cancel_are_inconclusive(pairs: tuple[Encoded, Encoded]) -> None:
    rng = np.random.default_rng(1)
    clean = rng.normal(size=PAIRS)
    clean -= clean.mean() - 1e-6
    nearly = effect(pairs, "denoise", clean, np.zeros(PAIRS), 0.5 * clean + rng.normal(size=PAIRS))
    found = nearly.share(0, EVERY, "recovery", None)
    judged = judge([found.statistic], {"recovery": Bound.parse(">= 0.1")}, seed=0)
    assert judged.verdict == Verdict.INCONCLUSIVE


def test_kl_is_measured_against_the_clean_run(tiny: Model, pairs: tuple[Encoded, Encoded]) -> None:
    cells = [Cell((Site(Kind.RESID_POST, 1),), FINAL)]
    found = patch_effect(bench(tiny), pairs, cells, Metric.parse("kl"), "denoise")
    clean, corrupted = (
        softmax(last(tiny, [prompt.text for prompt in side.prompts]), axis=1) for side in pairs
    )
    np.testing.assert_allclose(found.clean, 0, atol=1e-10)
    np.testing.assert_allclose(found.corrupted, entropy(clean, corrupted, axis=1), rtol=1e-4)
    np.testing.assert_allclose(found.patched[0], 0, atol=1e-8)
    np.testing.assert_array_equal(found.gaps, found.clean - found.corrupted)
