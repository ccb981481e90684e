"""Specs as pytest files, claims as pytest items."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ppcheck.errors import ModelError, MovedWarning, PpcheckError, SpecError, UnsupportedError
from ppcheck.plugin.gate import gate_of
from ppcheck.plugin.names import claim_name, file_problem, group_name
from ppcheck.plugin.options import option
from ppcheck.plugin.pace import Pace
from ppcheck.plugin.progress import ProgressLine
from ppcheck.plugin.state import state_of
from ppcheck.report.text import printable, printable_lines
from ppcheck.spec.files import SUFFIX, shipped_folder

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
        """The node of the file at ``path``; where pytest cannot carry its name, an escaped one.

        Shipped specs go by their names in records: pytest has none for files outside its root.
        """
        from ppcheck.record.naming import spec_name

        is_shipped = path.is_relative_to(shipped_folder())
        own: dict[str, Any] = {"nodeid": spec_name(path)} if is_shipped else {}
        file: SpecFile = cls.from_parent(parent, path=path, **own)
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
            state_of(self.config).name(self.path)
            spec = load_spec(self.path, CHECKS)
        except SpecError as error:
            yield BrokenSpec.from_parent(self, name="spec", error=error)
            yield from self._lost((), "its spec can no longer be read")
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
        ids = tuple(entry.id for entry in spec.entries)
        yield from self._lost(ids, "its spec no longer has it")

    def _name(self, entry: Entry, ref: ModelRef) -> str:
        """With the model where several are asked for, or where the command line names it so."""
        full = claim_name(entry.id, ref.label)
        named = any(argument.endswith(f"::{full}") for argument in self.config.args)
        return full if named or len(state_of(self.config).refs) > 1 else entry.id

    def _lost(self, ids: tuple[str, ...], reason: str) -> Iterator[LostClaim]:
        """The claims that the baseline knows of this spec and that it has no longer."""
        gate = gate_of(self.config)
        for old in [] if gate is None else gate.lacking(self.path, ids):
            yield LostClaim.from_parent(self, name=old.id, old=old, reason=reason, ids=ids)


class SpecItem(pytest.Item):
    """What has a record: ``ids`` are those of all claims that stand in its file."""

    ids: tuple[str, ...] = ()
    record: ClaimRecord | None = None

    def _unless_lost(self, record: ClaimRecord) -> NoReturn:
        """Skip a claim that is not measured. Raises ClaimFailedError where it held before."""
        from ppcheck.record.run import Outcome, outcome_of

        self.user_properties += properties(record)
        if outcome_of(record, blessing=option(self.config, "bless")) is Outcome.ERROR:
            raise ClaimFailedError(self.name)
        # The record says why: it does not apply to the model, or the run left it out.
        pytest.skip(printable_lines(record.reason or self.name))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from ppcheck.report.terminal import explain

        if isinstance(excinfo.value, ClaimFailedError) and self.record is not None:
            return explain(self.record, relative(f"{self.path}::{self.record.id}", self))
        if isinstance(excinfo.value, SpecError | ModelError):
            return printable_lines(relative(str(excinfo.value), self))
        if isinstance(excinfo.value, PpcheckError):
            line = self.reportinfo()[1] or 0
            text = f"{self.path}:{line + 1}: {excinfo.value}"
            return printable_lines(relative(text, self))
        return super().repr_failure(excinfo, style)


class BrokenSpec(SpecItem):
    """Stands for a spec file that cannot be read at all."""

    def __init__(self, *, error: SpecError, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def setup(self) -> None:
        from ppcheck.record.examine import unreadable

        self.record = unreadable(self.path, state_of(self.config).refs[0].label, self.error)
        self.ids = (self.record.id,)
        raise self.error

    def runtest(self) -> None:
        raise self.error

    def reportinfo(self) -> tuple[Path, int, str]:
        return Path(printable(str(self.path))), (self.error.line or 1) - 1, self.name


class LostClaim(SpecItem):
    """Stands for a claim that the baseline has and that its spec has no longer."""

    def __init__(
        self, *, old: ClaimRecord, reason: str, ids: tuple[str, ...] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.old, self.reason, self.ids = old, reason, ids
        self.extra_keyword_matches |= {old.check, self.path.name.removesuffix(SUFFIX)}
        if old.family:
            self.add_marker(old.family)

    def setup(self) -> None:
        from ppcheck.judge.compare import Change
        from ppcheck.record.comparison import lost
        from ppcheck.record.examine import no_longer_there

        gate = gate_of(self.config)
        model = state_of(self.config).refs[0].label
        record = no_longer_there(self.old, self.path, model, self.reason)
        comparison = lost(self.old, gate.name if gate else "", self.reason, Change.GONE)
        self.record = record.model_copy(update={"comparison": comparison})
        self._unless_lost(self.record)

    def runtest(self) -> None:
        raise ClaimFailedError(f"{self.name} is not there to be measured")

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.old.line - 1, self.name


class ClaimFailedError(PpcheckError):
    """The claim does not hold, or it held before and can no longer be measured."""


class ClaimItem(SpecItem):
    """One claim on one model. The setup measures, so that what cannot be measured is an error."""

    def __init__(self, *, spec: Spec, entry: Entry, ref: ModelRef, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec, self.entry, self.ref = spec, entry, ref
        self.ids = tuple(each.id for each in spec.entries)
        self.extra_keyword_matches |= {entry.check, spec.path.name.removesuffix(SUFFIX)}
        if entry.claim is not None:
            self.add_marker(entry.claim.family)
        if len(state_of(self.config).refs) > 1:
            self.add_marker(pytest.mark.xdist_group(group_name(ref.label)))

    def reportinfo(self) -> tuple[Path, int, str]:
        # pytest shows a name with dots as one of a class, unless the id ends otherwise.
        name = f"{self.name} " if "." in self.entry.id else self.name
        return self.path, self.entry.line - 1, name

    @property
    def is_measured(self) -> bool:
        """Whether it can be tried at all: it was read, and is about the model."""
        return self.entry.error is None and self.spec.is_about(*self.ref.names)

    def setup(self) -> None:
        examination = self._examination()
        try:
            self.record = self._examine(examination)
        except UnsupportedError as error:
            self.record = self._compared(examination.refused(error))
            self._unless_lost(self.record)
        except Exception as error:
            self.record = self._compared(examination.refused(error))
            self.user_properties += properties(self.record)
            raise

    def left_out(self, reason: str) -> pytest.ExceptionInfo[BaseException] | None:
        """Take note that the claim was skipped before its setup; gives an error if it held."""
        if self.is_measured:
            _pace_of(self.session).leave_out(self.entry.check)
        self.record = self._compared(self._examination().left_out(reason))
        try:
            self._unless_lost(self.record)
        except ClaimFailedError:
            return pytest.ExceptionInfo.from_current()
        except pytest.skip.Exception:
            return None

    def _examination(self) -> Examination:
        from ppcheck.record.examine import Examination

        state = state_of(self.config)
        return Examination(self.spec, self.entry, self.ref.label, state.seed, state.examples)

    def _examine(self, examination: Examination) -> ClaimRecord:
        if self.entry.error is not None:
            raise self.entry.error
        examination.check_about(self.ref)
        state = state_of(self.config)
        progress = self._progress()
        try:
            return self._compared(state.examined(examination, self.ref, progress), progress)
        finally:
            progress.clear()
            progress.pace.finish(self.entry.check, time.monotonic() - progress.started)
            if self.ref.label in state.broken and len(state.refs) == 1:
                self.session.shouldfail = f"the model {self.ref.label!r} could not be loaded"

    def _compared(self, record: ClaimRecord, progress: ProgressLine | None = None) -> ClaimRecord:
        """The record with what has become of the claim, where there is something to compare."""
        gate = gate_of(self.config)
        if gate is None:
            return record
        comparison = gate.compared(record, self._examination(), progress or self._progress())
        return record.model_copy(update={"comparison": comparison})

    def _progress(self) -> ProgressLine:
        return ProgressLine(self.config, self.name, self.entry.check, _pace_of(self.session))

    def runtest(self) -> None:
        from ppcheck.judge.verdict import Verdict
        from ppcheck.record.run import Outcome, outcome_of

        if self.record is None:
            raise ClaimFailedError(f"{self.name} was not measured")
        self.user_properties += properties(self.record)
        blessing, lenient = (option(self.config, name) for name in ("bless", "lenient"))
        outcome = outcome_of(self.record, blessing=blessing, lenient=lenient)
        if outcome is Outcome.XFAILED:
            pytest.xfail("inconclusive: the interval crosses the bound")
        if outcome is not Outcome.PASSED:
            raise ClaimFailedError(self.name)
        if self.record.verdict is Verdict.MOVED:
            self.warn(MovedWarning(printable(self.record.reason or "")))


_PACE = pytest.StashKey[Pace]()


def _pace_of(session: pytest.Session) -> Pace:
    if _PACE not in session.stash:
        claims = (item for item in session.items if isinstance(item, ClaimItem))
        session.stash[_PACE] = Pace.of(one.entry.check for one in claims if one.is_measured)
    return session.stash[_PACE]


def properties(record: ClaimRecord) -> list[tuple[str, object]]:
    """What JUnit and other reports get of a claim beside its outcome."""
    from ppcheck.report.claims import cautions

    judged = [
        (printable(name), one.estimate)  # pytest escapes the values alone for JUnit
        for name, one in record.statistics.items()
        if one.verdict is not None
    ]
    found = [("verdict", str(record.verdict)), *judged]
    found += [("caution", line) for line in cautions([record])]
    if record.comparison is not None:
        found.append(("change", str(record.comparison.change)))
    return found


def relative(text: str, item: pytest.Item) -> str:
    """The text with the item's file named as seen from where pytest was called."""
    here = os.path.relpath(item.path, item.config.invocation_params.dir)
    return text.replace(str(item.path), here)
