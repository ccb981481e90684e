"""What a person sees on a terminal while a run has not yet a verdict."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.conftest import SPEC, write_spec


def on_a_terminal(folder: Path, *options: str) -> str:
    """What a run in ``folder`` writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "game.pp.yaml", *options]
    width = {**os.environ, "COLUMNS": "80"}
    with subprocess.Popen(
        command, cwd=folder, env=width, stdout=theirs, stderr=theirs, stdin=theirs
    ):
        os.close(theirs)
        found = b""
        try:
            while part := os.read(ours, 4096):
                found += part
        except OSError:
            pass  # the other end is closed
        finally:
            os.close(ours)
    return found.decode()


def screen(text: str) -> list[str]:
    """The lines that a terminal shows in the end: what the cursor's moves leave of the text."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[\d*[A-Za-z]|\x1b\[[\d;]*m|.|\n", text, re.DOTALL):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            column = 0
        elif part == "\x1b[K":
            lines[row] = lines[row][:column]
        elif part == "\x1b[1A":
            row -= 1
        elif part.endswith("C") and part.startswith("\x1b"):
            column += int(part[2:-1])
        elif not part.startswith("\x1b"):
            lines[row] = f"{lines[row][:column]:{column}}{part}{lines[row][column + 1 :]}"
            column += 1
    return lines


@pytest.mark.usefixtures("spec")
def test_a_terminal_shows_that_the_model_is_loading_and_what_was_known(
    pytester: pytest.Pytester,
) -> None:
    first = on_a_terminal(pytester.path, "-k", "sure")
    assert "0 of 1 claims | sure: loading demo" in first
    assert "0 of 1 claims | sure: measuring" in first
    assert "were known" not in first
    second = on_a_terminal(pytester.path, "-k", "sure")
    assert "loading demo" not in second
    assert "1 of 1 measurements were known" in second


@pytest.mark.usefixtures("spec")
def test_pytests_own_lines_are_whole_below_which_the_progress_stood(
    pytester: pytest.Pytester,
) -> None:
    shown = screen(on_a_terminal(pytester.path, "-v", "-k", "sure or last"))
    assert not [line for line in shown if "loading" in line or "measuring" in line]
    verdicts = [line for line in shown if "PASSED" in line]
    assert [line.split()[0] for line in verdicts] == [
        "game.pp.yaml::sure",
        "game.pp.yaml::last-stream",
    ]
    assert [line.split()[1:] for line in verdicts] == [
        ["PASSED", "[", "50%]"],
        ["PASSED", "[100%]"],
    ]
    assert all(len(line) <= 80 for line in verdicts)


@pytest.mark.usefixtures("spec")
def test_dots_stand_in_one_line(pytester: pytest.Pytester) -> None:
    shown = screen(on_a_terminal(pytester.path, "-k", "sure or last"))
    assert [line.split() for line in shown if line.startswith("game.pp.yaml .")] == [
        ["game.pp.yaml", "..", "[100%]"]
    ]


def test_claims_that_are_about_other_models_are_not_counted(pytester: pytest.Pytester) -> None:
    write_spec(pytester, SPEC)
    (pytester.path / "other.pp.yaml").write_text(SPEC.replace("title:", "models: [gpt2]\ntitle:"))
    shown = on_a_terminal(pytester.path, "other.pp.yaml", "-k", "sure or deterred")
    assert "0 of 2 claims | sure: loading demo" in shown
    assert "2 skipped" in shown
