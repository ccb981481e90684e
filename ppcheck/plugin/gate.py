"""What claims are compared with: a baseline file, or another model in the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ppcheck.errors import BaselineError, PpcheckError
from ppcheck.plugin.options import option
from ppcheck.plugin.state import State, state_of

if TYPE_CHECKING:
    from ppcheck.plugin.progress import ProgressLine
    from ppcheck.record.baseline import Baseline, LocatedClaim
    from ppcheck.record.examine import Examination
    from ppcheck.record.run import ClaimRecord, Comparison


class Gate(Protocol):
    """Compares one claim's record with what it was, or is on another model."""

    @property
    def name(self) -> str:
        """The file or the model, as it was asked for."""
        ...

    def compared(
        self, record: ClaimRecord, examination: Examination, progress: ProgressLine
    ) -> Comparison | None:
        """None where there is nothing yet to compare with."""
        ...

    def lacking(self, spec: Path, ids: Sequence[str]) -> list[ClaimRecord]:
        """The claims that are known of a spec and are not among those that it has now."""
        ...


@dataclass(frozen=True)
class FileGate:
    """A baseline on disk; None where the file is yet to be written."""

    name: str
    path: Path
    baseline: Baseline | None

    def compared(
        self, record: ClaimRecord, examination: Examination, progress: ProgressLine
    ) -> Comparison | None:
        from ppcheck.record.baseline import key
        from ppcheck.record.comparison import compared, n_comparisons, was_or_is_measured

        del progress
        if self.baseline is None:
            return None
        known = self.baseline.claims
        spec = self.baseline.name_of(examination.spec.path, examination.ids)
        old = known.get(key(spec, record.id))
        if not was_or_is_measured(record, old):
            return None
        return compared(
            record,
            old,
            self.name,
            tolerance=examination.tolerance,
            comparisons=n_comparisons(known),
        )

    def lacking(self, spec: Path, ids: Sequence[str]) -> list[ClaimRecord]:
        if self.baseline is None:
            return []
        name = self.baseline.name_of(spec, ids)
        known = self.baseline.claims.values()
        return [old for old in known if old.spec == name and old.id not in ids]

    def without_file(
        self, specs: Mapping[Path, Sequence[str]], folders: Sequence[Path]
    ) -> Iterator[tuple[Path, ClaimRecord]]:
        """Claims of specs that should lie in these ``folders`` and do not, with their files.

        ``specs`` are those that were found, with the ids of their claims: one of them may be a spec
        that was moved.
        """
        if self.baseline is None:
            return
        found = {self.baseline.name_of(path, ids) for path, ids in specs.items()}
        for old in self.baseline.claims.values():
            path = (self.path.parent / old.spec).resolve()
            within = any(path.is_relative_to(folder.resolve()) for folder in folders)
            if old.spec not in found and within and not path.exists():
                yield path, old

    def knows_none_of(self, specs: Mapping[Path, Sequence[str]]) -> bool:
        """Whether all that the baseline has is of specs that are neither here nor on the disk."""
        if self.baseline is None or not self.baseline.claims:
            return False
        names = {self.baseline.name_of(path, ids) for path, ids in specs.items()}
        return names.isdisjoint(self.baseline.specs) and not any(
            (self.path.parent / name).exists() for name in self.baseline.specs
        )


@dataclass(frozen=True)
class ModelGate:
    """Another model, measured claim by claim beside the one under test."""

    name: str
    state: State

    def compared(
        self, record: ClaimRecord, examination: Examination, progress: ProgressLine
    ) -> Comparison | None:
        from ppcheck.record.comparison import compared, was_or_is_measured

        old = self._record(examination, progress)
        if not was_or_is_measured(record, old):
            return None
        return compared(
            record,
            old,
            self.name,
            tolerance=examination.tolerance,
            comparisons=max(1, self.state.expectations),
        )

    def lacking(self, spec: Path, ids: Sequence[str]) -> list[ClaimRecord]:
        """Nothing: both models are asked the same."""
        del spec, ids
        return []

    def _record(self, examination: Examination, progress: ProgressLine) -> ClaimRecord:
        if self.state.against is None:
            raise ValueError("there is no model to compare with")
        other = examination.on(self.name)
        try:
            other.check_about(self.state.against)
            return self.state.examined(other, self.state.against, progress)
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
    gate = _file_gate(file, Path(config.invocation_params.dir, file))
    if gate.baseline is not None and not bless:
        _check_seed(gate.name, gate.baseline, option(config, "seed"))
    return gate


