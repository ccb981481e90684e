"""Values of options that pytest takes for test paths while it looks for its root."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ppcheck.demo import weights_path
from tests.plugin.conftest import SPEC

pytestmark = pytest.mark.trust
CLAIMS = ["sure", "deterred", "attracted", "last-stream"]


@pytest.fixture
def other(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of another project, beside the project with the spec from which pytest is started."""
    project, other = pytester.mkdir("project"), pytester.mkdir("other")
    (project / "game.pp.yaml").write_text(SPEC, encoding="utf-8")
    (project / "pytest.ini").write_text("[pytest]\n")
    (other / "pytest.ini").write_text("[pytest]\naddopts = -k sure\n")
    file = other / "run.json"
    file.write_text("{}")
    monkeypatch.chdir(project)
    return file


def model(folder: Path) -> Path:
    """A copy of the demo model, with a conftest.py that says that it has been run."""
    path = Path(shutil.copytree(weights_path(), folder / "model"))
    (path / "conftest.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\n")
    return path


def collected(pytester: pytest.Pytester, *arguments: str | Path) -> list[str]:
    result = pytester.runpytest_inprocess("--collect-only", "-q", *arguments)
    assert result.ret == pytest.ExitCode.OK, result.stderr.str()
    return [line.rpartition("::")[2] for line in result.outlines if "::" in line]


@pytest.mark.parametrize(
    "flag", ["--ppcheck-json", "--ppcheck-markdown", "--ppcheck-baseline", "--ppcheck-against"]
)
def test_a_value_that_moves_the_root_is_a_usage_error_that_says_what_to_write(
    pytester: pytest.Pytester, other: Path, flag: str
) -> None:
    result = pytester.runpytest_inprocess(flag, other)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *write {flag}={other}"])
    assert "collected" not in result.stdout.str()


def test_joined_to_its_option_it_moves_nothing(pytester: pytest.Pytester, other: Path) -> None:
    assert collected(pytester, f"--ppcheck-json={other}") == CLAIMS


def test_a_value_in_the_environment_counts_too(
    pytester: pytest.Pytester, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--ppcheck-json {other}")
    result = pytester.runpytest_inprocess()
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *write --ppcheck-json={other}"])


@pytest.mark.usefixtures("other")
def test_a_value_within_the_project_moves_nothing(pytester: pytest.Pytester) -> None:
    Path("out").mkdir()
    for value in ("run.json", "out/run.json"):
        Path(value).write_text("{}")
        assert collected(pytester, "--ppcheck-json", value) == CLAIMS
        assert collected(pytester, "game.pp.yaml", "--ppcheck-json", value) == CLAIMS
    Path("out", "tox.ini").write_text("[pytest]\n")
    result = pytester.runpytest_inprocess("--ppcheck-json", "out/run.json")
    assert result.ret is pytest.ExitCode.USAGE_ERROR


def test_where_the_configuration_is_named_nothing_else_is_looked_for(
    pytester: pytest.Pytester, other: Path
) -> None:
    assert collected(pytester, "-c", "pytest.ini", "--ppcheck-json", other) == CLAIMS


def test_a_model_elsewhere_moves_no_root_and_runs_no_conftest(
    pytester: pytest.Pytester, other: Path
) -> None:
    path = model(other.parent)
    result = pytester.runpytest_inprocess("--model", path)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *write --model={path}"])
    assert collected(pytester, f"--model={path}") == CLAIMS
    assert not (other.parent / "ran").exists()


def test_a_model_within_the_project_runs_no_conftest_and_hides_none(
    pytester: pytest.Pytester, other: Path
) -> None:
    project = other.parent.parent / "project"
    model(project)
    Path("tests").mkdir()
    Path("tests", "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--ours', action='store_true')\n"
    )
    assert collected(pytester, "--model", "model", "--ours", "game.pp.yaml", "tests") == CLAIMS
    assert not (project / "ran").exists()
    assert collected(pytester, "--ours", "--model", "./model") == CLAIMS


def test_the_folder_of_an_adapter_or_a_gguf_file_runs_no_conftest(
    pytester: pytest.Pytester, other: Path
) -> None:
    project = other.parent.parent / "project"
    path = model(project)
    (path / "config.json").unlink()
    (path / "model.safetensors").rename(path / "adapter_model.safetensors")
    (path / "adapter_config.json").write_text('{"base_model_name_or_path": "demo"}')
    (path / "tiny.gguf").write_bytes(b"GGUF")
    for name in ("model", "model/tiny.gguf"):
        assert collected(pytester, "--model", name, "game.pp.yaml") == CLAIMS
    assert not (project / "ran").exists()
    assert other.exists()


def test_a_projects_own_flag_called_model_may_stand_before_its_tests(
    pytester: pytest.Pytester, other: Path
) -> None:
    tests = pytester.mkdir("elsewhere")
    (tests / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--model', action='store_true')\n"
    )
    shutil.copy("game.pp.yaml", tests)
    assert other.exists()
    assert collected(pytester, "--model", tests) == CLAIMS
