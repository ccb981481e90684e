"""An audit from its plan to its record: what is kept, what is run, what is written after each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from ppcheck.audit.columns import Column, Row, column, rows
from ppcheck.audit.folder import Folder
from ppcheck.audit.job import Executor
from ppcheck.audit.plan import AuditPlan
from ppcheck.record.audit import AuditRecord, Checkpoint, Status

OnCheckpoint = Callable[[Checkpoint], None]


@dataclass
class Auditor:
    """Runs ``plan`` in ``folder``, which is locked; ``pages`` asks for each run's page."""

    plan: AuditPlan
    folder: Folder
    pages: bool = False
    checkpoints: dict[str, Checkpoint] = field(init=False)
    columns: dict[str, Column] = field(init=False, default_factory=dict)
    started: str = field(init=False)

    def __post_init__(self) -> None:
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.checkpoints = {each.label: each for each in self.plan.checkpoints}

    def take_up(self) -> list[Checkpoint]:
        """Take what earlier audits left; returns the checkpoints that are yet to be run."""
        waiting = [each for each in self.plan.checkpoints if not self._take(each)]
        self._write()
        return waiting

    def run(self, engine: Executor, waiting: list[Checkpoint], on_checkpoint: OnCheckpoint) -> None:
        """Run the checkpoints, and write the audit again after each of them."""
        with closing(engine.run(waiting)) as ends:
            for ended in ends:
                checkpoint = ended.checkpoint
                if not (ended.reason is None and self._take(checkpoint)):
                    reason = ended.reason or "its record cannot be read"
                    self._set(checkpoint, status=Status.MISSING, reason=reason)
                self._write()
                on_checkpoint(self.checkpoints[checkpoint.label])

    def record(self) -> AuditRecord:
        return self._record_of(self._rows())

    def _write(self) -> None:
        found = self._rows()
        self.folder.write(self._record_of(found), [row.outlines for row in found])

    def _rows(self) -> tuple[Row, ...]:
        return rows([self.columns.get(label) for label in self.checkpoints])

    def _record_of(self, found: tuple[Row, ...]) -> AuditRecord:
        return AuditRecord(
            started=self.started,
            specs=tuple(path.as_posix() for path in self.plan.specs),
            settings=asdict(self.plan.settings),
            checkpoints=tuple(self.checkpoints.values()),
            claims=tuple(row.claim for row in found),
        )

    def _take(self, checkpoint: Checkpoint) -> bool:
        """Whether there is a record of this very checkpoint; if so it is in the audit now."""
        run = self.folder.kept(checkpoint)
        if run is None:
            return False
        found = self.columns[checkpoint.label] = column(run)
        if self.pages:
            self.folder.write_page(checkpoint, run)
        self._set(
            checkpoint,
            status=Status.DONE,
            seconds=run.seconds,
            tally=found.tally,
            model=found.model,
            page=self.pages,
        )
        return True

    def _set(self, checkpoint: Checkpoint, **found: object) -> None:
        self.checkpoints[checkpoint.label] = checkpoint.model_copy(update=found)
