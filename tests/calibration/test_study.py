from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.judge.interval import Estimate
from ppcheck.measure.registry import CHECKS
from ppcheck.statistics.statistics import Statistic
from tests.calibration import study
from tests.calibration.checks import STUDIES
from tests.calibration.page import REASONS, page
from tests.calibration.samples import CASES
from tests.calibration.study import (
    GOAL,
    GOAL_FROM,
    Size,
    complete,
    coverage,
    misses,
    run,
    verdicts,
)

DOCS = Path(__file__).parents[2] / "docs"
TINY = Size(coverage=2, alarms=2, power=2, units=(10,), verdict_units=(10,), grid=12)


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "calibration.json").read_text(encoding="utf-8"))
    return found


def test_the_committed_study_meets_its_goals_or_names_the_miss(committed: dict[str, Any]) -> None:
    least, most = GOAL
    named = {
        (miss["statistic"], miss["data"], miss["n"])
        for miss in committed["misses"]
        if miss["of"] == "coverage"
    }
    for row in committed["coverage"]:
        if row["n"] >= GOAL_FROM and (row["statistic"], row["data"], row["n"]) not in named:
            assert least <= row["coverage"] <= most, row
    for row in committed["alarms"]:
        assert row["p"] >= 0.01 or (row["check"] in REASONS and row["alarms"] < 0.15), row


def test_no_interval_covers_far_too_seldom(committed: dict[str, Any]) -> None:
    for row in committed["coverage"]:
        assert row["coverage"] >= (0.92 if row["n"] >= GOAL_FROM else 0.88), row


def test_the_page_is_that_of_the_committed_figures(committed: dict[str, Any]) -> None:
    assert (DOCS / "calibration.md").read_text(encoding="utf-8") == page(committed)


def test_every_check_has_been_tried_without_an_effect_and_with_one(
    committed: dict[str, Any],
) -> None:
    for part in ("alarms", "power"):
        assert {row["check"].partition(":")[0] for row in committed[part]} >= set(CHECKS)


def test_power_grows_with_the_number_of_units(committed: dict[str, Any]) -> None:
    by_claim: dict[tuple[Any, ...], list[float]] = {}
    for row in committed["power"]:
        key = (row["check"], row["correction"], row["effect"])
        by_claim.setdefault(key, []).append(row["power"])
    for key, powers in by_claim.items():
        assert powers[-1] > 0.5 or powers[-1] > powers[0], key
        assert all(b >= a - 0.1 for a, b in pairwise(powers)), key


def test_intervals_that_are_too_narrow_are_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    def half(statistic: Statistic, *, seed: int) -> Estimate:
        del seed
        middle = float(statistic.estimate(np.ones((1, statistic.n_units)))[0])
        return Estimate(middle, middle - 0.01, middle + 0.01, 30, "bca", 0.95)

    monkeypatch.setattr(study, "interval", half)
    rows = coverage(Size(coverage=20, alarms=1, power=1), ("simulated", 0), 30)
    (miss,) = misses(rows, [])
    assert miss["coverage"] < 0.5
    assert "too narrow" in page(
        {
            "goals": {"coverage": GOAL, "coverage_from": GOAL_FROM, "alarms": 0.05},
            "seconds": 1,
            "coverage": rows,
            "alarms": [
                {"check": "c", "correction": None, "n": 1, "trials": 1, "alarms": 0, "p": 1}
            ],
            "power": [
                {"check": "c", "correction": None, "effect": 1, "n": 1, "trials": 1, "power": 1}
            ],
            "misses": [miss],
        }
    )


def test_verdicts_without_an_effect_are_a_miss_where_chance_would_not_give_them() -> None:
    row = {"check": "patch", "correction": None, "n": 30, "alarms": 0.2, "p": 1e-9}
    assert misses([], [row])[0]["alarms"] == 0.2
    assert misses([], [{**row, "p": 0.2}]) == []


@pytest.mark.parametrize("number", range(len(STUDIES)))
def test_every_check_can_be_tried(number: int) -> None:
    for effect in (0.0, STUDIES[number].effects[-1]):
        rows = verdicts(TINY, number, 10, effect)
        assert len(rows) == (4 if STUDIES[number].family else 1)
        assert verdicts(TINY, number, 10, effect) == rows


def test_what_a_study_lacks_is_added_in_order_and_what_is_no_more_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty: dict[str, Any] = {"coverage": [], "alarms": [], "power": [], "seconds": 100}
    monkeypatch.setattr(study, "STUDIES", STUDIES[1:3])
    whole = complete(empty, TINY, workers=1)
    rows = [row for part in ("alarms", "power") for row in whole[part]]
    assert [row["check"] for row in rows] == [
        *(one.check for one in STUDIES[1:3]),
        *(one.check for one in STUDIES[1:3] for _ in one.effects),
    ]
    assert whole["seconds"] >= 100

    monkeypatch.setattr(study, "STUDIES", STUDIES[2:4])
    later = complete(whole, TINY, workers=1)
    monkeypatch.setattr(study, "STUDIES", STUDIES[1:4])
    again = complete(later, TINY, workers=1)
    assert {row["check"] for row in later["alarms"]} == {one.check for one in STUDIES[2:4]}
    assert [row for row in again["power"] if row["check"] == STUDIES[1].check] == [
        row for row in whole["power"] if row["check"] == STUDIES[1].check
    ]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_many_units_are_close_to_the_truth_of_their_case(number: int) -> None:
    case = CASES[number]
    statistic = case.make(np.random.default_rng(0), 1500)
    found = float(statistic.estimate(np.ones((1, 1500)))[0])
    assert found == pytest.approx(case.truth, abs=0.15)


@pytest.mark.slow
def test_a_tiny_study_has_every_part_of_the_committed_one(committed: dict[str, Any]) -> None:
    found = run(TINY, workers=1)
    assert found.keys() == committed.keys()
    for part in ("coverage", "alarms", "power"):
        assert found[part][0].keys() == committed[part][0].keys()
        titles = [
            {
                (row.get("check"), row.get("statistic"), row.get("effect"), row.get("correction"))
                for row in each[part]
            }
            for each in (found, committed)
        ]
        assert titles[0] == titles[1]
    assert page(json.loads(json.dumps(found))).startswith("# Calibration")
