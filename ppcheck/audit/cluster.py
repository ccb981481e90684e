"""Checkpoints on a Ray cluster: a task each, whose results come back as they are.

A task is given the spec files and works in a folder of its own, so that nodes need share no disk.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppcheck.audit.folder import Folder
from ppcheck.audit.job import CheckpointJob, Ended, stop, uninterrupted
from ppcheck.audit.plan import AuditPlan, common_folder
from ppcheck.errors import AuditError
from ppcheck.record.audit import Checkpoint
from ppcheck.record.files import write_whole

LOCAL = "local"
_GLANCE = 0.2
"""Seconds between two looks at a process."""
_PATIENCE = 10.0
"""Seconds that tasks have to stop their processes before they are left to Ray."""


class ProcessDiedError(Exception):
    """The run's process died of a signal: what Ray may try again."""


@dataclass(frozen=True)
class NodeTask:
    """What a node is given. ``files`` are contents by path, as seen from one folder."""

    label: str
    files: Mapping[str, bytes]
    specs: Sequence[str]
    arguments: Sequence[str]


@dataclass(frozen=True)
class Returned:
    """What a node gives back: the record's text or the reason why there is none, and the log."""

    record: bytes | None
    reason: str | None
    log: bytes


@dataclass(frozen=True)
class Cluster:
    """``address`` is `local` for a Ray of this machine's own, or what `ray.init` takes."""

    plan: AuditPlan
    folder: Folder
    address: str = LOCAL
    gpus: float = 0.0
    retries: int = 0

    def run(self, checkpoints: Sequence[Checkpoint]) -> Generator[Ended]:
        """Run them as the cluster has room. Raises AuditError where there is no Ray."""
        if not checkpoints:
            return
        with _connected(self.address) as ray:
            self._warn_of_waiting(ray)
            remote = ray.remote(
                num_cpus=1,
                num_gpus=self.gpus,
                max_retries=self.retries,
                retry_exceptions=[ProcessDiedError],
            )(run_on_node)
            pending = {remote.remote(self._task(each)): each for each in checkpoints}
            try:
                while pending:
                    for reference in ray.wait(list(pending), num_returns=1)[0]:
                        yield self._ended(ray, reference, pending.pop(reference))
            finally:
                _cancel(ray, list(pending))

    def _warn_of_waiting(self, ray: Any) -> None:
        """A cluster may yet grow, so that waiting for a GPU is worth a warning, not an error."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        most = max((resources.get("GPU", 0.0) for resources in nodes), default=0.0)
        if self.gpus > most:
            sys.stderr.write(
                f"no node of the cluster has {self.gpus:g} GPU now ({most:g} is the most): "
                "checkpoints wait for one that does\n"
            )

    def _task(self, checkpoint: Checkpoint) -> NodeTask:
        files = [*self.plan.specs, *self.plan.beside]
        folder = common_folder(files)
        names = {path: path.resolve().relative_to(folder).as_posix() for path in files}
        return NodeTask(
            label=checkpoint.label,
            files={names[path]: path.read_bytes() for path in files},
            specs=[names[path] for path in self.plan.specs],
            arguments=self.plan.settings.arguments,
        )

    def _ended(self, ray: Any, reference: Any, checkpoint: Checkpoint) -> Ended:
        """Write what came back."""
        try:
            returned: Returned = ray.get(reference)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None) or error
            reason = " ".join(str(cause).split())[:400] or type(error).__name__
            write_whole(self.folder.log(checkpoint), str(error))
            return Ended(checkpoint, reason)
        write_whole(self.folder.log(checkpoint), returned.log)
        if returned.record is not None:
            write_whole(self.folder.staged(checkpoint), returned.record)
        return Ended(checkpoint, returned.reason)


def run_on_node(task: NodeTask) -> Returned:
    """Run a checkpoint on this node. Raises ProcessDiedError where its process dies of a signal."""
    with tempfile.TemporaryDirectory(prefix="ppcheck-") as name:
        folder = Path(name)
        for path, content in task.files.items():
            write_whole(folder / path, content)
        job = CheckpointJob(
            label=task.label,
            specs=task.specs,
            arguments=[*task.arguments, f"--rootdir={folder}"],
            record=folder / "run.json",
            log=folder / "run.log",
            folder=folder,
        )
        started: list[subprocess.Popen[bytes]] = []
        try:
            with uninterrupted():
                started.append(job.start())
            # Ray cancels a task between two steps of Python, and a plain wait is one step.
            while (status := started[0].poll()) is None:
                time.sleep(_GLANCE)
        finally:
            stop(started)
        reason = job.reason(status)
        if status < 0:
            raise ProcessDiedError(reason)
        record = None if reason else job.record.read_bytes()
        return Returned(record, reason, job.log.read_bytes())


@contextmanager
def _connected(address: str) -> Generator[Any]:
    # Both would otherwise speak to the network unasked.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise AuditError("--engine ray needs Ray: pip install 'ppcheck[ray]'") from None
    own: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        cause = " ".join(str(error).split())[:300]
        raise AuditError(f"there is no Ray cluster at {address}: {cause}") from error
    signal.signal(signal.SIGTERM, handler)  # Ray has put its own in its place
    try:
        yield ray
    finally:
        ray.shutdown()


def _cancel(ray: Any, references: list[Any]) -> None:
    """Let tasks stop their processes, for a while."""
    for reference in references:
        ray.cancel(reference)
    if references:
        ray.wait(references, num_returns=len(references), timeout=_PATIENCE)
