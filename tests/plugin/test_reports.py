"""Reports that other plugins make of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_reports_of_other_plugins_name_every_claim_with_its_outcome(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(
        *(spec, "--html=page.html", "--self-contained-html"),
        *("--json-report", "--json-report-file=report.json"),
    )
    result.assert_outcomes(passed=3, failed=1)
    report = json.loads((pytester.path / "report.json").read_text())
    outcomes = {test["nodeid"].partition("::")[2]: test["outcome"] for test in report["tests"]}
    assert outcomes == {
        "sure": "passed",
        "deterred": "passed",
        "attracted": "failed",
        "last-stream": "passed",
    }
    verdicts = [each["user_properties"][0]["verdict"] for each in report["tests"]]
    assert sorted(verdicts) == ["fails", "holds", "holds", "holds"]
    page = (pytester.path / "page.html").read_text(encoding="utf-8")
    assert all(f"game.pp.yaml::{name}" in page for name in outcomes)
    assert "Pain makes B likelier" in page


@pytest.mark.slow
def test_they_do_so_under_xdist(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_subprocess(
        spec, "-n2", "--html=page.html", "--json-report", "--json-report-file=report.json"
    )
    result.assert_outcomes(passed=3, failed=1)
    report = json.loads((pytester.path / "report.json").read_text())
    assert report["summary"] == {"passed": 3, "failed": 1, "total": 4, "collected": 4}
    assert "game.pp.yaml::sure" in (pytester.path / "page.html").read_text(encoding="utf-8")
