"""One line below pytest's own while a claim takes long, on a terminal only."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from ppcheck.report.text import printable

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter

    from ppcheck.plugin.pace import Pace

PATIENCE = 2.0
"""Seconds before the line appears."""
_ERASE = "\r\x1b[K"
_UP = "\x1b[1A\r"


class ProgressLine:
    """Says how far the run and the measurement of one claim are; ``clear`` takes the line away."""

    def __init__(self, config: pytest.Config, claim: str, check: str, pace: Pace) -> None:
        self.capture = config.pluginmanager.getplugin("capturemanager")
        self.reporter = config.pluginmanager.getplugin("terminalreporter")
        self.config = config
        self.claim, self.check, self.pace = claim, check, pace
        self.started = time.monotonic()
        self.shown = 0.0
        self.is_there = False

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.started < PATIENCE or now - self.shown < 0.1:
            return
        self._show(f"{what} {done:,} of {total:,} ({now - self.started:.0f} s)")

    def loading(self, model: str) -> None:
        """Say at once that the model is being loaded, which gives no sign of how far it is."""
        self._show(f"loading {model}")

    def measuring(self) -> None:
        """Say at once that the first batch is under way, where it is likely to take long."""
        if self.is_there or (self.pace.expected(self.check) or 0) > PATIENCE:
            self._show("measuring")

    def clear(self) -> None:
        if self.is_there:
            self._write(_ERASE + self._back())
            self.is_there = False

    def _show(self, what: str) -> None:
        self.shown = time.monotonic()
        if not self._is_seen():
            return
        left = self.pace.remaining(self.check, self.shown - self.started)
        share = f"{self.pace.done} of {self.pace.total} claims"
        share += "" if left is None else f", about {duration(left)} left"
        text = printable(f"{share} | {self.claim}: {what}")
        start = _ERASE if self.is_there else "\n"
        self._write(start + text[: self.terminal.fullwidth - 1])
        self.is_there = True

    @property
    def terminal(self) -> TerminalWriter:
        return self.config.get_terminal_writer()

    def _is_seen(self) -> bool:
        known = self.reporter is not None and self.capture is not None
        return bool(known and sys.__stdout__ and self.reporter.isatty)

    def _back(self) -> str:
        """To where pytest goes on: the end of what it has written of the line above."""
        column = self.terminal.width_of_current_line % self.terminal.fullwidth
        return _UP + (f"\x1b[{column}C" if column else "")

    def _write(self, text: str) -> None:
        with self.capture.global_and_fixture_disabled():
            self.terminal.write_raw(text, flush=True)


def duration(seconds: float) -> str:
    """``40 s``, ``3 min`` or ``2.5 h``."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
