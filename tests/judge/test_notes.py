from __future__ import annotations

import numpy as np

from ppcheck.judge.notes import method_notes
from ppcheck.judge.verdict import judge
from ppcheck.measure.statistics import Mean, Statistic
from ppcheck.spec.bound import Bound


def notes(*statistics: Statistic, on: str = "effect") -> tuple[str, ...]:
    return method_notes(judge(statistics, {on: Bound.parse("> 0")}, seed=0).findings)


def mean(values: list[float], member: str | None = None, **more: tuple[float, float]) -> Mean:
    return Mean(np.array(values), np.arange(len(values)), "effect", member, **more)


def test_the_usual_method_needs_no_note() -> None:
    assert notes(mean([1, 2, 3, 4, 5, 7])) == ()


def test_unusual_methods_are_said_once_for_all_members() -> None:
    alike = [mean([1.0] * 6, f"L0H{head}", support=(-1, 1)) for head in range(3)]
    (note,) = notes(*alike)
    assert note.startswith("effect (of 3 members): almost all units agree")
    (note,) = notes(mean([1.0] * 6))
    assert note.startswith("effect: all units give the same number")


def test_what_was_not_judged_is_not_talked_about() -> None:
    other = Mean(np.ones(6), np.arange(6), "other")
    assert notes(mean([1, 2, 3, 4, 5, 7]), other) == ()
