"""One checkpoint's run: an ordinary pytest in a process of its own, whatever engine starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

from ppcheck.audit.lifeline import VARIABLE, lifeline
from ppcheck.record.audit import Checkpoint

_LONGEST = 400
_PATIENCE = 5.0
"""Seconds that a process has to end by itself."""
_WHOLE = (0, 1)
"""The exit statuses with which pytest has run all it was asked for."""


@dataclass(frozen=True)
class Ended:
    """How a checkpoint's run ended: with a record, or with the ``reason`` why there is none."""

    checkpoint: Checkpoint
    reason: str | None = None


class Executor(Protocol):
    """Runs checkpoints, several at a time, and gives each as it ends.

    By then its log and, unless there is a reason, its record are in the audit's folder. Closing
    the iterator stops what still runs.
    """

    def run(self, checkpoints: Sequence[Checkpoint]) -> Generator[Ended]: ...


@dataclass(frozen=True)
class CheckpointJob:
    """One run of ``specs`` (paths as seen from ``folder``) on the model ``label``.

    ``arguments`` are further ones of pytest. The record goes to ``record``, output to ``log``.
    """

    label: str
    specs: Sequence[str]
    arguments: Sequence[str]
    record: Path
    log: Path
    folder: Path | None = None

    def start(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start it, in a process group of its own, which ends when this process is gone."""
        # What the configuration says of stopping early would leave a record that is not whole.
        command = [sys.executable, "-m", "pytest", *self.specs, f"--model={self.label}"]
        command += [*self.arguments, "--maxfail=0", "--color=no"]
        command += [f"--ppcheck-json={self.record}", f"--junitxml={self._junit}"]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603  (this very interpreter)
                command,
                cwd=self.folder,
                env={**os.environ, **(environment or {}), VARIABLE: str(lifeline())},
                pass_fds=[lifeline()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def reason(self, status: int) -> str | None:
        """Why the process that ended with ``status`` left no record; None where it left one."""
        try:
            if status in _WHOLE and self.record.is_file():
                return None
            self.record.unlink(missing_ok=True)
            if status < 0:
                return f"its process was ended by {_name(-status)}"
            return (_first_error(self._junit) or self._last_words())[:_LONGEST]
        finally:
            self._junit.unlink(missing_ok=True)

    @property
    def _junit(self) -> Path:
        return self.record.with_suffix(".xml").absolute()

    def _last_words(self) -> str:
        """What pytest says of arguments that it cannot use, or the last that was said at all."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
        return " ".join(errors or said[-1:]) or "it said nothing"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What asks this process to stop waits until the block is done.

    So no process is lost that is started just then: one of which nobody has yet taken note.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # it is never interrupted
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the processes and what they have started."""
    with uninterrupted():
        for signal_ in (signal.SIGTERM, signal.SIGKILL):
            alive = [process for process in processes if process.poll() is None]
            for process in alive:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal_)
            for process in alive:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_PATIENCE)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _first_error(junit: Path) -> str | None:
    """The first error of a JUnit report or, where all was skipped, why."""
    try:
        report = ET.parse(junit)  # noqa: S314  (pytest has just written it)
    except (OSError, ET.ParseError):
        return None
    for error in report.iter("error"):
        return " ".join((error.text or error.get("message") or "").split())
    for skipped in report.iter("skipped"):
        return f"none of the claims is about it: {skipped.get('message')}"
    return None
