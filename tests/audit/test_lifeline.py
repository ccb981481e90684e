"""A checkpoint's run ends when its audit is gone: real processes, killed for real."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ppcheck.audit.lifeline import VARIABLE, hold

pytestmark = pytest.mark.trust
ROOT = Path(__file__).parents[2]
AUDIT = """
import sys, time
from pathlib import Path
from ppcheck.audit.job import CheckpointJob

record, log = Path("run.json").absolute(), Path("run.log")
job = CheckpointJob("demo", ["test_long.py"], sys.argv[1:], record, log)
print(job.start().pid, flush=True)
time.sleep(600)
"""
LONG = """
import os, pathlib, time

def test_long():
    pathlib.Path(f"running-{os.getpid()}").write_text("")
    time.sleep(600)
"""


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)


@pytest.mark.parametrize("arguments", [(), pytest.param(("-n1",), marks=pytest.mark.slow)])
def test_a_run_and_what_it_has_started_end_when_its_audit_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("test_long.py").write_text(LONG)
    command = [sys.executable, "-c", AUDIT, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as audit:
        assert audit.stdout is not None
        run = psutil.Process(int(audit.stdout.readline()))
        wait_for(lambda: bool(list(tmp_path.glob("running-*"))))
        processes = [run, *run.children(recursive=True)]
        assert len(processes) == 1 + len(arguments)
        audit.kill()
    assert not psutil.wait_procs(processes, timeout=60)[1]


def test_a_run_outlives_an_audit_of_which_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was given no lifeline, or something else by that name, is left alone."""
    monkeypatch.delenv(VARIABLE, raising=False)
    hold()
    with Path(os.devnull).open() as file:
        for given in ("", "lines", "100000", str(file.fileno())):
            monkeypatch.setenv(VARIABLE, given)
            hold()
            assert VARIABLE not in os.environ
