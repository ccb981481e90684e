from __future__ import annotations

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.comparison import compared
from ppcheck.record.run import Comparison
from ppcheck.report.gate import changed, tally_of_changes, telling
from tests.record.test_comparison import failing, record


def test_a_claim_that_breaks_is_told_by_the_statistic_that_broke() -> None:
    old, new = record(), failing(-0.02)
    claim = new.model_copy(update={"comparison": compared(new, old, "base.json")})
    assert changed(claim) == "▽ no longer holds, was 0.5"


def test_the_statistic_that_became_worse_is_named_where_another_decided() -> None:
    old, new = record(), record(-0.15, verdict=Verdict.INCONCLUSIVE)
    for each in (old, new):
        open_ = {"estimate": 0.3, "verdict": Verdict.INCONCLUSIVE}
        each.statistics["gap"] = old.statistics["recovery"].model_copy(update=open_)
    claim = new.model_copy(update={"comparison": compared(new, old, "base.json")})
    assert changed(claim) == "▼ regressed: recovery from 0.5"
    alone = record(-0.15).model_copy(update={"comparison": compared(new, record(), "base.json")})
    assert changed(alone) == "▼ regressed from 0.5"


def test_what_regressed_and_does_not_hold_is_told_before_what_still_holds() -> None:
    old, new = record(member="[A]"), record(-0.25, member="[A]", verdict=Verdict.FAILS)
    for each, verdict in ((old, Verdict.HOLDS), (new, Verdict.FAILS)):
        both = {"verdict": verdict}
        each.statistics["recovery[B]"] = each.statistics["recovery[A]"].model_copy(update=both)
    found = compared(new, old, "base.json")
    assert {one.change for one in found.statistics.values()} == {Change.REGRESSED}
    claim = new.model_copy(update={"comparison": found})
    assert telling(claim) == ("recovery[B]", found.statistics["recovery[B]"])


def test_claims_that_no_longer_hold_are_counted_in_words() -> None:
    broken = Comparison(change=Change.NO_LONGER_HOLDS, baseline="base.json")
    two = [record().model_copy(update={"comparison": broken})] * 2
    assert tally_of_changes(two, "base.json") == "against base.json: 2 no longer hold"
    assert tally_of_changes(two[:1], "base.json") == "against base.json: 1 no longer holds"
