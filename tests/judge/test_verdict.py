from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from ppcheck.arrays import Floats, Labels
from ppcheck.errors import MeasurementError
from ppcheck.judge.interval import interval
from ppcheck.judge.sampling import MIN_UNITS
from ppcheck.judge.verdict import Judgement, Verdict, judge
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.identity import Identity
from ppcheck.statistics.member_difference import MemberDifference
from ppcheck.statistics.scale import PLAIN, Scale
from ppcheck.statistics.statistics import Gap, Mean, Ratio, Statistic


def recovery(centre: float, member: str | None = None, units: int = 40) -> Mean:
    """Recovery, normal with spread 0.1 between units: at 40 its interval is about ± 0.03."""
    spread = 0.1 * norm.ppf((np.arange(units) + 0.5) / units)
    return Mean(centre + spread, np.arange(units), "recovery", member)


def judged(*statistics: Statistic, **expect: str) -> Judgement:
    bounds = {name: Bound.parse(text) for name, text in expect.items()}
    return judge(statistics, bounds, seed=0)


@pytest.mark.parametrize(
    ("centre", "verdict"),
    [(0.5, Verdict.HOLDS), (0.1, Verdict.FAILS), (0.31, Verdict.INCONCLUSIVE)],
)
def test_a_claim_gets_the_verdict_of_its_interval(centre: float, verdict: Verdict) -> None:
    result = judged(recovery(centre), recovery=">= 0.3")
    assert result.verdict == result.findings[0].verdict == verdict


def test_a_finding_keeps_its_examples_and_its_bound() -> None:
    statistic = recovery(0.5, "L2H1")
    (finding,) = judged(statistic, recovery=">= 0.3").findings
    assert (finding.name, finding.member, str(finding.bound)) == ("recovery", "L2H1", ">= 0.3")
    assert finding.values == tuple(statistic.observed.tolist())
    assert finding.more_units is None


@pytest.mark.parametrize(
    ("centres", "verdict"),
    [
        ((0.5, 0.6), Verdict.HOLDS),
        ((0.5, 0.31), Verdict.INCONCLUSIVE),
        ((0.5, 0.1), Verdict.FAILS),
        ((0.31, 0.1), Verdict.FAILS),
    ],
)
def test_a_family_is_as_good_as_its_worst_member(
    centres: tuple[float, float], verdict: Verdict
) -> None:
    family = [recovery(centre, f"L0H{head}") for head, centre in enumerate(centres)]
    assert judged(*family, recovery=">= 0.3").verdict == verdict


def test_every_expectation_must_hold() -> None:
    other = Mean(np.linspace(0, 1, 40), np.arange(40), "margin")
    held, refuted = Bound.parse(">= 0.3"), Bound.parse(">= 2")
    for margin, verdict in [(held, Verdict.HOLDS), (refuted, Verdict.FAILS)]:
        result = judge([recovery(0.5), other], {"recovery": held, "margin": margin}, seed=0)
        assert result.verdict == verdict


def test_a_family_is_judged_as_its_correction_says() -> None:
    family = [recovery(0.5, f"L0H{head}") for head in range(10)]
    bounds = {"recovery": Bound.parse(">= 0.3")}
    result = judge(family, bounds, correction="bonferroni", seed=0)
    for statistic, finding in zip(family, result.findings, strict=True):
        assert (finding.family_size, finding.correction) == (10, "bonferroni")
        assert finding.estimate == interval(statistic, confidence=1 - (1 - 0.95) / 10, seed=0)
    assert {finding.correction for finding in judge(family, bounds, seed=0).findings} == {"max_t"}


def test_differences_between_members_are_a_family_each_with_its_own_bound() -> None:
    rng = np.random.default_rng(0)
    first, second, third = (
        Mean(centre + rng.normal(0, 0.1, size=40), np.arange(40), "recovery", f"L0H{head}")
        for head, centre in enumerate((0.6, 0.4, 0.3))
    )
    names = "recovery[L0H0] - recovery[L0H1]", "recovery[L0H0] - recovery[L0H2]"
    two = [
        MemberDifference(first, other, n) for n, other in zip(names, (second, third), strict=True)
    ]
    expect = dict(zip(names, map(Bound.parse, ("> 0", "> 0.5")), strict=True))
    result = judge([first, second, third, *two], expect, seed=0)
    assert [finding.bound for finding in result.findings[:3]] == [None] * 3
    assert [finding.verdict for finding in result.findings[3:]] == [Verdict.HOLDS, Verdict.FAILS]
    for finding, alone in zip(result.findings[3:], two, strict=True):
        assert (finding.family_size, finding.correction) == (2, "max_t")
        assert finding.estimate.low < interval(alone, seed=0).low
    assert result.verdict is Verdict.FAILS