def _file_gate(name: str, path: Path) -> FileGate:
    from ppcheck.record.baseline import read_baseline

    try:
        return FileGate(name, path, read_baseline(path))
    except BaselineError as error:
        raise pytest.UsageError(str(error)) from None


def _check_seed(name: str, baseline: Baseline, seed: int) -> None:
    """Raise UsageError where no claim of the baseline was measured with the run's seed."""
    seeds = sorted({old.seed for old in baseline.claims.values()})
    if seeds and seed not in seeds:
        raise pytest.UsageError(
            f"{name} was measured with seed {seeds[0]}, and this run has {seed}, so that nothing "
            f"could be compared: give --ppcheck-seed={seeds[0]}, or bless"
        )


def strangers(config: pytest.Config, run: Sequence[LocatedClaim]) -> str | None:
    """What is wrong where a run and its baseline have nothing in common; else None."""
    gate = gate_of(config)
    if not isinstance(gate, FileGate) or gate.baseline is None:
        return None
    if not gate.knows_none_of({one.path: one.ids for one in run}):
        return None
    names = list(gate.baseline.specs)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (
        f"nothing was compared: seen from its own folder, {gate.name} is about "
        f"{', '.join(names[:3])}{more}, and nothing of that is there. Was the file moved? Put it "
        "back where it was or, to begin again, delete it"
    )


def unblessed(config: pytest.Config) -> str | None:
    """What to do where the baseline that is asked for is yet to be written."""
    gate = gate_of(config)
    if not isinstance(gate, FileGate) or gate.baseline is not None or option(config, "bless"):
        return None
    return f"no baseline yet: --ppcheck-bless writes {gate.name}"


def bless(
    config: pytest.Config, run: Sequence[LocatedClaim], models: Sequence[Mapping[str, Any]]
) -> str:
    """Write the baseline and say so; without ``models`` the run did not come to its end.

    Raises BaselineError and OSError.
    """
    from ppcheck.record.baseline import blessed, read_baseline, write_baseline
    from ppcheck.record.files import folder_locked
    from ppcheck.report.text import counted

    gate = gate_of(config)
    if not isinstance(gate, FileGate):
        raise TypeError("--ppcheck-bless without a baseline")  # options are checked at the start
    if not models:
        return f"not blessed: the run did not come to its end, and {gate.name} is as it was"
    if reason := strangers(config, run):
        return f"not blessed: {reason}"
    if not any(record.is_measured for record in (one.record for one in run)):
        return f"not blessed: nothing was measured, and {gate.name} is as it was"
    with folder_locked(gate.path.parent):
        before = read_baseline(gate.path)  # another run may have blessed since this one began
        after = blessed(before, run, models[0], gate.path.parent)
        write_baseline(gate.path, after)
    held = f"{gate.name} holds {counted(len(after.claims), 'claim')}"
    lost = [f"{one.record.spec}::{one.record.id}" for one in run if _is_taken_out(one.record)]
    taken = f"; taken out, since no longer measured: {', '.join(lost)}" if lost else ""
    return f"blessed: {held}{taken}; commit it with its .npz, and review in git what changed"


def _is_taken_out(record: ClaimRecord) -> bool:
    """Whether the baseline had the claim, and loses it when this record is blessed."""
    from ppcheck.judge.verdict import Verdict

    return record.verdict is Verdict.NOT_APPLICABLE and record.comparison is not None
