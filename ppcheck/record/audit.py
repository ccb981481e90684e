"""The audit record: claims by checkpoints, as versioned JSON (`ppcheck.audit/2`)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import Recorded

SCHEMA = "ppcheck.audit/2"
EARLIER = ("ppcheck.audit/1",)
"""What earlier versions wrote: version 2 has each claim's tolerances."""


class Status(StrEnum):
    """Where a checkpoint's run stands."""

    DONE = "done"
    MISSING = "missing"
    WAITING = "waiting"


class AuditedStatistic(Recorded):
    """An expected statistic at one checkpoint: of a family, the member that decided.

    ``low`` or ``high`` is None where the interval has no end on that side.
    """

    name: str
    estimate: float
    low: float | None = None
    high: float | None = None
    n: int
    verdict: Verdict


class AuditCell(Recorded):
    """One claim at one checkpoint.

    ``statistics`` are by what is expected of them (`recovery`, whichever head it is of), and
    ``deciding`` names the one that decided. ``players`` play the claim's role, or were chosen by
    it; None where the claim looks for nobody. ``reason`` is that of the claim's own record.
    """

    verdict: Verdict
    passes: bool
    deciding: str | None = None
    statistics: dict[str, AuditedStatistic] = Field(default_factory=dict)
    players: tuple[str, ...] | None = None
    reason: str | None = None


class AuditedClaim(Recorded):
    """One claim, and what became of it: a cell for each checkpoint, None where there is none."""

    id: str
    spec: str
    line: int
    check: str
    family: str
    says: str
    bounds: dict[str, str]
    tolerance: dict[str, float] = Field(default_factory=dict)
    cells: tuple[AuditCell | None, ...]


class Checkpoint(Recorded):
    """One model at one revision.

    ``file`` is the name of its files in the folder `checkpoints`, without what comes after the last
    point. ``made_from`` is a hash of the specs, the settings and the model. ``reason`` says why it
    is missing, where it is.
    """

    label: str
    file: str
    made_from: str
    status: Status = Status.WAITING
    reason: str | None = None
    seconds: float = 0.0
    tally: dict[Verdict, int] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)
    page: bool = False


class AuditRecord(Recorded):
    """One audit. ``specs`` are paths as they were given; checkpoints are in the order given."""

    schema_: Literal["ppcheck.audit/2"] = Field("ppcheck.audit/2", alias="schema")
    started: str
    specs: tuple[str, ...]
    settings: dict[str, Any]
    checkpoints: tuple[Checkpoint, ...]
    claims: tuple[AuditedClaim, ...] = ()

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, exclude_none=True) + "\n"

    def at(self, *statuses: Status) -> Sequence[Checkpoint]:
        """The checkpoints with one of these statuses."""
        return [each for each in self.checkpoints if each.status in statuses]
