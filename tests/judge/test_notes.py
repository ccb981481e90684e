from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppcheck.judge.notes import finding_notes
from ppcheck.judge.verdict import judge
from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.range import ANY, SHARE
from ppcheck.statistics.statistics import Gap, Mean, Ratio, Statistic


def notes(*statistics: Statistic, bound: str = "> 0", **more: str) -> tuple[str, ...]:
    expect = {name: Bound.parse(text) for name, text in {"effect": bound, **more}.items()}
    findings = judge(statistics, expect, seed=0).findings
    return finding_notes(findings, {"effect": SHARE, "gap": ANY})


def mean(values: list[float], member: str | None = None, **more: Any) -> Mean:
    return Mean(np.array(values), np.arange(len(values)), "effect", member, **more)


def share(gap: Gap, of: float = 0.9) -> Ratio:
    whole = np.array([0.9, 1.0, 1.1, 1.2, 0.8, 1.0])
    return Ratio(of * whole + 0.01, whole, np.arange(6), "effect", gap=gap)


def test_the_usual_method_needs_no_note() -> None:
    assert notes(mean([0.1, 0.2, 0.3, 0.4, 0.5, 0.7])) == ()


def test_unusual_methods_are_said_once_for_all_members() -> None:
    alike = [mean([1.0] * 6, f"L0H{head}", support=(-1, 1)) for head in range(3)]
    (note,) = notes(*alike)
    assert note.startswith("effect (of 3 members): all units seen")
    (note,) = notes(mean([1.0] * 6))
    assert note.startswith("effect: all units give the same number")


def test_what_was_not_judged_is_not_talked_about() -> None:
    other = Mean(np.ones(6), np.arange(6), "other")
    assert notes(mean([0.1, 0.2, 0.3, 0.4, 0.5, 0.7]), other) == ()


@pytest.mark.trust
def test_a_share_of_next_to_nothing_says_what_it_is_a_share_of_and_how_to_state_it() -> None:
    (note,) = notes(share(Gap("gap", 0.009, 0.05)))
    assert note.startswith("effect: not a share of anything, for the gap is 0.009, less than 0.05")
    assert '`gap: "> 0.05"`' in note


@pytest.mark.trust
def test_what_rounding_keeps_from_being_decided_is_said() -> None:
    (note,) = notes(mean([1e-5, 2e-5, 3e-5, 4e-5, 5e-5, 7e-5], step=1e-4))
    assert note.startswith("effect: too near to the bound to be told from rounding, 0.0001 here")
    assert notes(mean([0.1, 0.2, 0.3, 0.4, 0.5, 0.7], step=1e-4)) == ()


@pytest.mark.trust
def test_a_share_beyond_what_is_read_as_one_carries_a_note() -> None:
    (note,) = notes(share(Gap("gap", 1.0, 0.05), of=8.6))
    assert note.startswith("effect: 8.61 is beyond -1..2")
    assert notes(share(Gap("gap", 1.0, 0.05), of=1.2)) == ()
