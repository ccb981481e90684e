"""What commands print and write: no name steers a terminal, and what fails is named."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from importlib.metadata import version
from pathlib import Path

import pytest

from ppcheck.cli import main
from ppcheck.record.run import RunRecord

pytestmark = pytest.mark.trust
STEERING = "a\x1b[31m\u202e\nb"
RUN = RunRecord(started="2026-11-27", seconds=1, peak_memory_mb=1, model={}, models={}, claims=())


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("game.pp.yaml").write_text("ppcheck: 1\n")


@pytest.mark.parametrize(
    "command",
    [
        "validate NAME",
        "plan NAME",
        "report NAME",
        "compare NAME NAME",
        "history add NAME",
        "history show --store sqlite:///NAME",
        "audit NAME",
        "audit game.pp.yaml --model ./NAME{",
    ],
)
def test_a_command_shows_what_it_was_given_as_escapes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main([word.replace("NAME", STEERING) for word in command.split()])
    except SystemExit as ended:
        status = ended.code
    assert status != 0
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert "\\x1b[31m" in said or "%1B" in said
    plain = said.replace("\n", "")
    assert all(unicodedata.category(mark) not in ("Cc", "Cf", "Cs") for mark in plain)


@pytest.mark.parametrize(
    "command",
    [
        "report run.json --out file/page",
        "compare run.json run.json --out file/page",
        "compare run.json run.json --markdown file/run.md",
    ],
)
def test_what_cannot_be_written_is_named_and_costs_nothing_else(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("run.json").write_text(RUN.to_json(), encoding="utf-8")
    Path("file").write_text("in the way")
    assert main([*command.split()]) == 1
    assert "was NOT written: " in capsys.readouterr().out
    if command.startswith("compare"):
        main(["compare", "run.json", "run.json", "--markdown=file/run.md", "--out=page"])
        assert Path("page", "index.html").is_file()


def test_an_audit_that_cannot_write_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device", "audit.json")

    monkeypatch.setattr("os.fsync", full)
    assert main(["audit", "game.pp.yaml", "--out", "out"]) == 1
    assert "the audit has stopped: [Errno 28] No space left" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validte"], "there is no 'validte': did you mean 'validate'?"),
        (["history", "shw"], "there is no 'shw': did you mean 'show'?"),
        (["compare", "a", "b", "--markdwn=c"], "no option --markdwn: did you mean '--markdown'?"),
        (["compare", "a", "b", "c"], "'c' is one argument too many"),
        (["validate", "a", "-x"], "'-x' is one argument too many"),
    ],
)
def test_what_is_misspelt_is_told_what_was_meant(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "required: command" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"ppcheck {version('ppcheck')}\n"


@pytest.mark.trust
def test_a_terminal_that_cannot_show_a_mark_gets_its_escape(tmp_path: Path) -> None:
    spec = tmp_path / "a.pp.yaml"
    spec.write_text("ppcheck: 1\n\u2212: 1\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "ppcheck", "validate", str(spec)]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert found.returncode == 1
    assert "unknown key '\\u2212'" in found.stdout
    assert "Traceback" not in found.stderr


@pytest.mark.trust
def test_a_file_that_pytest_would_not_collect_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "mine.pp.yml"
    spec.write_text("ppcheck: 1\n", encoding="utf-8")
    assert main(["validate", str(spec)]) == 1
    assert "pytest collects files that end in .pp.yaml: rename it" in capsys.readouterr().out
