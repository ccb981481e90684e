"""The record of a run that has come to its end."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ppcheck.record.commit import commit_of
from ppcheck.record.run import ClaimRecord, RunRecord


def finished(
    claims: Sequence[ClaimRecord],
    models: Mapping[str, dict[str, Any]],
    *,
    started: float,
    root: Path,
    paths: Sequence[str],
    specs: Mapping[str, tuple[str, ...]],
) -> RunRecord:
    """The run of these claims, which started ``started`` seconds after the epoch.

    ``models`` are those that were loaded, by label, and ``root`` is the folder whose commit it is
    of; see `RunRecord` for the others. The first model is empty where none could be loaded.
    """
    labels = [label for label in dict.fromkeys(claim.model for claim in claims) if label in models]
    return RunRecord(
        started=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        commit=commit_of(root),
        seconds=time.time() - started,
        peak_memory_mb=_peak_memory() / 1e6,
        model=models[labels[0]] if labels else {},
        models={label: models[label] for label in labels},
        paths=tuple(dict.fromkeys(paths)),
        specs=dict(specs),
        claims=tuple(claims),
    )


def _peak_memory() -> int:
    """Bytes that this process took at most, or one of its children if that took more."""
    unit = 1 if sys.platform == "darwin" else 1024
    whom = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(each).ru_maxrss for each in whom) * unit