def test_one_member_decided_alone_can_be_inconclusive_in_a_large_family() -> None:
    rng = np.random.default_rng(0)
    family = [
        Mean(recovery(0.34).observed[rng.permutation(40)], np.arange(40), "recovery", f"L0H{head}")
        for head in range(50)
    ]
    assert judged(family[0], recovery=">= 0.3").verdict == Verdict.HOLDS
    assert judged(*family, recovery=">= 0.3").verdict == Verdict.INCONCLUSIVE


def test_a_p_value_decides_just_where_the_interval_does() -> None:
    for centre in np.linspace(0.2, 0.4, 21):
        (finding,) = judged(recovery(float(centre)), recovery=">= 0.3").findings
        assert finding.p is not None
        assert (finding.p <= 0.025) == (finding.verdict is not Verdict.INCONCLUSIVE)


def test_what_nothing_is_expected_of_is_reported_and_not_judged() -> None:
    other = Mean(np.linspace(-9, 0, 40), np.arange(40), "margin")
    result = judged(recovery(0.5), other, recovery=">= 0.3")
    assert result.verdict == Verdict.HOLDS
    reported = result.findings[1]
    assert (reported.bound, reported.verdict, reported.more_units) == (None, None, None)
    assert reported.estimate == interval(other, confidence=0.95, seed=0)


@given(order=st.permutations(range(6)))
@settings(max_examples=10, deadline=None)
def test_neither_order_nor_company_changes_a_finding(order: list[int]) -> None:
    family = [recovery(0.3 + head / 50, f"L0H{head}") for head in range(5)]
    statistics: list[Statistic] = [*family, Mean(np.arange(40.0), np.arange(40), "margin")]
    expect = {"recovery": Bound.parse(">= 0.3")}
    straight = judge(family, expect, seed=0)
    shuffled = judge([statistics[i] for i in order], expect, seed=0)
    assert shuffled.verdict == straight.verdict
    assert set(straight.findings) < set(shuffled.findings)
    assert [finding.values[0] for finding in shuffled.findings] == [
        statistics[i].values()[0] for i in order
    ]


def test_an_expectation_that_was_not_measured_is_an_error_that_suggests_the_name() -> None:
    with pytest.raises(MeasurementError, match=r"'recovry'.*did you mean 'recovery'") as error:
        judged(recovery(0.5), recovery=">= 0.3", recovry=">= 0.3")
    assert "(measured: recovery)" in str(error.value)


def test_nothing_measured_is_an_error_and_no_pass() -> None:
    with pytest.raises(MeasurementError, match="nothing was measured"):
        judged(recovery=">= 0.3")


def test_nothing_expected_is_an_error_and_no_pass() -> None:
    with pytest.raises(MeasurementError, match="nothing is expected"):
        judged(recovery(0.5))


def test_two_statistics_that_cannot_be_told_apart_are_an_error() -> None:
    with pytest.raises(MeasurementError, match="more than once: recovery of L2H1"):
        judged(recovery(0.5, "L2H1"), recovery(0.6, "L2H1"), recovery=">= 0.3")


@dataclass(frozen=True, eq=False)
class Foreign:
    """A statistic that does not check its own examples, with an estimate that looks fine."""

    examples: Floats
    name: str = "recovery"
    member: str | None = None
    n_units: int = 40
    support: tuple[float, float] = (-math.inf, math.inf)
    neutral: float | None = None
    scale: Scale = PLAIN
    rounding: float = 0.0
    gap: None = None

    @property
    def units(self) -> Labels:
        return np.arange(self.n_units)

    def error(self, weights: Floats) -> None:
        del weights

    def influence(self, weights: Floats) -> None:
        del weights

    def exceptions(self, tail: float, units: int | None = None) -> None:
        del tail, units

    def values(self) -> Floats:
        return self.examples

    def estimate(self, weights: Floats) -> Floats:
        return np.full(len(weights), 0.5)


@pytest.mark.parametrize("examples", [[], [0.5, math.nan], [math.inf, 0.5]])
def test_examples_that_are_missing_or_not_finite_are_an_error_and_no_pass(
    examples: list[float],
) -> None:
    assert judged(Foreign(np.array([0.5])), recovery=">= 0.3").verdict == Verdict.HOLDS
    with pytest.raises(MeasurementError, match="examples have a finite value"):
        judged(Foreign(np.array(examples)), recovery=">= 0.3")


