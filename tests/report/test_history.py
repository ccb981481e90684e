"""What a person reads of a claim's runs, and what a program does."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.judge.verdict import Verdict
from ppcheck.record.history import add
from ppcheck.record.run import ClaimRecord, RunRecord, StatisticRecord
from ppcheck.report.claims import deciding
from ppcheck.report.history import added, as_json, overview, runs, sparkline
from tests.record.histories import measured, on_day, store, told
from tests.report.runs import claim, hostile, statistic

FAILS = Verdict.FAILS
STEPS = "▁▂▃▄▅▆▇█"


def of(estimate: float, half: float = 0.0) -> StatisticRecord:
    return statistic(estimate=estimate, low=estimate - half, high=estimate + half)


@given(st.lists(st.none() | st.floats(-1e9, 1e9).map(of)))
def test_a_sparkline_rises_where_the_estimate_does(curve: list[StatisticRecord | None]) -> None:
    line = sparkline(curve)
    assert len(line) == len(curve)
    assert [one is None for one in curve] == [mark == "·" for mark in line]
    known = sorted(
        (one.estimate, STEPS.index(m)) for one, m in zip(curve, line, strict=True) if one
    )
    steps = [step for _, step in known]
    assert steps == sorted(steps)
    if known and known[0][0] < known[-1][0]:
        assert (steps[0], steps[-1]) == (0, 7)


def test_noise_within_the_intervals_looks_level_and_a_fall_does_not() -> None:
    assert sparkline([of(0.40, 0.1), of(0.41, 0.1), of(0.40, 0.1)]) == "▄▅▄"
    assert sparkline([of(0.40, 0.02), of(0.40, 0.02), of(0.19, 0.02)]) == "██▁"
    assert sparkline([of(1.0), of(1.0)]) == "▅▅"


def records() -> list[RunRecord]:
    spec = "specs/demo.pp.yaml"

    def mover(estimate: float, verdict: Verdict = Verdict.HOLDS, **facts: str) -> ClaimRecord:
        return measured(estimate, verdict, spec=spec, facts=facts)

    stays = measured(0.9, id="stays", spec=spec)
    broken = claim(Verdict.ERROR, id="stays", spec=spec, reason=f"{spec}:3: out of memory")
    never = claim(Verdict.NOT_APPLICABLE, id="never", spec=spec)
    return [
        on_day(1, mover(0.5), stays),
        on_day(2, mover(0.55), stays, commit=None),
        on_day(3, mover(0.125, FAILS), stays),
        on_day(4, mover(0.1, FAILS), broken, never, commit=f"{'04' * 20}+dirty"),
    ]


def test_the_overview_has_a_line_a_claim_with_its_verdict_and_since_when(tmp_path: Path) -> None:
    text = overview(told(store(tmp_path, *records())), colour=False, width=140)
    mover = "2026-11-03 at 0303030, 2 of 4 runs, first 2026-11-01, last 2026-11-04"
    stays = "2026-11-04 at 0404040+dirty, 1 of 4 runs, first 2026-11-01"
    assert text.splitlines() == [
        "specs/demo.pp.yaml  on demo",
        f"✗  mover  recovery 0.1          ▇▇▂▂  since {mover}",
        f"!  stays  out of memory         ▅▅▅·  since {stays}",
        "1 claim was never applicable; name it to see it",
    ]


def test_a_claims_runs_have_a_row_each(tmp_path: Path) -> None:
    text = runs(told(store(tmp_path, *records()), "mover"), colour=False)
    title, says, since, _, *rows = text.rstrip().splitlines()
    assert title == "specs/demo.pp.yaml::mover  on demo"
    assert says == "  This claim fails."
    assert since == (
        "  fails since 2026-11-03 10:00 at 0303030: the last 2 of 4 runs; recovery  ▇▇▂▂"
    )
    assert [" ".join(row.split()) for row in rows] == [
        "2026-11-01 10:00 0101010 6b26d43f ✓ holds recovery 0.5 [0.4, 0.6] >= 0.3",
        "2026-11-02 10:00 - 6b26d43f ✓ holds recovery 0.55 [0.45, 0.65] >= 0.3 +0.05",
        "2026-11-03 10:00 0303030 6b26d43f ✗ fails recovery 0.125 [0.025, 0.225] >= 0.3 -0.425",
        "2026-11-04 10:00 0404040+dirty 6b26d43f ✗ fails recovery 0.1 [0, 0.2] >= 0.3 -0.025",
    ]


def test_what_was_cut_off_is_said(tmp_path: Path) -> None:
    found = told(store(tmp_path, *records()), "mover", last=2)
    assert "  the last 2 of 4 runs (--last N)\n" in runs(found, colour=False)


def test_json_says_it_in_full(tmp_path: Path) -> None:
    held = json.loads(as_json(told(store(tmp_path, *records()), "mover")))
    assert held["schema"] == "ppcheck.history/1"
    (found,) = held["claims"]
    assert found["since"] == {"started": "2026-11-03T10:00:00+00:00", "commit": "03" * 20}
    assert (found["verdict"], found["streak"], found["runs"]) == ("fails", 2, 4)
    assert found["points"][2] == {
        "started": "2026-11-03T10:00:00+00:00",
        "commit": "03" * 20,
        "verdict": "fails",
        "reason": None,
        "revision": None,
        "weights_sha256": "6b26d43f" * 8,
        "statistic": "recovery",
        "estimate": 0.125,
        "low": pytest.approx(0.025),
        "high": pytest.approx(0.225),
        "n": 40,
        "confidence": 0.95,
        "method": "studentised",
        "bound": ">= 0.3",
        "change": pytest.approx(-0.425),
        "otherwise": None,
    }


def test_names_stay_text(tmp_path: Path) -> None:
    database = store(tmp_path)
    record = on_day(1, *hostile())
    assert add(database, record.model_copy(update={"commit": "\x1b[31m"}), "a" * 64, deciding)
    found = told(database)
    for text in (overview(found, colour=False), runs(found, colour=False)):
        controls = {each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Cs")}
        assert controls == {"\n"}
        assert "\\x1b[31m" in text
        assert "{{ 7 * 7 }}" in text
    assert len(json.loads(as_json(found))["claims"]) == len(found)


def test_what_was_added_is_counted() -> None:
    assert added(14, is_new=True) == "14 claims added"
    assert added(1, is_new=True) == "1 claim added"
    assert added(3, is_new=False) == "the store has this run already"
