"""`--model`: which models are taken, and what is said of those that are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from ppcheck.demo import weights_path
from tests.subject.damage import rewrite


def test_a_directory_that_is_no_model_is_a_usage_error(
    pytester: pytest.Pytester, spec: Path
) -> None:
    empty = pytester.mkdir("empty")
    result = pytester.runpytest_inprocess(spec, "--model", str(empty), "--ppcheck-json", "r.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *empty*config.json*"])
    assert not (pytester.path / "r.json").exists()


def test_an_unknown_revision_of_the_demo_names_those_there_are(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, "--model", "demo@blunt")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *'blunt'*blunted*"])


def test_a_hub_name_that_cannot_be_had_gives_one_clear_error(
    pytester: pytest.Pytester, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = pytester.runpytest_subprocess(
        spec, "--model", "nobody/nothing", "--ppcheck-json", "r.json"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str()
    # in full, in the table, and in pytest's short summary
    assert text.count("neither in the cache nor") == 3
    assert "Traceback" not in text
    result.stdout.fnmatch_lines(["*give its directory: ./path/to/it*", "*could not be loaded*"])
    assert not (pytester.path / "r.json").exists()


@pytest.fixture
def copy(pytester: pytest.Pytester) -> Path:
    """The demo's own directory, to be damaged."""
    return Path(shutil.copytree(weights_path(), pytester.path / "copy"))


@pytest.mark.trust
def test_a_model_with_tensors_left_over_passes_no_claim(
    pytester: pytest.Pytester, spec: Path, copy: Path
) -> None:
    rewrite(copy, lambda tensors: tensors.update({"score.weight": torch.ones(2, 64)}))
    result = pytester.runpytest_inprocess(spec, "--model", "./copy", "--ppcheck-json", "r.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no use for 1 of the tensors of ./copy: score.weight*"])
    assert not (pytester.path / "r.json").exists()


@pytest.mark.trust
def test_an_adapter_that_would_not_be_applied_is_a_usage_error(
    pytester: pytest.Pytester, spec: Path, copy: Path
) -> None:
    (copy / "adapter_config.json").write_text("{}")
    result = pytester.runpytest_inprocess(spec, "--model", "./copy")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: ./copy holds an adapter*of its own and write ./copy+ADAPTER*"]
    )


def test_the_short_option_gives_way_to_a_project_that_has_its_own(
    pytester: pytest.Pytester, spec: Path
) -> None:
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--model", default="theirs")

        def pytest_report_header(config):
            return "the project's own: " + config.getoption("--model")
        """
    )
    result = pytester.runpytest_subprocess(
        spec, "-k", "sure", "--model", "ours", "--ppcheck-model", "demo"
    )
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines(["the project's own: ours"])


def test_the_short_option_gives_way_to_a_plugin_that_has_it(
    pytester: pytest.Pytester, spec: Path
) -> None:
    pytester.makepyfile(
        rival="""
        def pytest_addoption(parser):
            parser.addoption("--model", default="theirs")
        """
    )
    pytester.syspathinsert()
    result = pytester.runpytest_inprocess("-p", "rival", "--ppcheck-model", "demo", "--co", spec)
    result.assert_outcomes()
    assert result.ret == pytest.ExitCode.OK


def test_help_names_every_option(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--help")
    result.stdout.fnmatch_lines(["ppcheck: claims about a language model:", "*--ppcheck-model=*"])
