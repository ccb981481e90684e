"""A claim is the same wherever pytest is started and its baseline lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import SPEC
from tests.plugin.gate.baselines import IN_BOTH, Reader, claims


@pytest.mark.trust
def test_a_claim_is_the_same_from_whatever_folder_pytest_is_started(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch, read_record: Reader
) -> None:
    assert claims(project / "good.json") == IN_BOTH
    monkeypatch.chdir(project / "specs")
    options = "--ppcheck-baseline=../good.json", "--ppcheck-json=../run.json", "-k", "deterred"
    result = pytester.runpytest_inprocess("a.pp.yaml", *options, "--model=demo@blunted")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["against ../good.json: 1 regressed"])
    record = read_record("run.json")
    assert [claim["spec"] for claim in record["claims"]] == ["specs/a.pp.yaml"]
    assert record["specs"] == {"specs/a.pp.yaml": ["sure", "deterred", "attracted", "last-stream"]}


@pytest.mark.trust
def test_blessing_from_another_folder_takes_nothing_of_other_specs_out(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = pytester.mkdir("elsewhere")
    monkeypatch.chdir(elsewhere)
    options = "--ppcheck-baseline=../good.json", "--ppcheck-bless", "-k", "deterred"
    pytester.runpytest_inprocess("../specs/a.pp.yaml", *options)
    assert claims(project / "good.json") == IN_BOTH


@pytest.mark.trust
def test_a_baseline_that_was_moved_away_from_its_specs_compares_nothing_and_fails(
    pytester: pytest.Pytester, project: Path
) -> None:
    folder = pytester.mkdir("kept")
    for file in project.glob("good.json*"):
        file.rename(folder / file.name)
    (project / "specs").rename(project / "claims")
    before = (folder / "good.json").read_bytes()
    moved = "--ppcheck-baseline=kept/good.json"
    for more in ((), ("--ppcheck-bless",)):
        result = pytester.runpytest_inprocess("claims", moved, "-k", "sure", *more)
        result.assert_outcomes(passed=2)
        assert result.ret == (pytest.ExitCode.TESTS_FAILED)
        result.stdout.fnmatch_lines(["nothing was compared: *kept/good.json is about specs/a.pp*"])
    result.stdout.fnmatch_lines(["not blessed: nothing was compared: *"])
    assert (folder / "good.json").read_bytes() == before


@pytest.mark.trust
def test_two_specs_of_the_same_name_in_a_run_are_refused(pytester: pytest.Pytester) -> None:
    for folder in ("one", "two"):
        path = pytester.path / folder / "specs" / "a.pp.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(SPEC, encoding="utf-8")
    result = pytester.runpytest_inprocess(".", "-k", "nothing")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*two/specs/a.pp.yaml:1: *one/specs/a.pp.yaml is called specs/a*"])
