"""What a person sees on a terminal while a run has not yet a verdict."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest


def on_a_terminal(folder: Path, *options: str) -> str:
    """What a run in ``folder`` writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "game.pp.yaml", *options]
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, stdin=theirs):
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


@pytest.mark.usefixtures("spec")
def test_a_terminal_shows_that_the_model_is_loading_and_what_was_known(
    pytester: pytest.Pytester,
) -> None:
    first = on_a_terminal(pytester.path, "-k", "sure")
    assert "sure: loading demo" in first
    assert "were known" not in first
    second = on_a_terminal(pytester.path, "-k", "sure")
    assert "loading demo" not in second
    assert "1 of 1 measurements were known" in second
