from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.comparison import compared, compared_runs, n_comparisons
from ppcheck.record.run import ClaimRecord, RunRecord, StatisticRecord

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
    old = record(facts={"prompts_sha256": "1", "players": ["L1H1"]})
    facts = {"prompts_sha256": "1", "players": ["L1H3"]}
    found = compared(record(-0.15, verdict=Verdict.MOVED, facts=facts), old, "base.json")
    assert (found.change, found.moved) == (Change.MOVED, ("L1H1", "L1H3"))


def run(*claims: ClaimRecord, models: tuple[str, ...] = ("demo",)) -> RunRecord:
    return RunRecord(
        started="",
        seconds=1,
        peak_memory_mb=1,
        model={},
        models={model: {} for model in models},
        claims=claims,
    )


def test_runs_of_one_model_each_are_compared_whatever_the_models_are() -> None:
    old = run(record(), record(id="dropped"))
    new = run(record(-0.15, model="new"), record(id="fresh", model="new"), models=("new",))
    found, gone = compared_runs(new, old, "old.json")
    changes = [claim.comparison.change for claim in found.claims if claim.comparison]
    assert changes == [Change.REGRESSED, Change.NEW]
    assert gone == ["a.pp.yaml::dropped"]


def test_runs_of_several_models_are_compared_model_by_model() -> None:
    both = ("demo", "other")
    old = run(record(), record(-0.15, model="other"), models=both)
    found, gone = compared_runs(old, old, "old.json")
    changes = [claim.comparison.change for claim in found.claims if claim.comparison]
    assert (changes, gone) == ([Change.UNCHANGED] * 2, [])


def test_a_records_own_tolerance_counts_when_runs_are_compared() -> None:
    new = run(record(-0.15, tolerance={"recovery": 0.2}))
    (claim,) = compared_runs(new, run(record()), "old.json")[0].claims
    assert claim.comparison is not None
    assert claim.comparison.change is Change.UNCHANGED
