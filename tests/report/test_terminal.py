from __future__ import annotations

import re

import pytest

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.facts import Facts
from ppcheck.record.run import ClaimRecord, Example, StatisticRecord
from ppcheck.report.claims import tally
from ppcheck.report.terminal import explain, table


def statistic(
    estimate: float,
    verdict: Verdict | None,
    bound: str | None = ">= 0.3",
    low: float | None = None,
    **more: object,
) -> StatisticRecord:
    values = {
        "estimate": estimate,
        "low": estimate - 0.1 if low is None else low,
        "high": estimate + 0.1,
        "n": 12,
        "confidence": 0.95,
        "method": "bca",
        "family": 1,
        "bound": bound,
        "verdict": verdict,
    }
    return StatisticRecord.model_validate(values | more)


def claim(verdict: Verdict, **statistics: StatisticRecord) -> ClaimRecord:
    return ClaimRecord(
        id="mover",
        spec="specs/game.pp.yaml",
        line=7,
        check="patch",
        family="patching",
        model="demo",
        verdict=verdict,
        says="A head moves it.",
        on="game",
        source="Somebody 2024",
        expect={"recovery": ">= 0.3", "damage": "> 0.2"},
        statistics=statistics,
        facts={"prompts": 24, "units": 12},
        notes=("1 of 16 sites chosen on one half of the units, judged on the other",),
    )


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


def test_figures_of_all_the_prompts_that_there_are_say_so() -> None:
    values = tuple([0.1] * 24)
    exact = statistic(0.1, Verdict.FAILS, method="fixed", confidence=1.0, values=values)
    record = claim(Verdict.FAILS, recovery=exact)
    text = explain(record, "x")
    assert "(exact, all 24)" in text
    assert "prompts, which are all there is" in text
    assert "all 24" in table([record], colour=False)


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


def test_a_spec_about_other_models_is_one_row() -> None:
    skipped = claim(Verdict.NOT_APPLICABLE).model_copy(update={"reason": "about gpt2"})
    lines = table([skipped] * 3, colour=False).splitlines()
    assert [line.split() for line in lines[1:-2]] == [["-", "3", "claims", "about", "gpt2"]]


def test_a_command_with_odd_characters_is_quoted_for_the_shell() -> None:
    assert "pytest 'my specs/a.pp.yaml::x' --model=demo" in explain(
        claim(Verdict.FAILS, recovery=statistic(0.1, Verdict.FAILS)), "my specs/a.pp.yaml::x"
    )


def test_the_table_shows_the_statistic_that_decided() -> None:
    record = claim(
        Verdict.FAILS,
        gap=statistic(5.0, None, None),
        recovery=statistic(0.9, Verdict.HOLDS),
        damage=statistic(0.1, Verdict.FAILS, "> 0.2"),
    )
    row = next(line for line in table([record], colour=False).splitlines() if "mover" in line)
    assert re.search(r"✗\s+mover\s+damage 0.1 \[0, 0.2\]\s+> 0.2\s+n=12", row)


def test_of_a_family_the_table_shows_the_member_nearest_its_bound() -> None:
    members = {
        f"recovery[L0H{head}]": statistic(estimate, Verdict.HOLDS, "<= 0.5")
        for head, estimate in enumerate((0.01, 0.37, 0.2))
    }
    assert "recovery[L0H1] 0.37" in table([claim(Verdict.HOLDS, **members)], colour=False)


def test_an_interval_without_an_end_says_so() -> None:
    row = statistic(0.4, Verdict.INCONCLUSIVE).model_copy(update={"low": None, "high": None})
    assert "[-∞, ∞]" in table([claim(Verdict.INCONCLUSIVE, recovery=row)], colour=False)


def test_the_table_is_plain_without_colour_and_coloured_with_it() -> None:
    record = claim(Verdict.FAILS, recovery=statistic(0.1, Verdict.FAILS))
    assert "\x1b" not in table([record], colour=False)
    assert "\x1b" in table([record], colour=True)


def test_a_role_that_moved_says_from_whom_to_whom() -> None:
    own = {"played_by[L0H0]": statistic(0.1, Verdict.FAILS, ">= 1")}
    figures = {"recovery": statistic(0.9, Verdict.HOLDS), **own}
    reason = {"reason": "mover moved from L0H0 to L0H2"}
    record = claim(Verdict.MOVED, **figures).model_copy(update=reason)
    row = next(line for line in table([record], colour=False).splitlines() if "→" in line)
    assert row.split(maxsplit=2) == ["→", "mover", "mover moved from L0H0 to L0H2"]
    assert tally([record]) == "1 claim: 1 moved"
    text = explain(record, "x")
    assert "→ moved: A head moves it." in text
    assert "moved      mover moved from L0H0 to L0H2" in text


def test_the_table_shows_what_holds_where_a_claim_holds() -> None:
    own = {"played_by[L0H0]": statistic(0.35, Verdict.INCONCLUSIVE, ">= 1")}
    record = claim(Verdict.HOLDS, **own, recovery=statistic(0.9, Verdict.HOLDS))
    assert "recovery 0.9" in table([record], colour=False)
