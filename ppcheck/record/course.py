"""What became of a claim on a model, run after run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import StatisticRecord


class ClaimKey(NamedTuple):
    """What a claim on a model is called in every run."""

    spec: str
    claim: str
    model: str


@dataclass(frozen=True)
class Mark:
    """That a claim was judged: when (UTC), at which commit, and with which verdict."""

    place: tuple[int, int]
    started: datetime
    commit: str | None
    verdict: Verdict


@dataclass(frozen=True)
class Detail:
    """What else a run says of a claim.

    ``shown`` names the statistic that decided it, or the one that is asked for; None where there
    is no such.
    """

    says: str
    reason: str | None
    revision: str | None
    weights_sha256: str | None
    fingerprint: str | None
    prompts_sha256: str | None
    seed: str
    shown: str | None
    statistics: Mapping[str, StatisticRecord]


@dataclass(frozen=True)
class Point:
    """One run of a claim. ``change`` is the estimate minus that of the run before.

    ``otherwise`` says what makes that no change of the model: other prompts, say.
    """

    mark: Mark
    detail: Detail
    change: float | None
    otherwise: str | None

    @property
    def statistic(self) -> StatisticRecord | None:
        return self.detail.statistics.get(self.detail.shown or "")


@dataclass(frozen=True)
class Course:
    """A claim on a model. ``points`` are its last runs, oldest first, of ``runs`` in all.

    ``since`` is the first of the ``streak`` last runs, which all have the last verdict.
    ``curve`` is the statistic ``name``, which the last point shows, at each point.
    """

    key: ClaimKey
    runs: int
    first: Mark
    since: Mark
    streak: int
    points: tuple[Point, ...]
    name: str | None
    curve: tuple[StatisticRecord | None, ...]

    @property
    def last(self) -> Mark:
        return self.points[-1].mark


def course(key: ClaimKey, marks: Sequence[Mark], details: Sequence[Detail], last: int) -> Course:
    """Of all ``marks``, oldest first, and the ``details`` of the last of them, one more if any."""
    streak = next(
        (n for n, mark in enumerate(reversed(marks)) if mark.verdict is not marks[-1].verdict),
        len(marks),
    )
    known = list(zip(marks[-len(details) :], details, strict=True))
    earlier = [None, *details[:-1]]
    points = [
        Point(mark, detail, *_change(before, detail))
        for (mark, detail), before in zip(known, earlier, strict=True)
    ][-last:]
    name = next((p.detail.shown for p in reversed(points) if p.detail.shown), None)
    curve = tuple(point.detail.statistics.get(name or "") for point in points)
    return Course(key, len(marks), marks[0], marks[-streak], streak, tuple(points), name, curve)


def _change(before: Detail | None, now: Detail) -> tuple[float | None, str | None]:
    """The change of what ``now`` shows, and what else differs from the run before."""
    if before is None or now.shown is None or now.shown not in before.statistics:
        return None, None
    change = now.statistics[now.shown].estimate - before.statistics[now.shown].estimate
    return change, _otherwise(before, now)


def _otherwise(before: Detail, now: Detail) -> str | None:
    if _differ(before.prompts_sha256, now.prompts_sha256):
        return "other prompts"
    if before.seed != now.seed:
        return "another seed"
    return "measured otherwise" if _differ(before.fingerprint, now.fingerprint) else None


def _differ(one: str | None, other: str | None) -> bool:
    """Whether both are known and not the same."""
    return bool(one and other and one != other)
