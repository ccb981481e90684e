from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.comparison import compared, n_comparisons
from ppcheck.record.run import ClaimRecord, StatisticRecord

UNITS = np.linspace(0.4, 0.6, 20)


def record(shift: float = 0.0, **changes: Any) -> ClaimRecord:
    member = changes.pop("member", "")
    units = UNITS + shift + 0.01 * np.sin(np.arange(20) * (1 + shift))
    statistic = StatisticRecord(
        estimate=float(units.mean()),
        low=0.4,
        high=0.6,
        n=20,
        confidence=0.95,
        method="bca",
        family=1,
        bound=">= 0.3",
        verdict=Verdict.HOLDS,
        units=tuple(units.tolist()),
    )
    fields: dict[str, Any] = {
        "id": "mover",
        "spec": "a.pp.yaml",
        "line": 3,
        "check": "patch",
        "family": "patching",
        "model": "demo",
        "verdict": Verdict.HOLDS,
        "expect": {"recovery": ">= 0.3"},
        "statistics": {f"recovery{member}": statistic},
        "facts": {"prompts_sha256": "1", "kept": [member]},
        "fingerprint": "f",
    }
    return ClaimRecord(**fields | changes)


def test_a_drop_beyond_chance_and_tolerance_is_a_regression_though_the_claim_holds() -> None:
    found = compared(record(-0.15), record(), "base.json")
    assert found.change is Change.REGRESSED
    one = found.statistics["recovery"]
    assert one.difference == pytest.approx(-0.15, abs=0.01)
    assert one.high is not None
    assert one.high < -one.tolerance < 0


def test_a_claim_may_name_its_tolerance() -> None:
    wide = compared(record(-0.15), record(), "base.json", tolerance={"recovery": 0.2})
    assert wide.change is Change.UNCHANGED
    assert wide.statistics["recovery"].tolerance == 0.2


def test_a_difference_between_members_is_compared_under_its_own_tolerance() -> None:
    name = "drop[L1H1] - drop[L0H1]"
    now, then = (
        record(shift, statistics={name: record(shift).statistics["recovery"]}, expect={name: "> 0"})
        for shift in (-0.15, 0.0)
    )
    found = compared(now, then, "base.json", tolerance={name: 0.2})
    assert found.statistics[name].tolerance == 0.2
    assert found.change is Change.UNCHANGED


def test_more_comparisons_ask_for_more() -> None:
    one, many = (compared(record(-0.15), record(), "b", comparisons=n) for n in (1, 1000))
    assert many.statistics["recovery"].confidence > one.statistics["recovery"].confidence
    assert (many.statistics["recovery"].low or 0) < (one.statistics["recovery"].low or 0)
    assert n_comparisons({"a": record(), "b": record()}) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"facts": {"prompts_sha256": "2"}}, "prompts differ"),
        ({"seed": 7}, "seeds differ: 7 then, 0 now"),
        ({"fingerprint": "g"}, "what the claim measures differs"),
        ({"verdict": Verdict.ERROR, "reason": "NaN"}, "it was not measured then: NaN"),
    ],
)
def test_another_measurement_is_not_comparable_and_says_why(
    changes: dict[str, Any], reason: str
) -> None:
    found = compared(record(-0.3), record(**changes), "base.json")
    assert (found.change, found.reason) == (Change.NOT_COMPARABLE, reason)


def failing(shift: float, verdict: Verdict = Verdict.FAILS) -> ClaimRecord:
    """As `record`, below its bound."""
    new = record(shift, verdict=verdict)
    below = new.statistics["recovery"].model_copy(update={"verdict": verdict})
    return new.model_copy(update={"statistics": {"recovery": below}})


@pytest.mark.parametrize("verdict", [Verdict.FAILS, Verdict.INCONCLUSIVE])
def test_a_claim_that_breaks_by_less_than_is_shown_is_not_called_unchanged(
    verdict: Verdict,
) -> None:
    found = compared(failing(-0.02, verdict), record(), "base.json")
    assert found.statistics["recovery"].change is Change.UNCHANGED
    assert found.change is Change.NO_LONGER_HOLDS
    assert compared(failing(-0.02), failing(0.0), "base.json").change is Change.UNCHANGED
    assert compared(record(), failing(0.0), "base.json").change is Change.UNCHANGED
    assert compared(failing(-0.2), record(), "base.json").change is Change.REGRESSED


