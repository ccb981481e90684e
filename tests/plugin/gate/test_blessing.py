"""Baselines that are blessed and never lost, and options that clash."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.gate.baselines import GATE, KEYS, claims


def test_a_missing_baseline_informs_and_fails_nothing(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, *GATE, "-k", "deterred")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["no baseline yet: --ppcheck-bless writes good.json"])
    assert not (pytester.path / "good.json").exists()


def test_a_baseline_is_written_only_when_it_is_blessed(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    assert claims(blessed) == KEYS
    before = blessed.read_bytes()
    result = pytester.runpytest_inprocess(spec, *GATE, "--model=demo@blunted")
    assert blessed.read_bytes() == before
    result.stdout.fnmatch_lines(
        [
            "*deterred*< -0.1*regressed from -0.*",
            "behaviour regressed, mechanism no longer holds: *deterred*",
            "against good.json: 1 regressed, *",
        ]
    )


@pytest.mark.trust
def test_a_first_blessing_says_nothing_of_changes(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-bless", "-k", "sure")
    text = result.stdout.str()
    assert "new" not in text.partition("= ppcheck =")[2]
    assert "against" not in text
    result.stdout.fnmatch_lines(["The one claim holds"])


def test_a_partial_run_neither_deletes_nor_fails_what_it_left_out(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-bless", "-k", "sure")
    result.assert_outcomes(passed=1)
    assert claims(blessed) == KEYS
    assert "gone" not in result.stdout.str()


def test_a_run_that_was_cut_short_blesses_nothing(pytester: pytest.Pytester, spec: Path) -> None:
    pytester.makeconftest("def pytest_runtest_teardown(item):\n    raise KeyboardInterrupt\n")
    result = pytester.runpytest_subprocess(spec, *GATE, "--ppcheck-bless")
    result.stdout.fnmatch_lines(["not blessed: the run did not come to its end, *"])
    assert not (pytester.path / "good.json").exists()


def test_a_damaged_baseline_is_an_error_at_the_start(pytester: pytest.Pytester, spec: Path) -> None:
    (pytester.path / "good.json").write_text("{")
    result = pytester.runpytest_inprocess(spec, *GATE)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*good.json is no baseline*--ppcheck-bless*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ppcheck-bless"], "name --ppcheck-baseline"),
        ([*GATE, "--ppcheck-against=demo"], "not both"),
        ([*GATE, "--ppcheck-bless", "--model=demo", "--model=demo@tuned"], "of one model"),
        (["--ppcheck-against=demo@nonsense"], "no revision 'nonsense'"),
    ],
)
def test_options_that_clash_are_refused(
    pytester: pytest.Pytester, spec: Path, arguments: list[str], message: str
) -> None:
    result = pytester.runpytest_inprocess(spec, *arguments)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


@pytest.mark.trust
def test_a_run_with_another_seed_than_its_baseline_is_refused(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    assert blessed.exists()
    result = pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-seed=7")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    assert "good.json was measured with seed 0, and this run has 7" in result.stderr.str()
