from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.arrays import Floats
from ppcheck.judge.family import Member, correct
from ppcheck.judge.sampling import sample
from ppcheck.spec.claim import Correction
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Auroc, Mean, Statistic

ABOVE = Bound.parse("> 0")
CORRECTIONS: tuple[Correction, ...] = get_args(Correction)


def family(columns: Floats) -> list[Statistic]:
    """One mean a column of [unit, member]."""
    n, size = columns.shape
    return [Mean(columns[:, k], np.arange(n), "effect", f"L0H{k}") for k in range(size)]


def corrected(
    statistics: list[Statistic], correction: Correction, bound: Bound = ABOVE, seed: int = 0
) -> list[Member]:
    sampled = [sample(one, seed) for one in statistics]
    return correct(sampled, [bound] * len(sampled), 0.95, correction)


def verdicts(members: list[Member], bound: Bound = ABOVE) -> list[str]:
    return [bound.verdict(*member.limits.at(member.confidence)) for member in members]


def widths(members: list[Member]) -> Floats:
    ends = np.array([member.limits.at(member.confidence) for member in members])
    return np.asarray(ends[:, 1] - ends[:, 0])


def drawn(effect: float, correlation: float, size: int = 10, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    own, shared = rng.normal(size=(30, size)), rng.normal(size=(30, 1))
    columns: Floats = effect + np.sqrt(1 - correlation) * own + np.sqrt(correlation) * shared
    return columns


@pytest.mark.parametrize("correction", CORRECTIONS)
@given(seed=st.integers(0, 2**16), effect=st.floats(-1.5, 1.5))
@settings(max_examples=15, deadline=None)
def test_a_p_value_decides_just_where_the_interval_that_is_shown_does(
    correction: Correction, seed: int, effect: float
) -> None:
    columns = drawn(effect, 0.3, size=5, seed=seed) + np.linspace(-0.5, 0.5, 5)
    members = corrected(family(columns), correction)
    for member, verdict in zip(members, verdicts(members), strict=True):
        assert member.p is not None
        assert (member.p <= 0.025 * (1 + 1e-6)) == (verdict != "inconclusive")


def test_max_t_uses_that_members_move_together_and_bonferroni_cannot() -> None:
    together, apart = (family(drawn(0, correlation)) for correlation in (0.95, 0.0))
    assert (
        widths(corrected(together, "max_t")).mean()
        < 0.85 * widths(corrected(together, "bonferroni")).mean()
    )
    ratio = widths(corrected(apart, "max_t")) / widths(corrected(apart, "bonferroni"))
    assert 0.9 < ratio.mean() < 1.1


def test_copies_of_one_statistic_cost_max_t_nothing() -> None:
    column = drawn(0, 0, size=1)
    alone = corrected(family(column), "max_t")
    copied = corrected(family(np.repeat(column, 20, axis=1)), "max_t")
    assert widths(copied) == pytest.approx(widths(alone)[0])


def test_a_perfect_auroc_in_a_family_keeps_its_exact_interval_at_bonferronis_level() -> None:
    scores, units = np.arange(80.0), np.arange(80) % 40
    perfect = Auroc(scores, scores >= 40, units, "auroc", "L0N1")
    good = Auroc(np.where(scores == 39, 50.5, scores), scores >= 40, units, "auroc", "L0N2")
    first, second = corrected([perfect, good], "max_t", Bound.parse(">= 0.5"))
    assert (first.correction, second.correction) == ("bonferroni", "bonferroni")
    assert first.limits.at(first.confidence)[0] == pytest.approx(0.0125 ** (1 / 20))


def test_members_over_other_units_do_not_share_max_t() -> None:
    statistics = family(drawn(1, 0, size=3))
    odd = Mean(np.arange(12.0), np.arange(12) + 5, "effect", "L9H9")
    found = corrected([*statistics, odd], "max_t")
    assert [member.correction for member in found] == ["max_t"] * 3 + ["bonferroni"]


def test_holm_decides_at_least_what_bonferroni_does_and_not_more_than_no_correction() -> None:
    columns = drawn(0, 0, size=8, seed=3) + np.linspace(0, 0.9, 8)
    holds = [
        {k for k, verdict in enumerate(verdicts(members)) if verdict == "holds"}
        for members in (
            corrected(family(columns), "bonferroni"),
            corrected(family(columns), "holm"),
            corrected(family(columns), "bh"),
        )
    ]
    assert holds[0] < holds[1] <= holds[2]


def test_holms_and_bhs_p_values_are_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    columns = drawn(0, 0, size=8, seed=3) + np.linspace(0, 0.9, 8)
    raw = [member.p for one in family(columns) for member in corrected([one], "holm")]
    for correction, method in (("holm", "holm"), ("bh", "fdr_bh")):
        found = [member.p for member in corrected(family(columns), correction)]  # type: ignore[arg-type]
        assert found == pytest.approx(multipletests(raw, method=method)[1], rel=1e-3)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_no_order_of_members_changes_any_of_them(correction: Correction) -> None:
    statistics = family(drawn(0.4, 0.2, size=6, seed=1))
    straight = corrected(statistics, correction)
    reversed_ = corrected(statistics[::-1], correction)[::-1]
    assert [m.limits.at(m.confidence) for m in straight] == [
        m.limits.at(m.confidence) for m in reversed_
    ]
    assert [m.p for m in straight] == [m.p for m in reversed_]


@pytest.mark.parametrize("correction", ["max_t", "bonferroni", "holm"])
def test_among_many_members_without_an_effect_a_wrong_verdict_is_rare(
    correction: Correction,
) -> None:
    wrong = sum(
        set(verdicts(corrected(family(drawn(0, 0.3, seed=trial)), correction, seed=trial)))
        != {"inconclusive"}
        for trial in range(60)
    )
    assert wrong <= 7
