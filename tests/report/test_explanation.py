from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.facts import Facts
from ppcheck.record.comparison import compared
from ppcheck.record.run import Example, StatisticRecord
from ppcheck.report.explanation import explain, sparkline
from tests.record.test_comparison import record
from tests.report.figures import claim, statistic


def test_an_explanation_holds_claim_figures_place_and_command() -> None:
    worst = (Example(text="hello . pain", value=-0.4),)
    text = explain(
        claim(Verdict.FAILS, recovery=statistic(0.1, Verdict.FAILS, worst=worst)),
        "specs/game.pp.yaml::mover",
    )
    for expected in (
        "✗ fails: A head moves it.",
        "claimed    recovery >= 0.3, damage > 0.2",
        "recovery  0.1 [0, 0.2]  (95 %, n = 12)  fails",
        "on         game: 24 prompts in 12 independent units",
        "note       1 of 16 sites",
        "source     Somebody 2024",
        "where      specs/game.pp.yaml:7",
        "run alone  pytest specs/game.pp.yaml::mover --model=demo",
        "furthest from `recovery >= 0.3`:",
        "-0.4  hello . pain",
    ):
        assert expected in text


def test_examples_that_go_the_other_way_are_counted() -> None:
    mixed = statistic(0.1, Verdict.FAILS, n_opposite=31, values=tuple([0.1] * 320))
    assert "fails, 31 of 320 go the other way" in explain(claim(Verdict.FAILS, recovery=mixed), "x")
    unanimous = statistic(0.1, Verdict.FAILS, n_opposite=0, values=(0.1,))
    assert "go the other way" not in explain(claim(Verdict.FAILS, recovery=unanimous), "x")


def test_a_member_of_a_family_says_how_it_was_corrected() -> None:
    members = {"recovery[L0H0]": statistic(0.1, Verdict.FAILS, family=16, correction="max_t")}
    text = explain(claim(Verdict.FAILS, **members), "x")
    assert "(95 %, n = 12, one of 16, max-T)" in text


def test_an_inconclusive_claim_says_how_many_more_units_would_decide() -> None:
    record = claim(
        Verdict.INCONCLUSIVE, recovery=statistic(0.35, Verdict.INCONCLUSIVE, more_units=1234)
    )
    assert "about 1,234 more independent units would decide it" in explain(record, "x")


@pytest.mark.trust
def test_units_that_are_only_looked_at_are_asked_for_too() -> None:
    record = claim(
        Verdict.INCONCLUSIVE, recovery=statistic(0.35, Verdict.INCONCLUSIVE, more_units=7)
    )
    chosen = record.model_copy(update={"facts": record.facts | Facts(looked_at=40)})
    assert "about 14 more independent units would decide it: 7 to judge on" in explain(chosen, "x")


def test_no_number_of_units_is_promised_where_one_statistic_has_none() -> None:
    record = claim(
        Verdict.INCONCLUSIVE,
        recovery=statistic(0.35, Verdict.INCONCLUSIVE, more_units=7),
        gap=statistic(0.0, Verdict.INCONCLUSIVE, more_units=None),
    )
    assert "independent units would decide it" not in explain(record, "x")


def test_too_few_units_are_said_and_promise_nothing() -> None:
    few = statistic(0.35, Verdict.INCONCLUSIVE, more_units=2).model_copy(update={"n": 3})
    text = explain(claim(Verdict.INCONCLUSIVE, recovery=few), "x")
    assert "3 independent units are too few, 5 are needed" in text
    assert "would decide" not in text


def test_a_claim_that_fails_needs_no_more_units() -> None:
    members = {
        "recovery[L0H0]": statistic(0.1, Verdict.FAILS),
        "recovery[L0H1]": statistic(0.3, Verdict.INCONCLUSIVE, more_units=7),
    }
    assert "would decide" not in explain(claim(Verdict.FAILS, **members), "x")


def test_a_command_with_odd_characters_is_quoted_for_the_shell() -> None:
    assert "pytest 'my specs/a.pp.yaml::x' --model=demo" in explain(
        claim(Verdict.FAILS, recovery=statistic(0.1, Verdict.FAILS)), "my specs/a.pp.yaml::x"
    )


def test_all_the_prompts_that_there_are_are_said_to_be_all() -> None:
    exact = statistic(0.1, Verdict.FAILS, method="fixed", confidence=1.0, values=(0.1,) * 24)
    text = explain(claim(Verdict.FAILS, recovery=exact), "x")
    assert "(exact, all 24)" in text
    assert "prompts, which are all there is" in text


def test_a_role_that_moved_is_explained() -> None:
    record = claim(Verdict.MOVED, recovery=statistic(0.9, Verdict.HOLDS)).model_copy(
        update={"reason": "mover moved from L0H0 to L0H2"}
    )
    text = explain(record, "x")
    assert "→ moved: A head moves it." in text
    assert "moved      mover moved from L0H0 to L0H2" in text


def layers(estimates: Sequence[float]) -> dict[str, StatisticRecord]:
    """One statistic a layer; those below 0.3 fail."""
    return {
        f"recovery[L{layer}]": statistic(
            one,
            Verdict.FAILS if one < 0.3 else Verdict.HOLDS,
            worst=(Example(text=f"prompt {layer}", value=one),),
        )
        for layer, one in enumerate(estimates)
    }


def test_a_failing_family_is_one_curve_and_its_three_worst_members() -> None:
    members = layers([0.9, *[0.02 * layer for layer in range(29)]])
    lines = explain(claim(Verdict.FAILS, **members), "x").splitlines()
    measured = next(i for i, line in enumerate(lines) if "measured" in line)
    assert "recovery  █▁▁▁▁▂▂▂" in lines[measured]
    assert "30 from L0 to L29: 0 to 0.9" in lines[measured]
    shown = [line.split()[0] for line in lines[measured + 1 : measured + 4]]
    assert shown == ["recovery[L1]", "recovery[L2]", "recovery[L3]"]
    assert "and 27 more in the record" in lines[measured + 4]
    assert sum("furthest from" in line for line in lines) == 3
    assert len(lines) < 30


def test_a_family_of_three_needs_no_curve() -> None:
    text = explain(claim(Verdict.FAILS, **layers([0.1, 0.2, 0.9])), "x")
    assert "from L0 to L2" not in text
    assert "recovery[L2]" in text


def test_single_figures_are_shown_beside_a_family() -> None:
    members = layers([0.1] * 20) | {"damage": statistic(0.1, None)}
    text = explain(claim(Verdict.FAILS, **members), "x")
    assert "damage " in text.partition("measured")[2]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_a_sparkline_rises_where_its_values_rise(values: list[float]) -> None:
    line = sparkline(values)
    assert len(line) == len(values)
    ordered = [character for _, character in sorted(zip(values, line, strict=True))]
    assert ordered == sorted(ordered)


def test_a_family_that_became_worse_is_three_members_and_the_number_of_the_others() -> None:
    now, then = (
        record(shift, statistics={f"recovery[L{n}]": one for n in range(30)})
        for shift in (-0.3, 0.0)
        for one in [record(shift).statistics["recovery"]]
    )
    told = now.model_copy(update={"comparison": compared(now, then, "base.json")})
    lines = [line for line in explain(told, "x").splitlines() if "→" in line or "more:" in line]
    assert len(lines) == 4
    assert "and 27 more: 27 regressed" in lines[-1]
