"""Records as data frames: a row for each claim, or for each statistic."""

from __future__ import annotations

import builtins
import math
from typing import Any

import pytest

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.report.frame import claims_frame, statistics_frame
from tests.report.runs import claim, difference, statistic


def test_a_claims_row_has_the_statistic_that_decided_it() -> None:
    decided = {"gap": statistic(estimate=2.0), "recovery": statistic(Verdict.FAILS, n=12)}
    frame = claims_frame([claim(Verdict.FAILS, statistics=decided), claim(Verdict.ERROR)])
    first, second = frame.to_dict("records")
    assert (first["claim"], first["verdict"], first["outcome"]) == (
        *("claim-fails", "fails", "failed"),
    )
    assert [first[key] for key in ("statistic", "estimate", "low", "high", "n", "bound")] == [
        *("recovery", 0.4, 0.35, math.inf, 12, ">= 0.3"),
    ]
    assert second["reason"] == "specs/a.pp.yaml:3: it is error"
    assert frame.loc[1, ["statistic", "estimate", "n"]].isna().all()


def test_figures_are_numbers_whatever_is_missing() -> None:
    frame = claims_frame([claim(), claim(Verdict.ERROR)])
    kinds = {name: str(frame[name].dtype) for name in ("estimate", "low", "high", "n")}
    assert kinds == {"estimate": "float64", "low": "float64", "high": "float64", "n": "Int64"}


def test_a_compared_claim_has_its_change() -> None:
    frame = claims_frame([claim(comparison=difference(Change.REGRESSED)), claim()])
    assert frame["change"].tolist()[0] == "regressed"
    assert frame["change"].isna().tolist() == [False, True]


def test_each_statistic_has_a_row_with_its_member_and_its_own_verdict() -> None:
    statistics = {"recovery[L1H1]": statistic(family=4, p=0.01), "gap": statistic(None)}
    frame = statistics_frame([claim(statistics=statistics), claim(Verdict.ERROR)])
    first, second = frame.to_dict("records")
    assert [first[key] for key in ("statistic", "member", "verdict", "p", "family_size")] == [
        *("recovery", "L1H1", "holds", 0.01, 4),
    ]
    assert second["statistic"] == "gap"
    assert frame["verdict"].isna().tolist() == [False, True]


def test_a_difference_between_members_is_a_statistic_without_a_member() -> None:
    name = "drop[L1H1] - drop[L0H1]"
    (row,) = statistics_frame([claim(statistics={name: statistic()})]).to_dict("records")
    assert row["statistic"] == name
    assert row["member"] is None


def test_no_claims_are_a_frame_with_all_columns() -> None:
    assert list(claims_frame([]).columns) == list(claims_frame([claim()]).columns)
    assert len(statistics_frame([])) == 0


def test_without_pandas_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"to_pandas needs pandas: pip install 'ppcheck\[pandas"):
        claims_frame([claim()])
