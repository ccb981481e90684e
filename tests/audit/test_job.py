"""A checkpoint's process: whoever is told to stop has taken note of it."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

import pytest

from ppcheck.audit.folder import Folder
from ppcheck.audit.job import CheckpointJob, uninterrupted
from ppcheck.audit.local import Local
from ppcheck.audit.plan import AuditSettings, audit_plan


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_while_a_process_starts_ends_that_process(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = CheckpointJob.start

    def interrupted(job: CheckpointJob, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        started.append(start(job, environment))
        signal.raise_signal(signal.SIGINT)
        return started[-1]

    monkeypatch.setattr(CheckpointJob, "start", interrupted)
    audit = audit_plan([spec], ["demo"], AuditSettings(seed=0, dtype="float32", device="cpu"))
    with pytest.raises(KeyboardInterrupt):
        list(Local(audit, Folder(Path("out"))).run(audit.checkpoints))
    assert [process.returncode for process in started] == [-signal.SIGTERM]


@pytest.mark.usefixtures("interruptible")
def test_what_waits_is_told_when_the_block_is_done_and_no_later() -> None:
    reached = []

    def interrupted() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_thread_that_cannot_be_interrupted_does_its_work() -> None:
    done = []

    def work() -> None:
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
