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

from ppcheck.plugin.gate import bless, strangers, unblessed
from ppcheck.plugin.options import option
from ppcheck.plugin.state import state_of

if TYPE_CHECKING:
    from ppcheck.record.baseline import Measured
    from ppcheck.record.run import ClaimRecord, RunRecord


class Results:
    """Reads the records off test reports, also those of xdist's workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started = time.time()
        self.claims: dict[str, Any] = {}
        self.outcomes: dict[str, str] = {}
        self.models: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, "ppcheck", None)
        if found is not None:
            self.claims[report.nodeid] = found
            if found["model"]:
                self.models[found["claim"]["model"]] = found["model"]
        if report.nodeid in self.claims and (outcome := _outcome(report)) is not None:
            self.outcomes[report.nodeid] = outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A run that has nothing in common with its baseline fails, whatever its claims."""
        ok = session.exitstatus == pytest.ExitCode.OK
        if ok and self.claims and strangers(self.config, self._measured):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._tell_junit()

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
        if problem := strangers(self.config, self._measured):
            terminalreporter.write_line(problem, red=True)
        if hint := unblessed(self.config):
            terminalreporter.write_line(hint)
        self._put_out(terminalreporter)
        if option(self.config, "bless"):
            ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
            models = list(self.models.values()) if ended else []
            terminalreporter.write_line(bless(self.config, self._measured, models))
        if url := option(self.config, "history"):
            line, is_kept = self._keep(url)
            terminalreporter.write_line(f"history: {line}", red=not is_kept)
        self._warn(terminalreporter)

    def _put_out(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write what is asked for, and say where it is."""
        if file := self._write():
            terminalreporter.write_line(f"run record: {file}")
        if file := self._summarise():
            terminalreporter.write_line(f"summary: {file}")
        if file := self._report():
            terminalreporter.write_line(f"report: {file}")
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from ppcheck.report.github import commands

            for line in commands(self._records):
                terminalreporter.write_line(line)

    def _warn(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say last what a reader of the verdicts would not see: models that ran slowly, and why."""
        from ppcheck.report.claims import slow_models

        for line in slow_models(self._records):
            terminalreporter.write_line(f"warning: {line}", yellow=True, bold=True)

    def _summarise(self) -> str | None:
        """Write the Markdown summary where it is asked for, and where GitHub shows it."""
        from ppcheck.record.files import write_whole
        from ppcheck.report.markdown import markdown

        file: str | None = option(self.config, "markdown")
        step = os.environ.get("GITHUB_STEP_SUMMARY")
        if file is None and step is None:
            return None
        text = markdown(self._records)
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
        from ppcheck.record.files import write_whole
        from ppcheck.report.html import page

        file = Path(folder, "index.html")
        write_whole(self.config.invocation_params.dir / file, page(self._run))
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
            paths=tuple(dict.fromkeys(map(_named, self._given))),
            specs={one.record.spec: one.ids for one in self._measured},
            claims=tuple(claims),
        )

    @property
    def _given(self) -> list[Path]:
        """The files and folders in which specs were looked for."""
        folder = self.config.invocation_params.dir
        given = [folder / each.partition("::")[0] for each in self.config.args]
        return [path for path in given if path.exists()]

    @cached_property
    def _measured(self) -> list[Measured]:
        """In the order of models and specs, whatever the order in which workers finished."""
        from ppcheck.record.baseline import Measured
        from ppcheck.record.run import ClaimRecord

        found = [
            Measured(
                ClaimRecord.model_validate(held["claim"] | {"outcome": self.outcomes.get(node)}),
                Path(held["path"]),
                tuple(held["ids"]),
            )
            for node, held in self.claims.items()
        ]
        labels = [ref.label for ref in state_of(self.config).refs]
        order = {label: place for place, label in enumerate(labels)}
        return sorted(found, key=lambda o: (order[o.record.model], o.record.spec, o.record.line))

    @property
    def _records(self) -> list[ClaimRecord]:
        return [one.record for one in self._measured]

    def _tell_junit(self) -> None:
        """Put what the run amounts to beside the counts of a JUnit report, if one is written."""
        from ppcheck.report.summary import summary

        for plugin in self.config.pluginmanager.get_plugins():
            if self.claims and hasattr(plugin, "add_global_property"):
                plugin.add_global_property("ppcheck", summary(self._records).sentence)


def _outcome(report: pytest.TestReport) -> str | None:
    """What pytest counts the claim as; None while that is still open."""
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.skipped:
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    return "passed" if report.when == "call" else None


def _named(path: Path) -> str:
    from ppcheck.record.naming import folder_name, spec_name

    return folder_name(path) if path.is_dir() else spec_name(path)
