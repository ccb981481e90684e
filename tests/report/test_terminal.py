from __future__ import annotations

import re

from ppcheck.judge.verdict import Verdict
from ppcheck.report.claims import tally
from ppcheck.report.terminal import table
from tests.report.figures import claim, statistic


def test_figures_of_all_the_prompts_that_there_are_say_so() -> None:
    values = tuple([0.1] * 24)
    exact = statistic(0.1, Verdict.FAILS, method="fixed", confidence=1.0, values=values)
    record = claim(Verdict.FAILS, recovery=exact)
    assert "all 24" in table([record], colour=False)


def test_a_role_that_moved_says_from_whom_to_whom() -> None:
    own = {"played_by[L0H0]": statistic(0.1, Verdict.FAILS, ">= 1")}
    figures = {"recovery": statistic(0.9, Verdict.HOLDS), **own}
    reason = {"reason": "mover moved from L0H0 to L0H2"}
    record = claim(Verdict.MOVED, **figures).model_copy(update=reason)
    row = next(line for line in table([record], colour=False).splitlines() if "→" in line)
    assert row.split(maxsplit=2) == ["→", "mover", "mover moved from L0H0 to L0H2"]
    assert tally([record]) == "1 claim: 1 moved"


def test_a_spec_about_other_models_is_one_row() -> None:
    skipped = claim(Verdict.NOT_APPLICABLE).model_copy(update={"reason": "about gpt2"})
    lines = table([skipped] * 3, colour=False).splitlines()
    assert [line.split() for line in lines[1:-2]] == [["-", "3", "claims", "about", "gpt2"]]


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


def test_the_table_shows_what_holds_where_a_claim_holds() -> None:
    own = {"played_by[L0H0]": statistic(0.35, Verdict.INCONCLUSIVE, ">= 1")}
    record = claim(Verdict.HOLDS, **own, recovery=statistic(0.9, Verdict.HOLDS))
    assert "recovery 0.9" in table([record], colour=False)
