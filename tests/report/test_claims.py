from __future__ import annotations

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.facts import Facts
from ppcheck.report.claims import most_telling_first, slow_models, tally
from tests.report.runs import claim, statistic


def test_verdicts_are_counted_in_words() -> None:
    records = [claim(v) for v in (Verdict.HOLDS, Verdict.HOLDS, Verdict.ERROR)]
    assert tally(records) == "3 claims: 2 hold, 1 error"


def test_a_model_that_cannot_be_replayed_is_named_once_with_cost_and_reason() -> None:
    why = "L0H0 differs from a whole pass by 0.1"
    facts = (Facts(no_replay=why, work=(100, 40)), Facts(no_replay=why, work=(50, 10)))
    slow = [claim(Verdict.HOLDS).model_copy(update={"facts": each}) for each in facts]
    (line,) = slow_models([slow[0], claim(Verdict.HOLDS), slow[1]])
    assert line == (
        "demo cannot be replayed, so that 2 claims took whole forward passes, which are as exact "
        f"and 3.0 times the work or more: {why}"
    )
    known = claim(Verdict.HOLDS).model_copy(update={"facts": Facts(no_replay=why, work=(0, 0))})
    assert "which are as exact and more work" in slow_models([known])[0]
    assert slow_models([claim(Verdict.HOLDS)]) == []


def test_what_is_told_first_is_judged_worst_first_and_then_what_nobody_expected() -> None:
    statistics = {
        "unasked": statistic(None, bound=None),
        "well": statistic(Verdict.HOLDS, estimate=0.9),
        "barely": statistic(Verdict.HOLDS, estimate=0.31),
        "open": statistic(Verdict.INCONCLUSIVE),
        "broken": statistic(Verdict.FAILS, estimate=0.1),
    }
    order = [name for name, _ in most_telling_first(claim(statistics=statistics))]
    assert order == ["broken", "open", "barely", "well", "unasked"]
