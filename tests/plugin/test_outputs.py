"""Outputs: checked before anything is measured; one that fails later costs no other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ppcheck.record.baseline import read_baseline
from ppcheck.record.database import Database
from ppcheck.record.history import Wanted, courses
from tests.plugin.conftest import SPEC, write_spec

pytestmark = pytest.mark.trust
BLESS = "--ppcheck-bless"
BREAKS = """
import pathlib, pytest, shutil

@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    for name in {names!r}:
        shutil.rmtree(name)
        pathlib.Path(name).write_text("in the way")
"""


@pytest.mark.parametrize(
    ("options", "asked_by"),
    [
        (["--ppcheck-json=/proc/x/run.json"], "--ppcheck-json"),
        (["--ppcheck-json=folder"], "--ppcheck-json"),
        (["--ppcheck-json=pipe"], "--ppcheck-json"),
        (["--ppcheck-markdown=file/run.md"], "--ppcheck-markdown"),
        (["--ppcheck-report=file/site"], "--ppcheck-report"),
        (["--ppcheck-baseline=file/good.json", BLESS], "*file/good.json is not a baseline"),
        (["--ppcheck-baseline=/proc/x/good.json", BLESS], "--ppcheck-baseline"),
        (["--ppcheck-history=sqlite:///file/h.db"], "--ppcheck-history"),
        (["--ppcheck-history=sqlite:///folder"], "--ppcheck-history"),
        (["--ppcheck-history=sqlite:////proc/x/h.db"], "--ppcheck-history"),
    ],
)
def test_an_output_that_cannot_be_written_is_a_usage_error_before_anything_is_collected(
    pytester: pytest.Pytester, spec: Path, options: list[str], asked_by: str
) -> None:
    pytester.mkdir("folder")
    (pytester.path / "file").write_text("in the way")
    os.mkfifo(pytester.path / "pipe")
    result = pytester.runpytest_inprocess(spec, "--ppcheck-markdown=run.md", *options)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {asked_by}: *"])
    assert "collected" not in result.stdout.str()
    assert (pytester.path / "file").read_text() == "in the way"


def test_so_is_the_file_in_which_github_looks_for_a_summary(
    pytester: pytest.Pytester, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/proc/x/summary.md")
    result = pytester.runpytest_inprocess(spec)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *GITHUB_STEP_SUMMARY: /proc/x/summary.md cannot*"])
    spec.unlink()
    pytester.makepyfile("def test_of_another_kind(): pass")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "options",
    [
        ["--ppcheck-json=good.json", "--ppcheck-baseline=./good.json"],
        ["--ppcheck-json=x", "--ppcheck-markdown=folder/../x"],
        ["--ppcheck-json=site/index.html", "--ppcheck-report=site"],
        ["--ppcheck-json=h.db", "--ppcheck-history=sqlite:///h.db"],
    ],
)
def test_two_outputs_in_one_file_are_a_usage_error(
    pytester: pytest.Pytester, spec: Path, options: list[str]
) -> None:
    pytester.mkdir("folder")
    result = pytester.runpytest_inprocess(spec, *options)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --ppcheck-* and --ppcheck-* name the same file*"])


def test_what_is_only_read_or_only_collected_needs_no_place(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(
        spec,
        *("--collect-only", "--ppcheck-json=/proc/x/run.json", "--ppcheck-history=sqlite:///h.db"),
    )
    assert result.ret is pytest.ExitCode.OK
    assert not (pytester.path / "h.db").exists()


def test_a_check_leaves_the_outputs_of_earlier_runs_as_they_are(
    pytester: pytest.Pytester,
) -> None:
    write_spec(pytester, SPEC.replace("prompts:", "models: [gpt2]\nprompts:", 1))
    old = pytester.path / "run.json"
    old.write_text("old")
    pytester.runpytest_inprocess("--ppcheck-json=run.json").assert_outcomes(skipped=4)
    assert old.read_text() == "old"
    assert {path.name for path in pytester.path.iterdir()} >= {"run.json", "game.pp.yaml"}
    assert not list(pytester.path.glob(".run.json*"))


WANTED = {
    "json": ("--ppcheck-json={}/run.json", "run record: {}/run.json was NOT written: *"),
    "markdown": ("--ppcheck-markdown={}/run.md", "summary: {}/run.md was NOT written: *"),
    "report": ("--ppcheck-report={}/site", "report: {}/site was NOT written: *"),
    "baseline": ("--ppcheck-baseline={}/good.json", "baseline: {}/good.json was NOT written: *"),
    "history": (
        "--ppcheck-history=sqlite:///{}/h.db",
        "history: NOT written: sqlite:///{}/h.db: *",
    ),
}


@pytest.mark.parametrize("broken", [("json", "report", "history"), ("markdown", "baseline")])
def test_one_that_fails_later_is_named_and_the_others_are_written(
    pytester: pytest.Pytester, spec: Path, broken: tuple[str, ...]
) -> None:
    """Their folders give way to files while claims are collected."""
    pytester.makeconftest(BREAKS.format(names=broken))
    options = [option.format(name) for name, (option, _) in WANTED.items()]
    result = pytester.runpytest_inprocess(spec, "-k", "deterred", *options, BLESS)
    result.assert_outcomes(passed=1, deselected=3)
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str()
    for name, (_, said) in WANTED.items():
        if name in broken:
            result.stdout.fnmatch_lines([said.format(name)])
            assert (pytester.path / name).read_text() == "in the way"
    assert text.count("NOT written") == len(broken)
    files = ("json/run.json", "markdown/run.md", "report/site/index.html", "baseline/good.json")
    for name, file in zip(WANTED, files, strict=False):
        assert (pytester.path / file).is_file() is (name not in broken)
    if "history" not in broken:
        found = courses(Database("sqlite:///history/h.db", pytester.path), Wanted(), 20)
        assert [one.key.claim for one in found] == ["deterred"]
    assert "Traceback" not in text


def test_a_summary_of_the_job_that_fails_later_is_named(
    pytester: pytest.Pytester, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.mkdir("steps")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "steps/summary.md")
    pytester.makeconftest(BREAKS.format(names=("steps",)))
    result = pytester.runpytest_inprocess(
        spec, "-k", "deterred", "--ppcheck-markdown=run.md", "-p", "no:terminal"
    )
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stderr.fnmatch_lines(
        ["GITHUB_STEP_SUMMARY: steps/summary.md was NOT written: Not a directory"]
    )
    assert "deterred" in (pytester.path / "run.md").read_text()


@pytest.mark.parametrize("quiet", [("--no-summary",), ("-p", "no:terminal")])
def test_outputs_do_not_depend_on_pytests_summary(
    pytester: pytest.Pytester, spec: Path, quiet: tuple[str, ...]
) -> None:
    result = pytester.runpytest_inprocess(
        spec,
        *("-k", "deterred", *quiet, "--ppcheck-json=run.json"),
        *("--ppcheck-baseline=good.json", BLESS),
    )
    assert result.ret is pytest.ExitCode.OK
    assert json.loads((pytester.path / "run.json").read_text())["claims"][0]["id"] == "deterred"
    assert read_baseline(pytester.path / "good.json") is not None
