"""Checkpoints on this machine, each in a process, several at a time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from ppcheck.audit.folder import Folder
from ppcheck.audit.job import CheckpointJob, Ended, stop, uninterrupted
from ppcheck.audit.plan import AuditPlan
from ppcheck.record.audit import Checkpoint

_GLANCE = 0.05
"""Seconds between two looks at the processes."""


@dataclass(frozen=True)
class Local:
    plan: AuditPlan
    folder: Folder
    workers: int = 1

    def run(self, checkpoints: Sequence[Checkpoint]) -> Generator[Ended]:
        waiting = list(reversed(checkpoints))
        running: dict[subprocess.Popen[bytes], tuple[Checkpoint, CheckpointJob]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    checkpoint = waiting.pop()
                    job = self._job(checkpoint)
                    with uninterrupted():
                        running[job.start(self._threads())] = checkpoint, job
                for process in [each for each in running if each.poll() is not None]:
                    checkpoint, job = running.pop(process)
                    yield Ended(checkpoint, job.reason(process.returncode))
                time.sleep(_GLANCE)
        finally:
            stop(list(running))

    def _job(self, checkpoint: Checkpoint) -> CheckpointJob:
        return CheckpointJob(
            label=checkpoint.label,
            specs=[str(path) for path in self.plan.specs],
            arguments=self.plan.settings.arguments,
            record=self.folder.staged(checkpoint).absolute(),
            log=self.folder.log(checkpoint),
        )

    def _threads(self) -> dict[str, str]:
        """Each of several processes gets its share of the cores, unless that is said already."""
        if self.workers == 1 or "OMP_NUM_THREADS" in os.environ:
            return {}
        return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // self.workers))}
