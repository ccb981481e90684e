from __future__ import annotations

from typing import Any

from ppcheck.judge.compare import Change
from ppcheck.record.comparison import compared
from ppcheck.record.run import ClaimRecord, Comparison
from ppcheck.report.headline.sentence import headline
from tests.record.test_comparison import failing, record


def changes(*some: Change, moved: tuple[str, str] | None = None) -> list[ClaimRecord]:
    return [
        record(id=f"claim-{place}").model_copy(
            update={"comparison": Comparison(change=one, baseline="base.json", moved=moved)}
        )
        for place, one in enumerate(some)
    ]


def lost(to: float, site: str = "L25H2", **more: Any) -> ClaimRecord:
    """A claim about one site of which the recovery was 0.5."""
    old, new = record(member=f"[{site}]"), record(to - 0.5, member=f"[{site}]", **more)
    return new.model_copy(update={"comparison": compared(new, old, "base.json")})


def led(claim: ClaimRecord, then: str, now: str) -> ClaimRecord:
    assert claim.comparison is not None
    other = claim.comparison.model_copy(update={"led": (then, now)})
    return claim.model_copy(update={"comparison": other})


def test_what_broke_is_told_by_the_component_in_the_readers_words() -> None:
    said = "mechanism regressed: head L25H2 lost 60 % of what it brings (recovery)"
    assert headline([lost(0.2)]) == said
    assert headline([led(lost(0.2), "L25H2", "L26H2")]) == f"{said}, L26H2 leads now"


def test_a_claim_that_names_no_component_is_told_by_its_name() -> None:
    old, new = record(), failing(-0.02)
    claim = new.model_copy(update={"comparison": compared(new, old, "base.json")})
    assert headline([claim]) == "mechanism no longer holds: mover lost 4 % of its recovery"


def test_claims_about_one_component_are_one_phrase_of_the_one_that_lost_most() -> None:
    some = [lost(to, id=f"to-{to}") for to in (0.3, 0.1, 0.2)]
    assert headline(some) == (
        "mechanism regressed: head L25H2 lost 80 % of what it brings (recovery), "
        "and 2 more claims about it are worse"
    )
    assert headline(some[1:]).endswith("and 1 more claim about it is worse")


def test_three_components_are_told_and_other_claims_counted() -> None:
    sites = ["L1H1", "L2H2", "L3H3", "L4H4", "L4H4"]
    said = headline([lost(to, s) for to, s in zip((0.3, 0.1, 0.2, 0.35, 0.33), sites, strict=True)])
    assert said == (
        "mechanism regressed: head L2H2 lost 80 % of what it brings (recovery); "
        "head L3H3 lost 60 % of what it brings (recovery); "
        "head L1H1 lost 40 % of what it brings (recovery); 2 more claims are worse"
    )


def test_behaviour_comes_first_and_leaves_room_for_mechanism() -> None:
    outside = [lost(to, id=f"to-{to}", family="behaviour") for to in (0.3, 0.2)]
    assert headline([*outside, lost(0.1, "L1H1"), lost(0.2, "L2H2"), lost(0.3, "L3H3")]) == (
        "behaviour regressed, mechanism regressed: to-0.2: L25H2 lost 60 % of its recovery; "
        "head L1H1 lost 80 % of what it brings (recovery); "
        "head L2H2 lost 60 % of what it brings (recovery); 2 more claims are worse"
    )
    assert headline([*outside, lost(0.1, "L1H1")]).count(";") == 2


def test_who_leads_now_comes_before_what_lost_more() -> None:
    moved = changes(Change.MOVED, Change.MOVED, moved=("L1H1", "L1H3"))
    assert headline([lost(0.1, "L2H2"), *moved]) == (
        "mechanism moved and regressed: L1H3 leads now in place of L1H1 in claim-0 and 1 more; "
        "head L2H2 lost 80 % of what it brings (recovery)"
    )


def test_who_leads_now_is_told_with_what_the_other_lost() -> None:
    moved = changes(Change.MOVED, moved=("L1H1", "L1H3"))
    assert headline([lost(0.1, "L1H1"), *moved]) == (
        "mechanism moved and regressed: head L1H1 lost 80 % of what it brings (recovery), "
        "L1H3 leads now in claim-0"
    )


def test_the_one_who_leads_now_may_lead_by_less() -> None:
    facts = {"prompts_sha256": "1", "looked_at": 9}
    old, new = (
        record(shift, member=f"[{head}]", facts=facts | {"kept": [head]})
        for shift, head in ((0.0, "L25H2"), (-0.3, "L26H2"))
    )
    claim = new.model_copy(update={"comparison": compared(new, old, "base.json")})
    assert headline([claim]).endswith(
        ": L26H2 leads now in place of L25H2 in mover, with 60 % less recovery"
    )


def test_of_a_choice_of_many_no_one_is_said_to_lead() -> None:
    some = changes(Change.MOVED, moved=("L1H1, L1H2", "L2H3, L2H4"))
    assert headline(some) == "mechanism moved: L2H3, L2H4 now in place of L1H1, L1H2 in claim-0"


def test_of_more_moves_and_losses_the_numbers_are_said() -> None:
    pairs = [(f"L1H{n}", f"L2H{n}") for n in range(5)]
    moved = [claim for pair in pairs for claim in changes(Change.MOVED, moved=pair)]
    said = headline([*moved, *changes(Change.REGRESSED, Change.NO_LONGER_HOLDS)])
    assert said.count("leads now") == 3
    assert said.endswith("; 2 more claims moved; 2 more claims are worse")


def test_what_is_uncertain_is_counted_beside_what_is_not() -> None:
    some = changes(Change.UNCERTAIN, Change.UNCERTAIN, Change.UNCHANGED)
    assert headline(some) == "mechanism unchanged (2 uncertain)"
    assert headline(some[:2]) == "mechanism uncertain"
    assert headline(some[2:]) == "mechanism unchanged"
