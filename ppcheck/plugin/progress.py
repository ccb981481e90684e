"""One rewritten line while a claim takes long, on a terminal only."""

from __future__ import annotations

import sys
import time

import pytest

from ppcheck.report.text import printable

PATIENCE = 2.0
"""Seconds before the line appears."""


class ProgressLine:
    """Says how far the measurement of one claim is; ``clear`` takes the line away again."""

    def __init__(self, config: pytest.Config, claim: str) -> None:
        self.capture = config.pluginmanager.getplugin("capturemanager")
        self.reporter = config.pluginmanager.getplugin("terminalreporter")
        self.claim = claim
        self.started = time.monotonic()
        self.shown = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.started < PATIENCE or now - self.shown < 0.1:
            return
        self.shown = now
        self._rewrite(f"{self.claim}: {what} {done:,} of {total:,} ({now - self.started:.0f} s)")

    def loading(self, model: str) -> None:
        """Say at once that the model is being loaded, which gives no sign of how far it is."""
        self.shown = time.monotonic()
        self._rewrite(f"{self.claim}: loading {model}")

    def clear(self) -> None:
        if self.shown:
            self._rewrite("")

    def _rewrite(self, text: str) -> None:
        if self.reporter is None or self.capture is None or not sys.__stdout__:
            return
        if not self.reporter.isatty:
            return
        with self.capture.global_and_fixture_disabled():
            self.reporter.rewrite(printable(text), erase=True)