@pytest.mark.parametrize("text", [">= 0.3", "<= 0.3", "0..1", "0.5 ± 9"])
def test_an_undefined_estimate_is_an_error_under_every_bound(text: str) -> None:
    undefined = Ratio(np.array([1.0, -1] * 4), np.array([1.0, -1] * 4), np.arange(8), "recovery")
    with pytest.raises(MeasurementError):
        judged(undefined, recovery=text)


@pytest.mark.parametrize("text", [">= 0.3", "<= 0.3", "0..1", "0.5 ± 9"])
def test_too_few_units_are_inconclusive_under_every_bound(text: str) -> None:
    result = judged(recovery(0.5, units=MIN_UNITS - 2), recovery=text)
    assert result.verdict == Verdict.INCONCLUSIVE
    assert result.findings[0].more_units == 2


@pytest.mark.parametrize(
    ("centre", "text"),
    [(0.32, ">= 0.3"), (0.28, ">= 0.3"), (0.32, "0.3..0.9"), (0.3, "0.29..0.32"), (0.3, "0.28..9")],
)
def test_as_many_more_units_as_are_asked_for_decide_about(centre: float, text: str) -> None:
    (few,) = judged(recovery(centre), recovery=text).findings
    assert few.more_units is not None
    many = judged(recovery(centre, units=40 + few.more_units), recovery=text)
    assert (few.verdict, many.verdict != Verdict.INCONCLUSIVE) == (Verdict.INCONCLUSIVE, True)
    fewer = judged(recovery(centre, units=40 + few.more_units // 8), recovery=text)
    assert fewer.verdict == Verdict.INCONCLUSIVE


def test_no_number_of_units_decides_an_estimate_on_the_edge() -> None:
    balanced = Mean(np.array([-1.0, 1] * 20), np.arange(40), "recovery")
    (finding,) = judged(balanced, recovery=">= 0").findings
    assert (finding.verdict, finding.more_units) == (Verdict.INCONCLUSIVE, None)


def verdicts_under(effect: float, heads: int, units: int, trials: int) -> list[Verdict]:
    """Verdicts on ``effect > 0`` for heads whose true effect is `effect`, of spread 1."""
    rng = np.random.default_rng(0)
    found = []
    for trial in range(trials):
        family = [
            Mean(rng.normal(effect, 1, units), np.arange(units), "effect", f"L0H{head}")
            for head in range(heads)
        ]
        found.append(judge(family, {"effect": Bound.parse("> 0")}, seed=trial).verdict)
    return found


def test_without_an_effect_a_claim_seldom_holds_and_with_one_it_does() -> None:
    null = verdicts_under(0, heads=1, units=16, trials=200)
    assert null.count(Verdict.HOLDS) <= 12
    assert null.count(Verdict.FAILS) <= 12
    assert verdicts_under(2, heads=1, units=16, trials=20) == [Verdict.HOLDS] * 20
    assert verdicts_under(-2, heads=1, units=16, trials=20) == [Verdict.FAILS] * 20


def test_searching_many_heads_finds_no_more_than_chance_allows() -> None:
    # Judged one by one at 95 %, 20 heads without an effect would fail in 40 % of the trials.
    null = verdicts_under(0, heads=20, units=10, trials=40)
    assert null.count(Verdict.FAILS) <= 5
    assert null.count(Verdict.HOLDS) == 0


def played(strength: float, *own: float, strict: bool = False) -> Judgement:
    """A role that is played this strongly; it is expected of L0H0, L0H1, ... with these."""
    best = recovery(strength, "L9H9")
    expected = [replace(recovery(s, f"L0H{n}"), name="played_by") for n, s in enumerate(own)]
    found = tuple(f"L0H{n}" for n, s in enumerate(own) if s >= 0.3)
    who = Identity("mover", "played_by", Bound.parse(">= 0.3"), ("L9H9", *found), strict)
    expect = {"recovery": Bound.parse(">= 0.3")}
    return judge([best, *expected], expect, seed=0, identity=who)


@pytest.mark.parametrize(
    ("own", "moved"),
    [
        ([0.5], None),
        ([0.1], "mover moved from L0H0 to L9H9"),
        ([0.5, 0.1], "mover moved from L0H1 to L9H9"),
        ([0.1, 0.2], "mover moved from L0H0, L0H1 to L9H9"),
    ],
)
def test_a_role_that_is_played_by_another_has_moved(own: list[float], moved: str | None) -> None:
    for strict in (False, True):
        result = played(0.5, *own, strict=strict)
        assert result.moved == moved
        assert result.verdict is (Verdict.HOLDS if moved is None else Verdict.MOVED)


def test_a_role_left_to_others_that_were_expected_has_moved_too() -> None:
    who = Identity("mover", "played_by", Bound.parse(">= 0.3"), ("L0H0",), strict=False)
    expected = [replace(recovery(s, f"L0H{n}"), name="played_by") for n, s in enumerate((0.5, 0.1))]
    expect = {"recovery": Bound.parse(">= 0.3")}
    result = judge([recovery(0.5), *expected], expect, seed=0, identity=who)
    assert (result.verdict, result.moved) == (Verdict.MOVED, "L0H1 left mover to L0H0")


def test_a_role_that_nobody_plays_has_not_moved() -> None:
    assert (played(0.1, 0.1).verdict, played(0.1, 0.1).moved) == (Verdict.FAILS, None)
    assert played(0.31, 0.1).verdict is Verdict.INCONCLUSIVE


def test_only_a_strict_identity_is_inconclusive_where_the_expected_player_is() -> None:
    assert played(0.5, 0.31).verdict is Verdict.HOLDS
    assert played(0.5, 0.31, strict=True).verdict is Verdict.INCONCLUSIVE


def test_who_plays_is_part_of_the_claim_itself_where_a_bound_is_given() -> None:
    who = Identity("mover", "played_by", Bound.parse(">= 0.3"), ("L9H9",), strict=False)
    bounds = {name: Bound.parse(">= 0.3") for name in ("recovery", "played_by")}
    own = replace(recovery(0.1, "L0H0"), name="played_by")
    result = judge([recovery(0.5, "L9H9"), own], bounds, seed=0, identity=who)
    assert result.verdict is Verdict.FAILS


def share_of(gap: Gap) -> Ratio:
    """A share of 8.6 of a gap that is 1 in each unit, whatever ``gap`` says of its size."""
    whole = np.array([0.9, 1.0, 1.1, 1.2, 0.8, 1.0, 0.95, 1.05])
    return Ratio(8.6 * whole, whole, np.arange(8), "recovery", gap=gap)


@pytest.mark.trust
def test_a_share_is_judged_only_where_there_is_something_to_share() -> None:
    for bound in (">= 0.9", "<= 20", "-0.1..0.1"):
        nothing = judged(share_of(Gap("gap", 0.009, 0.05)), recovery=bound)
        assert nothing.verdict is Verdict.INCONCLUSIVE
        assert nothing.findings[0].more_units is None
    assert judged(share_of(Gap("gap", 0.06, 0.05)), recovery=">= 0.9").verdict is Verdict.HOLDS


@pytest.mark.trust
def test_what_is_expected_of_the_gap_takes_the_place_of_the_default() -> None:
    gap = Mean(np.linspace(0.008, 0.01, 8), np.arange(8), "gap")
    share = share_of(Gap("gap", 0.009, 0.05))
    assert judged(share, gap, recovery=">= 0.9", gap="> 0.005").verdict is Verdict.HOLDS
    assert judged(share, gap, recovery=">= 0.9", gap="> 0.05").verdict is Verdict.FAILS
    # A bound that a gap of nothing meets does not say how large it must be.
    assert judged(share, gap, recovery=">= 0.9", gap=">= -1").verdict is Verdict.INCONCLUSIVE


@pytest.mark.trust
@pytest.mark.parametrize("bound", ["> 0", "< 0", ">= 1e-6", "0.000001..0.00009"])
def test_nothing_smaller_than_rounding_decides_a_bound(bound: str) -> None:
    values = np.array([1e-5, 1e-5, 2e-5, 1e-5, 2e-5, 1e-5])
    exact = Mean(values, np.arange(6), "effect")
    rounded = Mean(values, np.arange(6), "effect", step=1e-4)
    assert judged(exact, effect=bound).verdict is not Verdict.INCONCLUSIVE
    (finding,) = judged(rounded, effect=bound).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.rounding_decides
    assert finding.more_units is None


@pytest.mark.trust
@given(step=st.floats(0, 0.5), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_rounding_widens_an_interval_by_just_as_much(step: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(1, 1, 12)
    ends = [
        judged(Mean(values, np.arange(12), "effect", step=by), effect="> 5").findings[0].estimate
        for by in (0.0, step)
    ]
    assert ends[1].low == pytest.approx(ends[0].low - step)
    assert ends[1].high == pytest.approx(ends[0].high + step)
