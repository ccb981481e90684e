from __future__ import annotations

from typing import Any

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.comparison import compared
from ppcheck.record.run import ClaimRecord, Comparison
from ppcheck.report.gate import changed, headline, tally_of_changes, telling
from tests.record.test_comparison import failing, record


def test_a_claim_that_breaks_is_told_by_the_statistic_that_broke() -> None:
    old, new = record(), failing(-0.02)
    claim = new.model_copy(update={"comparison": compared(new, old, "base.json")})
    assert changed(claim) == "▽ no longer holds, was 0.5"
    assert headline([claim]) == "mechanism no longer holds: mover lost 4 % of its recovery"


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


def changes(*some: Change, moved: tuple[str, str] | None = None) -> list[ClaimRecord]:
    return [
        record(id=f"claim-{place}").model_copy(
            update={"comparison": Comparison(change=one, baseline="base.json", moved=moved)}
        )
        for place, one in enumerate(some)
    ]


def test_the_headline_says_of_what_moved_that_other_claims_are_worse() -> None:
    found = [
        *changes(Change.MOVED, moved=("L1H1", "L1H3")),
        *changes(Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.UNCHANGED),
    ]
    expected = "mechanism moved and regressed: claim-0 from L1H1 to L1H3; 2 claims are worse"
    assert headline(found) == expected
    assert headline(found[:1]) == "mechanism moved: claim-0 from L1H1 to L1H3"
    assert headline(found[1:]) == "mechanism regressed: claim-0; claim-1"


def lost(to: float, **more: Any) -> ClaimRecord:
    """A claim about one head of which the recovery was 0.5."""
    old, new = record(member="[L25H2]"), record(to - 0.5, member="[L25H2]", **more)
    return new.model_copy(update={"comparison": compared(new, old, "base.json")})


def test_the_headline_says_what_share_of_its_figure_a_component_lost() -> None:
    assert headline([lost(0.2)]) == "mechanism regressed: mover: L25H2 lost 60 % of its recovery"


def test_the_headline_says_who_leads_instead() -> None:
    claim = lost(0.2)
    assert claim.comparison is not None
    led = claim.comparison.model_copy(update={"led": ("L25H2", "L26H2")})
    said = headline([claim.model_copy(update={"comparison": led})])
    assert said.endswith("lost 60 % of its recovery, L26H2 leads now")


def test_the_headline_tells_the_two_claims_that_lost_most_and_counts_the_others() -> None:
    said = headline([lost(to, id=f"to-{to}") for to in (0.3, 0.1, 0.2, 0.35)])
    assert said == (
        "mechanism regressed: to-0.1: L25H2 lost 80 % of its recovery; "
        "to-0.2: L25H2 lost 60 % of its recovery; 2 more claims are worse"
    )


def test_a_figure_that_should_have_stayed_small_is_given_as_it_was_and_is() -> None:
    """Nothing was lost where a figure with an upper bound rose."""
    old, new = record(), failing(0.3)
    for each in (old, new):
        each.statistics["recovery"] = each.statistics["recovery"].model_copy(
            update={"bound": "<= 0.6"}
        )
    claim = new.model_copy(update={"comparison": compared(new, old, "base.json")})
    assert headline([claim]).endswith("mover: recovery 0.5 → 0.8")


def test_what_is_uncertain_is_counted_beside_what_is_not() -> None:
    some = changes(Change.UNCERTAIN, Change.UNCERTAIN, Change.UNCHANGED)
    assert headline(some) == "mechanism unchanged (2 uncertain)"
    assert headline(some[:2]) == "mechanism uncertain"
    assert headline(some[2:]) == "mechanism unchanged"
