"""The claims' records, gathered where the run is controlled: the table and the record file."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ppcheck.plugin.gate import against, bless
from ppcheck.plugin.options import option
from ppcheck.plugin.state import state_of

if TYPE_CHECKING:
    from ppcheck.record.run import ClaimRecord, RunRecord


class Results:
    """Reads the records off test reports, also those of xdist's workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started = time.time()
        self.claims: dict[str, Any] = {}
        self.models: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, "ppcheck", None)
        if found is not None:
            self.claims[report.nodeid] = found["claim"]
            if found["model"]:
                self.models[found["claim"]["model"]] = found["model"]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int
    ) -> None:
        if not self.claims:
            return
        from ppcheck.report.terminal import WIDTH, table

        claims = self._records
        terminalreporter.section("ppcheck")
        colour = terminalreporter.hasmarkup
        width = max(WIDTH, shutil.get_terminal_size().columns)
        terminalreporter.write(table(claims, colour=colour, width=width))
        for line in against(self.config, claims):
            terminalreporter.write_line(line)
        if file := self._write():
            terminalreporter.write_line(f"run record: {file}")
        if file := self._summarise():
            terminalreporter.write_line(f"summary: {file}")
        if file := self._report():
            terminalreporter.write_line(f"report: {file}")
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from ppcheck.report.github import commands

            for line in commands(claims):
                terminalreporter.write_line(line)
        if option(self.config, "bless"):
            ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
            models = self.models if ended else {}
            terminalreporter.write_line(bless(self.config, claims, models))
        if url := option(self.config, "history"):
            line, is_kept = self._keep(url)
            terminalreporter.write_line(f"history: {line}", red=not is_kept)
        self._warn(terminalreporter)

    def _warn(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say last what a reader of the verdicts would not see: models that ran slowly, and why."""
        from ppcheck.report.claims import slow_models

        for line in slow_models(self._records):
            terminalreporter.write_line(f"warning: {line}", yellow=True, bold=True)

    def _summarise(self) -> str | None:
        """Write the Markdown summary where it is asked for, and where GitHub shows it."""
        from ppcheck.plugin.gate import gone
        from ppcheck.record.files import write_whole
        from ppcheck.report.markdown import markdown

        file: str | None = option(self.config, "markdown")
        step = os.environ.get("GITHUB_STEP_SUMMARY")
        if file is None and step is None:
            return None
        text = markdown(self._records, gone(self.config, self._records))
        if step is not None:
            with Path(step).open("a", encoding="utf-8") as stream:
                stream.write(text)
        if file is not None:
            write_whole(Path(self.config.invocation_params.dir, file), text)
        return file

    def _write(self) -> str | None:
        file: str | None = option(self.config, "json")
        if file is None or not self.models:
            return None
        from ppcheck.record.files import write_whole

        write_whole(Path(self.config.invocation_params.dir, file), self._run.to_json())
        return file

    def _report(self) -> str | None:
        """Write the page, and say where it is."""
        folder: str | None = option(self.config, "report")
        if folder is None:
            return None
        from ppcheck.plugin.gate import gone
        from ppcheck.record.files import write_whole
        from ppcheck.report.html import page

        file = Path(folder, "index.html")
        text = page(self._run, gone(self.config, self._records))
        write_whole(self.config.invocation_params.dir / file, text)
        return str(file)

    def _keep(self, url: str) -> tuple[str, bool]:
        """Add the run to the store; what became of it, and whether the store has it now."""
        from ppcheck.errors import HistoryError
        from ppcheck.record.database import Database
        from ppcheck.record.history import add, identity
        from ppcheck.report.claims import deciding
        from ppcheck.report.history import added
        from ppcheck.report.text import printable

        try:
            database = Database(url, self.config.invocation_params.dir, create=True)
            name = identity(json.loads(self._run.to_json()))
            is_new = add(database, self._run, name, deciding)
        except HistoryError as error:
            return f"the run was NOT added: {printable(str(error))}", False
        return f"{printable(database.url)} ({added(len(self._run.claims), is_new=is_new)})", True

    @cached_property
    def _run(self) -> RunRecord:
        """The record of the run that has ended; without a model where none could be loaded."""
        from ppcheck.record.commit import commit_of
        from ppcheck.record.run import RunRecord

        claims = self._records
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        unit = 1 if sys.platform == "darwin" else 1024
        labels = [label for label in dict.fromkeys(c.model for c in claims) if label in self.models]
        return RunRecord(
            started=datetime.fromtimestamp(self.started, UTC).isoformat(timespec="seconds"),
            commit=commit_of(self.config.rootpath),
            seconds=time.time() - self.started,
            peak_memory_mb=max(peak, children) * unit / 1e6,
            model=self.models[labels[0]] if labels else {},
            models={label: self.models[label] for label in labels},
            claims=tuple(claims),
        )

    @cached_property
    def _records(self) -> list[ClaimRecord]:
        """In the order of models and specs, whatever the order in which workers finished."""
        from ppcheck.record.run import ClaimRecord

        labels = [ref.label for ref in state_of(self.config).refs]
        records = [ClaimRecord.model_validate(claim) for claim in self.claims.values()]
        return sorted(records, key=lambda c: (labels.index(c.model), c.spec, c.line))
