"""What claims are compared with: a baseline file, or another model in the same run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ppcheck.errors import BaselineError, PpcheckError, SpecError
from ppcheck.plugin.options import option
from ppcheck.plugin.state import State, state_of

if TYPE_CHECKING:
    from ppcheck.record.baseline import Baseline
    from ppcheck.record.examine import Examination
    from ppcheck.record.run import ClaimRecord, Comparison

    Progress = Callable[[str, int, int], None]


class Gate(Protocol):
    """Compares one claim's record with what it was, or is on another model."""

    @property
    def name(self) -> str:
        """The file or the model, as it was asked for."""
        ...

    def compared(
        self, record: ClaimRecord, examination: Examination, progress: Progress
    ) -> Comparison: ...


@dataclass(frozen=True)
class FileGate:
    """A baseline on disk; None where the file is yet to be written."""

    name: str
    path: Path
    baseline: Baseline | None

    def compared(
        self, record: ClaimRecord, examination: Examination, progress: Progress
    ) -> Comparison:
        from ppcheck.record.baseline import key
        from ppcheck.record.comparison import compared, n_comparisons

        del progress
        known = {} if self.baseline is None else self.baseline.claims
        return compared(
            record,
            known.get(key(record)),
            self.name,
            tolerance=examination.tolerance,
            comparisons=n_comparisons(known),
        )


@dataclass(frozen=True)
class ModelGate:
    """Another model, measured claim by claim beside the one under test."""

    name: str
    state: State

    def compared(
        self, record: ClaimRecord, examination: Examination, progress: Progress
    ) -> Comparison:
        from ppcheck.record.comparison import compared

        return compared(
            record,
            self._record(examination, progress),
            self.name,
            tolerance=examination.tolerance,
            comparisons=max(1, self.state.expectations),
        )

    def _record(self, examination: Examination, progress: Progress) -> ClaimRecord:
        from ppcheck.subject.memo import Memo

        if self.state.against is None:
            raise ValueError("there is no model to compare with")
        other = examination.on(self.name)
        try:
            subject = Memo(self.state.subject(self.state.against), self.state.store)
            subject.progress = progress
            return other.run(subject)
        except PpcheckError as error:
            return other.refused(error)


_GATE = pytest.StashKey[Gate | None]()


def gate_of(config: pytest.Config) -> Gate | None:
    """What this run compares with, if anything. Raises UsageError for options that clash."""
    if _GATE not in config.stash:
        config.stash[_GATE] = _gate(config)
    return config.stash[_GATE]


def _gate(config: pytest.Config) -> Gate | None:
    file, against = option(config, "baseline"), option(config, "against")
    bless = option(config, "bless")
    if bless and file is None:
        raise pytest.UsageError("--ppcheck-bless writes a baseline: name --ppcheck-baseline=FILE")
    if file is not None and against is not None:
        raise pytest.UsageError("compare with --ppcheck-baseline or --ppcheck-against, not both")
    if against is not None:
        state = state_of(config)
        return ModelGate(state.against.label if state.against else against, state)
    if file is None:
        return None
    if bless and len(state_of(config).refs) > 1:
        raise pytest.UsageError("--ppcheck-bless writes the baseline of one model: name one")
    return _file_gate(file, Path(config.invocation_params.dir, file))


def _file_gate(name: str, path: Path) -> FileGate:
    from ppcheck.record.baseline import read_baseline

    try:
        return FileGate(name, path, read_baseline(path))
    except BaselineError as error:
        raise pytest.UsageError(str(error)) from None


def against(config: pytest.Config, records: Sequence[ClaimRecord]) -> list[str]:
    """What changed against the baseline, and what of it is out of date, in lines."""
    from ppcheck.report.gate import headline, tally_of_changes

    gate = gate_of(config)
    if gate is None:
        return []
    if isinstance(gate, FileGate) and gate.baseline is None:
        if option(config, "bless"):
            return []
        return [f"no baseline yet: --ppcheck-bless writes {gate.name}"]
    left = gone(config, records)
    lines = [headline(records), tally_of_changes(records, gate.name, left)]
    if left:
        lines.append(f"gone from the specs, and still in {gate.name}: {', '.join(left)}")
    return lines


def bless(
    config: pytest.Config, records: Sequence[ClaimRecord], models: Mapping[str, Mapping[str, Any]]
) -> str:
    """Write the baseline and say so; without ``models`` the run did not come to its end.

    Raises BaselineError and OSError.
    """
    from ppcheck.record.baseline import blessed, key, read_baseline, write_baseline
    from ppcheck.record.files import folder_locked
    from ppcheck.report.text import counted

    gate = gate_of(config)
    if not isinstance(gate, FileGate):
        raise TypeError("--ppcheck-bless without a baseline")  # options are checked at the start
    if not models:
        return f"not blessed: the run did not come to its end, and {gate.name} is as it was"
    measured = {key(record): record for record in records}
    left = gone(config, records)
    with folder_locked(gate.path.parent):
        before = read_baseline(gate.path)  # another run may have blessed since this one began
        after = blessed(before, measured, next(iter(models.values())), left)
        write_baseline(gate.path, after)
    held = f"{gate.name} holds {counted(len(after.claims), 'claim')}"
    return f"blessed: {held}; commit it with its .npz, and review in git what changed"


def gone(config: pytest.Config, records: Sequence[ClaimRecord]) -> list[str]:
    """Claims of the baseline that their spec no longer has, or whose spec is no longer there.

    A spec of which nothing ran is not read.
    """
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec

    gate = gate_of(config)
    if not isinstance(gate, FileGate) or gate.baseline is None:
        return []
    written: dict[str, set[str]] = {}
    for spec in {record.spec for record in records}:
        with suppress(SpecError):  # a spec that cannot be read says nothing of its claims
            loaded = load_spec(config.rootpath / spec, CHECKS)
            written[spec] = {entry.id for entry in loaded.entries}
    return [
        name
        for name, record in gate.baseline.claims.items()
        if not (config.rootpath / record.spec).exists()
        or record.id not in written.get(record.spec, {record.id})
    ]
