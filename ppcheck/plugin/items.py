"""Specs as pytest files, claims as pytest items."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ppcheck.errors import ModelError, MovedWarning, PpcheckError, SpecError, UnsupportedError
from ppcheck.plugin.gate import gate_of
from ppcheck.plugin.names import SUFFIX, claim_name, file_problem, group_name
from ppcheck.plugin.options import option
from ppcheck.plugin.progress import Progress
from ppcheck.plugin.state import state_of
from ppcheck.report.text import printable, printable_lines

if TYPE_CHECKING:
    from ppcheck.record.examine import Examination
    from ppcheck.record.run import ClaimRecord
    from ppcheck.spec.load import Entry, Spec
    from ppcheck.subject.load import ModelRef


class SpecFile(pytest.File):
    """One spec. A file that cannot be read is one item that errors, so that others still run."""

    problem: str | None = None
    """Why nothing in the file can be run, whatever it holds."""

    @classmethod
    def found(cls, path: Path, parent: pytest.Collector) -> SpecFile:
        """The node of the file at ``path``; where pytest cannot carry its name, an escaped one."""
        file: SpecFile = cls.from_parent(parent, path=path)
        if (problem := file_problem(file.nodeid)) is None:
            return file
        nodeid = printable(file.nodeid).replace("::", ":\\:")
        file = cls.from_parent(parent, path=path, name=printable(path.name), nodeid=nodeid)
        file.problem = problem
        return file

    def collect(self) -> Iterator[pytest.Item]:
        from ppcheck.measure.registry import CHECKS
        from ppcheck.spec.load import load_spec

        refs = state_of(self.config).refs
        try:
            if self.problem is not None:
                raise SpecError(self.problem, self.path)
            spec = load_spec(self.path, CHECKS)
        except SpecError as error:
            yield BrokenSpec.from_parent(self, name="spec", error=error)
            return
        expectations = [len(entry.claim.expect) for entry in spec.entries if entry.claim]
        state_of(self.config).expectations += sum(expectations)
        for ref in refs:
            for entry in spec.entries:
                name = self._name(entry, ref)
                # pytest reads the part in brackets off a node id; it would not off a name.
                nodeid = f"{self.nodeid}::{name}"
                yield ClaimItem.from_parent(
                    self, name=name, nodeid=nodeid, spec=spec, entry=entry, ref=ref
                )

    def _name(self, entry: Entry, ref: ModelRef) -> str:
        """With the model where several are asked for, or where the command line names it so."""
        full = claim_name(entry.id, ref.label)
        named = any(argument.endswith(f"::{full}") for argument in self.config.args)
        return full if named or len(state_of(self.config).refs) > 1 else entry.id


class BrokenSpec(pytest.Item):
    """Stands for a spec file that cannot be read at all."""

    def __init__(self, *, error: SpecError, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error
        self.record: ClaimRecord | None = None

    def setup(self) -> None:
        from ppcheck.record.examine import unreadable

        name = self.nodeid.partition("::")[0]
        self.record = unreadable(name, state_of(self.config).refs[0].label, self.error)
        raise self.error

    def runtest(self) -> None:
        raise self.error

    def reportinfo(self) -> tuple[Path, int, str]:
        return Path(printable(str(self.path))), (self.error.line or 1) - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        del style
        return printable_lines(relative(str(excinfo.value), self))


class ClaimFailedError(PpcheckError):
    """The claim was measured and does not hold."""


class ClaimItem(pytest.Item):
    """One claim on one model: measured in setup, so that what cannot be measured is an error."""

    def __init__(self, *, spec: Spec, entry: Entry, ref: ModelRef, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec, self.entry, self.ref = spec, entry, ref
        self.record: ClaimRecord | None = None
        self.extra_keyword_matches |= {entry.check, spec.path.name.removesuffix(SUFFIX)}
        if entry.claim is not None:
            self.add_marker(entry.claim.family)
        if len(state_of(self.config).refs) > 1:
            self.add_marker(pytest.mark.xdist_group(group_name(ref.label)))

    def reportinfo(self) -> tuple[Path, int, str]:
        # pytest shows a name with dots as one of a class, unless the id ends otherwise.
        name = f"{self.name} " if "." in self.entry.id else self.name
        return self.path, self.entry.line - 1, name

    def setup(self) -> None:
        from ppcheck.record.examine import Examination

        state = state_of(self.config)
        spec_name = self.nodeid.partition("::")[0]
        examination = Examination(
            self.spec, self.entry, spec_name, self.ref.label, state.seed, state.examples
        )
        try:
            self.record = self._examine(examination)
        except UnsupportedError as error:
            self.record = examination.refused(error)
            pytest.skip(printable_lines(str(error)))
        except Exception as error:
            self.record = examination.refused(error)
            raise

    def _examine(self, examination: Examination) -> ClaimRecord:
        from ppcheck.subject.memo import Memo

        if self.entry.error is not None:
            raise self.entry.error
        if not self.spec.is_about(*self.ref.names):
            raise UnsupportedError(f"the spec is about {self.spec.about}, not {self.ref.label}")
        state = state_of(self.config)
        progress = Progress(self.config, self.name)
        try:
            subject = Memo(state.subject(self.ref), state.store)
            subject.progress = progress
            record = examination.run(subject)
            found: dict[str, Any] = {"asked": subject.asked, "known": subject.known}
            if (gate := gate_of(self.config)) is not None:
                found["comparison"] = gate.compared(record, examination, progress)
            return record.model_copy(update=found)
        finally:
            progress.clear()
            if self.ref.label in state.broken and len(state.refs) == 1:
                self.session.shouldfail = f"the model {self.ref.label!r} could not be loaded"

    def runtest(self) -> None:
        from ppcheck.judge.compare import Change
        from ppcheck.judge.verdict import Verdict

        if self.record is None:
            raise ClaimFailedError(f"{self.name} was not measured")
        self.user_properties.append(("verdict", str(self.record.verdict)))
        for name, statistic in self.record.statistics.items():
            if statistic.verdict is not None:
                # pytest escapes the values alone for JUnit.
                self.user_properties.append((printable(name), statistic.estimate))
        comparison = self.record.comparison
        if comparison is not None:
            self.user_properties.append(("change", str(comparison.change)))
            if comparison.change is Change.REGRESSED and not option(self.config, "bless"):
                raise ClaimFailedError(self.name)
        if self.record.passes:
            if self.record.verdict is Verdict.MOVED:
                self.warn(MovedWarning(printable(self.record.reason or "")))
            return
        if self.record.verdict is Verdict.INCONCLUSIVE and option(self.config, "lenient"):
            pytest.xfail("inconclusive: the interval crosses the bound")
        raise ClaimFailedError(self.name)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from ppcheck.report.terminal import explain

        if isinstance(excinfo.value, ClaimFailedError) and self.record is not None:
            return explain(self.record, relative(f"{self.path}::{self.entry.id}", self))
        if isinstance(excinfo.value, SpecError | ModelError):
            return printable_lines(relative(str(excinfo.value), self))
        if isinstance(excinfo.value, PpcheckError):
            text = f"{self.path}:{self.entry.line}: {excinfo.value}"
            return printable_lines(relative(text, self))
        return super().repr_failure(excinfo, style)


def relative(text: str, item: pytest.Item) -> str:
    """The text with the item's file named as seen from where pytest was called."""
    here = os.path.relpath(item.path, item.config.invocation_params.dir)
    return text.replace(str(item.path), here)
