"""The claims' records, gathered where the run is controlled: the table and the record file."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ppcheck.errors import PpcheckError
from ppcheck.plugin.gate import bless, strangers, unblessed
from ppcheck.plugin.hint import first_steps
from ppcheck.plugin.items import SpecItem
from ppcheck.plugin.names import escaped
from ppcheck.plugin.options import option
from ppcheck.plugin.outputs import (
    STEP_SUMMARY,
    check_outputs,
    check_step_summary,
    file_of,
    store_folder,
)
from ppcheck.plugin.state import state_of
from ppcheck.report.text import printable

if TYPE_CHECKING:
    from ppcheck.record.baseline import LocatedClaim
    from ppcheck.record.run import ClaimRecord, RunRecord


class Results:
    """Reads the records off test reports, also those of xdist's workers; writes what is asked for.

    It is all written where the session ends, whether or not pytest then shows a summary.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started = time.time()
        self.claims: dict[str, Any] = {}
        self.outcomes: dict[str, str] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.cache_trouble: str | None = None
        self.lines: list[tuple[str, bool]] = []
        self.hint: str | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, None, None]:
        if not self.config.option.collectonly:
            with escaped():
                check_outputs(self.config)
        yield

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        has_claims = any(isinstance(item, SpecItem) for item in session.items)
        if has_claims and not self.config.option.collectonly:
            with escaped():
                check_step_summary()
        if not session.testsfailed:  # what could not be collected may have been a spec
            self.hint = first_steps(self.config)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, "ppcheck", None)
        if found is not None:
            self.claims[report.nodeid] = found
            self.cache_trouble = self.cache_trouble or found["cache"]
            if found["model"]:
                self.models[found["claim"]["model"]] = found["model"]
        if report.nodeid in self.claims and (outcome := _outcome(report)) is not None:
            self.outcomes[report.nodeid] = outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write every output; where one fails, the others are written and the run has failed.

        A run that has nothing in common with its baseline fails, whatever its claims.
        """
        if not self.claims or exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            return
        self._tell_junit()
        self._put_out(is_whole=exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED))
        is_wrong = any(is_failure for _, is_failure in self.lines)
        if not exitstatus and (is_wrong or strangers(self.config, self._measured)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _put_out(self, *, is_whole: bool) -> None:
        """Write what is asked for; a baseline only after a run that came to its end."""
        self._output("run record", option(self.config, "json"), self._write)
        self._output("summary", option(self.config, "markdown"), self._summarise)
        self._output(STEP_SUMMARY, os.environ.get(STEP_SUMMARY), self._add_to_step_summary)
        self._output("report", option(self.config, "report"), self._report)
        baseline = option(self.config, "baseline")
        self._output("baseline", baseline, lambda: self._bless(is_whole=is_whole))
        self._output("history", None, self._keep)  # its error names the store without a password

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.hint is not None:
            terminalreporter.write_line(printable(self.hint))
        if not self.claims:
            return
        from ppcheck.report.terminal import WIDTH, table

        claims = self._records
        terminalreporter.section("ppcheck")
        colour = terminalreporter.hasmarkup
        width = max(WIDTH, shutil.get_terminal_size().columns)
        # By lines: where a mark cannot be encoded, pytest escapes all that it writes at once.
        for line in table(claims, colour=colour, width=width).rstrip("\n").split("\n"):
            terminalreporter.write_line(line)
        self._say(terminalreporter)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from ppcheck.report.github import commands

            for line in commands(claims):
                terminalreporter.write_line(printable(line))
        for line, is_failure in self.lines:
            terminalreporter.write_line(printable(line), red=is_failure)
        self.lines.clear()
        self._warn(terminalreporter)

    def _say(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What concerns the run as a whole: claims about rare answers, and its baseline."""
        from ppcheck.report.claims import cautions

        for line in cautions(self._records):
            terminalreporter.write_line(line)
        asked, known = (sum(getattr(r, n) for r in self._records) for n in ("asked", "known"))
        if 2 * known > asked:  # claims of one run share some, too
            terminalreporter.write_line(f"{known:,} of {asked:,} measurements were known")
        if problem := strangers(self.config, self._measured):
            terminalreporter.write_line(printable(problem), red=True)
        if hint := unblessed(self.config):
            terminalreporter.write_line(printable(hint))

    def _warn(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say last what a reader of the verdicts would not see: what ran slowly, and why."""
        from ppcheck.report.claims import slow_models

        trouble = [] if self.cache_trouble is None else [self.cache_trouble]
        for line in (*slow_models(self._records), *trouble):
            terminalreporter.write_line(printable(f"warning: {line}"), yellow=True, bold=True)

    def pytest_unconfigure(self) -> None:
        """Name what failed where no summary did, as without pytest's terminal reporter."""
        for line, is_failure in self.lines:
            if is_failure:
                sys.stderr.write(f"{printable(line)}\n")

    def _output(self, what: str, file: str | None, write: Callable[[], str | None]) -> None:
        """Write one output, and keep what is to be said of it."""
        try:
            if (said := write()) is not None:
                self.lines.append((said, False))
        except (OSError, ValueError, PpcheckError) as error:
            cause = (error.strerror if isinstance(error, OSError) else None) or error
            was = "" if file is None else f"{file} was "
            self.lines.append((f"{what}: {was}NOT written: {cause}", True))

    def _summarise(self) -> str | None:
        """Write the Markdown summary where it is asked for."""
        from ppcheck.record.files import write_whole

        if (file := file_of(self.config, "markdown")) is None:
            return None
        write_whole(file, self._markdown)
        return f"summary: {option(self.config, 'markdown')}"

    def _add_to_step_summary(self) -> None:
        if (file := os.environ.get(STEP_SUMMARY)) is not None:
            with Path(file).open("a", encoding="utf-8") as stream:
                stream.write(self._markdown)

    def _write(self) -> str | None:
        from ppcheck.record.files import write_whole

        if (file := file_of(self.config, "json")) is None or not self.models:
            return None
        write_whole(file, self._run.to_json())
        return f"run record: {option(self.config, 'json')}"

    def _report(self) -> str | None:
        """Write the page, and say where it is."""
        if (file := file_of(self.config, "report")) is None:
            return None
        from ppcheck.record.files import write_whole
        from ppcheck.report.html import run_page

        write_whole(file, run_page(self._run))
        return f"report: {Path(option(self.config, 'report'), 'index.html')}"

    def _bless(self, *, is_whole: bool) -> str | None:
        if not option(self.config, "bless"):
            return None
        return bless(self.config, self._measured, list(self.models.values()) if is_whole else [])

    def _keep(self) -> str | None:
        """Add the run to the store."""
        if (url := option(self.config, "history")) is None:
            return None
        from ppcheck.record.database import Database
        from ppcheck.record.history import add, identity
        from ppcheck.report.claims import deciding
        from ppcheck.report.history import added

        database = Database(url, store_folder(self.config), create=True)
        name = identity(json.loads(self._run.to_json()))
        is_new = add(database, self._run, name, deciding)
        return f"history: {database.url} ({added(len(self._run.claims), is_new=is_new)})"

    @cached_property
    def _markdown(self) -> str:
        from ppcheck.report.markdown import markdown

        return markdown(self._records)

    @cached_property
    def _run(self) -> RunRecord:
        """The record of the run that has ended."""
        from ppcheck.record.finish import finished
        from ppcheck.record.naming import place_name

        return finished(
            self._records,
            self.models,
            started=self.started,
            root=self.config.rootpath,
            paths=list(map(place_name, self._given)),
            specs={one.record.spec: one.ids for one in self._measured},
        )

    @property
    def _given(self) -> list[Path]:
        """The files and folders in which specs were looked for."""
        folder = self.config.invocation_params.dir
        given = [folder / each.partition("::")[0] for each in self.config.args]
        return [path for path in given if path.exists()]

    @cached_property
    def _measured(self) -> list[LocatedClaim]:
        """In the order of models and specs, whatever the order in which workers finished."""
        from ppcheck.record.baseline import LocatedClaim
        from ppcheck.record.run import ClaimRecord

        found = [
            LocatedClaim(
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