@pytest.mark.parametrize(
    ("then", "now", "moved"),
    [
        ("1 2", "2 1", None),
        ("1 2 3", "1 2 4", None),
        ("1 2 3", "1 4 5", ("2, 3", "4, 5")),
        ("1 2 3 4", "3 4 5 6", ("1, 2", "5, 6")),
        ("1 2 3 4 5 6", "7 8 9 0 a b", ("1, 2, 3, 4 and 2 more", "7, 8, 9, 0 and 2 more")),
    ],
)
def test_a_choice_among_many_has_moved_where_half_of_it_or_more_are_others(
    then: str, now: str, moved: tuple[str, str] | None
) -> None:
    facts = {"prompts_sha256": "1", "looked_at": 9}
    old, new = (record(facts=facts | {"kept": text.split()}) for text in (then, now))
    assert compared(new, old, "base.json").moved == moved


@pytest.mark.parametrize(
    ("now", "verdict", "moved"),
    [
        (["L2H0"], Verdict.HOLDS, None),
        (["L2H0", "L3H1"], Verdict.HOLDS, None),
        (["L3H1"], Verdict.HOLDS, ("L2H0, L1H1", "L3H1")),
        (["L1H1"], Verdict.MOVED, ("L2H0", "L1H1")),
        (["L1H1", "L2H1"], Verdict.MOVED, ("L2H0", "L2H1")),
        (["L1H1", "L2H0"], Verdict.MOVED, None),
        (["L1H1", "L2H0", "L3H1"], Verdict.MOVED, None),
    ],
)
def test_a_role_has_moved_where_its_verdict_says_so_or_nobody_plays_it_any_more(
    now: list[str], verdict: Verdict, moved: tuple[str, str] | None
) -> None:
    old = record(facts={"prompts_sha256": "1", "players": ["L2H0", "L1H1"]})
    new = record(facts={"prompts_sha256": "1", "players": now}, verdict=verdict)
    assert compared(new, old, "base.json").moved == moved


def test_what_has_no_baseline_is_new() -> None:
    assert compared(record(), None, "base.json").change is Change.NEW


def test_what_was_chosen_may_move() -> None:
    facts = {"prompts_sha256": "1", "looked_at": 9}
    old = record(member="[L1H1]", facts=facts | {"kept": ["L1H1"]})
    new = record(member="[L1H3]", facts=facts | {"kept": ["L1H3"]})
    found = compared(new, old, "base.json")
    assert (found.change, found.moved) == (Change.MOVED, ("L1H1", "L1H3"))


def test_a_role_that_another_component_plays_has_moved_and_is_comparable() -> None:
    old = record(member="[L1H1]", facts={"prompts_sha256": "1", "players": ["L1H1"]})
    facts = {"prompts_sha256": "1", "players": ["L1H3"]}
    new = record(-0.15, member="[L1H1]", verdict=Verdict.MOVED, facts=facts)
    found = compared(new, old, "base.json")
    assert found.statistics["recovery[L1H1]"].change is Change.REGRESSED
    assert (found.change, found.moved) == (Change.MOVED, ("L1H1", "L1H3"))


def looking(leader: str, shift: float = 0.0, **changes: Any) -> ClaimRecord:
    """A role without a name: its strength is that of whoever leads."""
    facts = {"prompts_sha256": "1", "looked_at": 9, "kept": [leader, "L0H0"]}
    facts |= {"players": [leader, "L0H0"]}
    return record(shift, member=f"[{leader}]", facts=facts, **changes)


@pytest.mark.trust
@pytest.mark.parametrize("verdict", [Verdict.HOLDS, Verdict.MOVED])
def test_a_role_is_compared_whoever_leads_and_both_leaders_are_named(verdict: Verdict) -> None:
    found = compared(looking("L26H2", -0.15, verdict=verdict), looking("L25H2"), "base.json")
    assert found.change is Change.REGRESSED
    assert found.led == ("L25H2", "L26H2")
    (one,) = found.statistics.values()
    assert (one.was, one.change) == ("recovery[L25H2]", Change.REGRESSED)


