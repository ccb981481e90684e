"""`ppcheck init`: what it writes works when its next steps are pasted, and nothing is lost."""

from __future__ import annotations

import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from ppcheck.cli import main

WRITTEN = ["specs/first.pp.yaml", "pytest.ini", ".github/workflows/ppcheck.yml"]


def steps(output: str) -> list[str]:
    """The commands under `next:`."""
    lines = output.partition("next:\n")[2].splitlines()
    return [line.strip() for line in lines[::2]]


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_is_named_and_the_spec_is_valid(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [f"wrote {name}" for name in WRITTEN]
    assert sorted(files(project)) == sorted(WRITTEN)
    assert main(["validate", "specs"]) == 0
    assert capsys.readouterr().out == "specs/first.pp.yaml: 3 claims, no problem\n"


def test_the_next_steps_work_when_they_are_pasted(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    first, bless, update, shipped = map(shlex.split, steps(capsys.readouterr().out))
    result = pytester.runpytest_inprocess(*first[1:])
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["All 3 claims hold", "no baseline yet: *"])
    pytester.runpytest_inprocess(*bless[1:]).assert_outcomes(passed=3)
    assert (pytester.path / "specs" / "baseline.json").is_file()
    result = pytester.runpytest_inprocess(*update[1:])
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*pain-mover *▼ regressed from *"])
    assert (pytester.path / "reports" / "html" / "index.html").is_file()
    result = pytester.runpytest_inprocess(*shipped[1:], "-k", "pain-deters")
    result.assert_outcomes(passed=1)
    assert result.ret is pytest.ExitCode.OK


def test_the_ci_job_installs_this_version_and_gates_the_model(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["init"]) == 0
    path = pytester.path / ".github" / "workflows" / "ppcheck.yml"
    workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    commands = [s["run"] for s in workflow["jobs"]["claims"]["steps"] if "run" in s]
    install, run = commands
    assert install == f'pip install "ppcheck=={version("ppcheck")}"'
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    words = shlex.split(run.replace("$MODEL", workflow["env"]["MODEL"]))
    assert words[:2] == ["pytest", "specs"]
    pytester.runpytest_inprocess(*words[1:], "-k", "pain-deters").assert_outcomes(passed=1)
    written = {file.name for file in (pytester.path / "ppcheck-report").iterdir()}
    assert written == {"index.html", "run.json"}


def test_a_file_that_exists_is_left_as_it_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "specs").mkdir()
    (project / "specs" / "first.pp.yaml").write_text("mine")
    assert main(["init"]) == 0
    assert capsys.readouterr().out.startswith("kept  specs/first.pp.yaml: it exists\nwrote pytest")
    before = files(project)
    assert before["specs/first.pp.yaml"] == "mine"
    assert main(["init"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[:3]] == [f"kept  {name}" for name in WRITTEN]
    assert files(project) == before


@pytest.mark.parametrize(
    ("name", "text", "setting"),
    [
        ("pytest.toml", "[pytest]\n", 'ppcheck_model = ["demo"]'),
        ("pyproject.toml", "[tool.pytest]\n", 'ppcheck_model = ["demo"]'),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", 'ppcheck_model = ["demo"]'),
        ("tox.ini", "[pytest]\n", "ppcheck_model = demo"),
        ("setup.cfg", "[tool:pytest]\n", "ppcheck_model = demo"),
        (".pytest.ini", "[pytest]\n", "ppcheck_model = demo"),
    ],
)
def test_a_project_that_configures_pytest_is_told_what_to_add(
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    setting: str,
) -> None:
    file = pytester.path / name
    file.write_text(text)
    assert main(["init"]) == 0
    said = capsys.readouterr().out
    assert f"kept  {name}: it configures pytest already. Add to its section for pytest:\n" in said
    assert not (pytester.path / "pytest.ini").exists()
    assert steps(said)[1] == "pytest specs --ppcheck-baseline=specs/baseline.json --ppcheck-bless"
    added = said.partition("section for pytest:\n")[2].splitlines()[:2]
    assert added[0].strip() == setting
    file.write_text(text + "".join(f"{line.strip()}\n" for line in added))
    result = pytester.runpytest_inprocess("--collect-only")
    result.stdout.fnmatch_lines([f"configfile: {name}", "*3 tests collected*"])
    assert main(["init"]) == 0
    said = capsys.readouterr().out
    assert "Add to its section" not in said
    assert steps(said)[1] == "pytest specs --ppcheck-bless"


@pytest.mark.parametrize("name", ["pyproject.toml", "tox.ini", "setup.cfg"])
def test_a_configuration_of_other_tools_is_none_of_pytests(project: Path, name: str) -> None:
    (project / name).write_text("[tool]\na = 1\n")
    assert main(["init"]) == 0
    assert (project / "pytest.ini").is_file()


def test_another_folder_is_made_and_is_the_first_step(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "my project"]) == 0
    assert steps(capsys.readouterr().out)[0] == "cd 'my project'"
    assert sorted(files(project / "my project")) == sorted(WRITTEN)


def test_what_cannot_be_written_is_named_and_the_others_are_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "specs").write_text("in the way")
    assert main(["init"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("specs/first.pp.yaml was NOT written: ")
    assert "next:" not in said
    assert (project / "pytest.ini").is_file()
    assert main(["init", "specs"]) == 1
    assert capsys.readouterr().out == "specs is a file: name the folder of the project\n"
