"""`--ppcheck-history`: runs of pytest and what the store then holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcheck.cli import main
from ppcheck.record.course import Course
from ppcheck.record.database import Database
from ppcheck.record.history import Wanted, courses
from ppcheck.record.store_url import DEFAULT_STORE
from tests.record.test_commit import git


def held(pytester: pytest.Pytester, url: str = DEFAULT_STORE) -> dict[str, Course]:
    found = courses(Database(url, pytester.path), Wanted(), 20)
    return {one.key.claim: one for one in found}


def test_runs_are_added_with_their_commit_and_their_figures(
    pytester: pytest.Pytester, spec: Path
) -> None:
    git(pytester.path, "init", "-q")
    git(pytester.path, "add", spec.name)
    git(pytester.path, "commit", "-qm", "first")
    command = (spec, "--ppcheck-history", "--ppcheck-json=run.json")
    result = pytester.runpytest_inprocess(*command)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["history: sqlite:///reports/history.db (4 claims added)"])
    record = json.loads((pytester.path / "run.json").read_text())
    assert record["commit"] == git(pytester.path, "rev-parse", "HEAD")
    spec.write_text(spec.read_text() + "# changed\n")
    pytester.runpytest_inprocess(*command, "-k", "deterred")
    found = held(pytester)
    assert {name: one.runs for name, one in found.items()} == {
        "sure": 1,
        "deterred": 2,
        "attracted": 1,
        "last-stream": 1,
    }
    assert [point.mark.commit for point in found["deterred"].points] == [
        record["commit"],
        f"{record['commit']}+dirty",
    ]
    difference = record["claims"][1]["statistics"]["difference"]["estimate"]
    assert [one and one.estimate for one in found["deterred"].curve] == [difference, difference]
    assert found["attracted"].last.verdict == "fails"


def test_the_records_file_is_the_run_that_was_added(
    pytester: pytest.Pytester, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.runpytest_inprocess(
        spec, "-k", "deterred", "--ppcheck-history=sqlite:///h.db", "--ppcheck-json=run.json"
    )
    capsys.readouterr()
    store = f"--store=sqlite:///{pytester.path}/h.db"
    assert main(["history", "add", str(pytester.path / "run.json"), store]) == 0
    assert "the store has this run already" in capsys.readouterr().out


@pytest.mark.slow
def test_workers_add_a_run_once(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_subprocess(spec, "-n", "2", "--ppcheck-history")
    result.assert_outcomes(passed=3, failed=1)
    text = result.stdout.str()
    assert text.count("history: ") == 1
    assert "history: sqlite:///reports/history.db (4 claims added)" in text
    assert {one.runs for one in held(pytester).values()} == {1}


@pytest.mark.trust
def test_a_store_is_beside_the_configuration_that_names_it_or_where_pytest_was_started(
    pytester: pytest.Pytester, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\nppcheck_history = sqlite:///runs.db")
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    pytester.runpytest_inprocess(spec, "-k", "deterred")
    assert {one.runs for one in held(pytester, "sqlite:///runs.db").values()} == {1}
    pytester.runpytest_inprocess(spec, "-k", "deterred", "--ppcheck-history=sqlite:///other.db")
    assert (below / "other.db").exists()


@pytest.mark.trust
def test_a_store_that_cannot_be_used_is_said_before_anything_is_measured(
    pytester: pytest.Pytester, spec: Path
) -> None:
    taken = pytester.path / "taken.db"
    taken.write_text("no database " * 99)
    result = pytester.runpytest_inprocess(spec, "--ppcheck-history=sqlite:///taken.db")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --ppcheck-history: sqlite:///taken.db: file is not a database"]
    )
    assert "collected" not in result.stdout.str()
    assert taken.read_text() == "no database " * 99


def test_without_the_option_there_is_no_store(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_inprocess(spec, "-k", "deterred")
    assert not list(pytester.path.rglob("*.db"))
    assert "history: " not in result.stdout.str()


def test_what_is_no_url_is_a_usage_error_before_anything_runs(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess("--ppcheck-history", spec)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*is not a URL of a store: write sqlite:///FILE or postgresql*, after --ppcheck-history=*"]
    )
    assert "collected" not in result.stdout.str()