@pytest.mark.trust
def test_a_role_that_another_plays_as_well_is_unchanged_and_says_who_leads() -> None:
    found = compared(looking("L26H2"), looking("L25H2"), "base.json")
    assert (found.change, found.led) == (Change.UNCHANGED, ("L25H2", "L26H2"))


@pytest.mark.trust
def test_what_was_chosen_among_many_is_compared_by_name_and_else_by_rank() -> None:
    def chosen(kept: str, shifts: tuple[float, ...]) -> ClaimRecord:
        names = kept.split()
        facts = {"prompts_sha256": "1", "looked_at": 9, "kept": names}
        statistics = {
            f"recovery[{name}]": record(shift).statistics["recovery"]
            for name, shift in zip(names, shifts, strict=True)
        }
        return record(facts=facts, statistics=statistics)

    found = compared(chosen("B E D A", (0, 0, -0.15, 0)), chosen("A B C D", (0,) * 4), "base.json")
    assert {name: one.was for name, one in found.statistics.items()} == {
        **dict.fromkeys(("recovery[A]", "recovery[B]", "recovery[D]")),
        "recovery[E]": "recovery[C]",
    }
    assert found.statistics["recovery[D]"].change is Change.REGRESSED
    assert found.unpaired == ()


@pytest.mark.trust
@pytest.mark.parametrize("looked", [True, False])
def test_with_no_statistic_in_common_nothing_is_unchanged(*, looked: bool) -> None:
    facts = {"prompts_sha256": "1"} | ({"looked_at": 9} if looked else {})
    old, new = (record(member=f"[{name}]", facts=facts) for name in ("L1H1", "L1H3"))
    units = new.statistics["recovery[L1H3]"]
    other = units.model_copy(update={"n": 19, "units": units.units[:19]})
    new = new.model_copy(update={"statistics": {"recovery[L1H3]": other}})
    found = compared(new, old, "base.json")
    assert found.change is Change.NOT_COMPARABLE
    assert found.reason == (
        "recovery[L1H1] was measured then alone; recovery[L1H3] was measured now alone"
    )


@pytest.mark.trust
def test_a_claim_that_lost_one_of_its_statistics_is_not_unchanged() -> None:
    old, new = record(), record()
    old.statistics["gap"] = old.statistics["recovery"]
    found = compared(new, old, "base.json")
    assert (found.change, found.unpaired) == (Change.NOT_COMPARABLE, ("gap",))
    assert compared(record(-0.15), old, "base.json").change is Change.REGRESSED
    assert compared(old, new, "base.json").change is Change.UNCHANGED
    assert compared(old, new, "base.json").unpaired == ("gap",)


@pytest.mark.trust
def test_a_statistic_of_which_nothing_is_expected_any_more_is_still_compared() -> None:
    new = record(-0.15)
    free = new.statistics["recovery"].model_copy(update={"bound": None, "verdict": None})
    found = compared(new.model_copy(update={"statistics": {"recovery": free}}), record(), "b.json")
    assert found.change is Change.REGRESSED


@pytest.mark.trust
@pytest.mark.parametrize(
    ("facts", "led"),
    [
        ({"ranking": ["L1H1", "L0H0"]}, ("L1H1", "L1H3")),
        ({"set": ["L1H1", "L0H0"]}, ("L1H1", "L1H3")),
        ({"kept": ["L1H1"]}, None),
        ({"kept": ["L1H1"], "looked_at": 9}, ("L1H1", "L1H3")),
    ],
)
def test_whoever_leads_is_told_where_a_claim_looked_for_somebody(
    facts: dict[str, Any], led: tuple[str, str] | None
) -> None:
    now = {key: ["L1H3"] if isinstance(value, list) else value for key, value in facts.items()}
    old, new = (record(facts={"prompts_sha256": "1"} | some) for some in (facts, now))
    assert compared(new, old, "base.json").led == led


@pytest.mark.trust
def test_another_measurement_says_which_keys_differ() -> None:
    then, now = (
        record(fingerprint=site, measures={"site": site, "mode": "noise"} | more)
        for site, more in (("L1H1", {"prompts.half": "judge"}), ("L1H3", {}))
    )
    found = compared(now, then, "base.json")
    assert found.change is Change.NOT_COMPARABLE
    assert found.reason == "site was L1H1, is L1H3; prompts.half was judge, is the default"
