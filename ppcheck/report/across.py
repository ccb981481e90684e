"""What becomes of a claim from checkpoint to checkpoint, as every report of an audit says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from ppcheck.judge.compare import default_tolerance, room
from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import (
    AuditCell,
    AuditedClaim,
    AuditedStatistic,
    AuditRecord,
    Checkpoint,
    Status,
)
from ppcheck.record.leading import statistic_of
from ppcheck.report.claims import MARKS
from ppcheck.report.text import counted, in_words, number, printable
from ppcheck.spec.expectations.bound import Bound

NOTHING = "·"
"""The mark of a checkpoint that was not measured, or does not have the claim."""
FELL = "▼"
"""The mark of a checkpoint at which a claim holds with a figure that has become worse."""
NOBODY = "nobody"


class TrajectoryKind(StrEnum):
    """How a claim fares over the checkpoints at which it was measured."""

    ALWAYS = "always holds"
    STARTS = "starts to hold"
    STOPS = "stops holding"
    CHANGES = "comes and goes"
    NEVER = "never holds"
    UNASKED = "not applicable"


KIND_MARKS = {
    TrajectoryKind.ALWAYS: "✓",
    TrajectoryKind.STARTS: "↗",
    TrajectoryKind.STOPS: "↘",
    TrajectoryKind.CHANGES: "↕",
    TrajectoryKind.NEVER: "✗",
    TrajectoryKind.UNASKED: "-",
}


@dataclass(frozen=True)
class Move:
    """A role that others play from checkpoint number ``at`` on."""

    then: str
    now: str
    at: int


@dataclass(frozen=True)
class Fall:
    """A figure that is worse at checkpoint number ``at``, where the claim still holds.

    It is from ``then`` to ``now`` by more than the tolerance, and the intervals of the two do not
    meet; ``since`` is the checkpoint at which it was best.
    """

    name: str
    then: float
    now: float
    since: int
    at: int

    @property
    def words(self) -> str:
        """``recovery 0.82 → 0.27 (-67 %)``."""
        share = f" ({100 * (self.now - self.then) / abs(self.then):+.0f} %)" if self.then else ""
        return f"{printable(self.name)} {number(self.then)} → {number(self.now)}{share}"


@dataclass(frozen=True)
class Trajectory:
    """One claim's cells, read in the order of the checkpoints, and what is expected of it."""

    cells: Sequence[AuditCell | None]
    bounds: Mapping[str, str] = field(default_factory=dict)
    tolerance: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, claim: AuditedClaim) -> Trajectory:
        return cls(claim.cells, claim.bounds, claim.tolerance)

    @cached_property
    def _held(self) -> list[tuple[int, bool]]:
        """The number of each checkpoint at which it was measured, and whether it holds there."""
        return [
            (number, cell.passes)
            for number, cell in enumerate(self.cells)
            if cell is not None and cell.verdict is not Verdict.NOT_APPLICABLE
        ]

    @cached_property
    def kind(self) -> TrajectoryKind:
        passes = [held for _, held in self._held]
        if not passes:
            return TrajectoryKind.UNASKED
        if len(set(passes)) == 1:
            return TrajectoryKind.ALWAYS if passes[0] else TrajectoryKind.NEVER
        if sum(one != other for one, other in pairwise(passes)) == 1:
            return TrajectoryKind.STOPS if passes[0] else TrajectoryKind.STARTS
        return TrajectoryKind.CHANGES

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """The numbers of the first and the last checkpoint at which it holds."""
        numbers = [number for number, held in self._held if held]
        return (numbers[0], numbers[-1]) if numbers else None

    @cached_property
    def moves(self) -> list[Move]:
        """Who took over from whom, between checkpoints at which the role is played.

        Players are the best first. A role moves where the best one plays it no longer, or one that
        did not play it is the best now; others who come and go at its margin do not move it.
        """
        played = [
            (number, cell.players)
            for number, cell in enumerate(self.cells)
            if cell is not None
            and cell.players is not None
            and (cell.passes or cell.verdict is Verdict.MOVED)
        ]
        return [
            Move(*_without_those_who_stay(then, now), at)
            for (_, then), (at, now) in pairwise(played)
            if then and now and (then[0] not in now or now[0] not in then)
        ]

    @cached_property
    def falls(self) -> list[Fall]:
        """Figures that became worse though the claim holds, in the order of the checkpoints.

        Where the role has moved the text says so, and figures are of another component.
        """
        found = [fall for name, bound in self.bounds.items() for fall in self._falls(name, bound)]
        return sorted(found, key=lambda fall: fall.at)

    def _falls(self, name: str, written: str) -> Iterator[Fall]:
        bound, best = Bound.parse(written), None
        for at, cell in enumerate(self.cells):
            holds = cell is not None and cell.verdict is Verdict.HOLDS
            now = cell.statistics.get(name) if cell is not None and holds else None
            if now is None:
                continue
            if best is not None and self._is_worse(bound, now, best[1]):
                yield Fall(name, best[1].estimate, now.estimate, best[0], at)
                best = None
            if best is None or room(bound, now.estimate) > room(bound, best[1].estimate):
                best = (at, now)

    def _is_worse(self, bound: Bound, now: AuditedStatistic, then: AuditedStatistic) -> bool:
        allowed = self.tolerance.get(statistic_of(now.name))
        if allowed is None:
            allowed = default_tolerance(bound, then.estimate)
        by = room(bound, then.estimate) - room(bound, now.estimate)
        return by > allowed and (_below(now, then) or _below(then, now))

    @property
    def marks(self) -> list[str]:
        """A mark for each checkpoint."""
        fell = {fall.at for fall in self.falls}
        return [FELL if at in fell else mark(cell) for at, cell in enumerate(self.cells)]

    def fell(self, names: Sequence[str]) -> list[str]:
        """``recovery 0.82 → 0.27 (-67 %) at demo@tuned``."""
        return [f"{fall.words} at {names[fall.at]}" for fall in self.falls]

    def words(self, names: Sequence[str]) -> str:
        """``holds from step1000 to step4000, but not at 1 between``."""
        if self.span is None:
            return "not applicable" if self.kind is TrajectoryKind.UNASKED else "holds nowhere"
        if self.kind is TrajectoryKind.ALWAYS:
            return "holds throughout"
        first, last = self.span
        between = sum(not held for number, held in self._held if first < number < last)
        if first == last:
            return f"holds at {names[first]} alone"
        gaps = f", but not at {between} between" if between else ""
        if not between and self.kind is TrajectoryKind.STARTS:
            return f"holds from {names[first]} on"
        if not between and self.kind is TrajectoryKind.STOPS:
            return f"holds up to {names[last]}"
        return f"holds from {names[first]} to {names[last]}{gaps}"

    def moved(self, names: Sequence[str]) -> list[str]:
        """``L1H1 → L1H3 at demo@rewired``."""
        return [f"{move.then} → {move.now} at {names[move.at]}" for move in self.moves]


def _below(one: AuditedStatistic, other: AuditedStatistic) -> bool:
    """Whether the whole interval of the one lies below that of the other."""
    return one.high is not None and other.low is not None and one.high < other.low


def _without_those_who_stay(then: Sequence[str], now: Sequence[str]) -> tuple[str, str]:
    left, new = [n for n in then if n not in now], [n for n in now if n not in then]
    return (players(left), players(new)) if left and new else (players(then), players(now))


def players(names: Sequence[str]) -> str:
    return printable(", ".join(names)) or NOBODY


def mark(cell: AuditCell | None) -> str:
    return NOTHING if cell is None else MARKS[cell.verdict]


def short_names(record: AuditRecord) -> list[str]:
    """Checkpoints as reports call them: by revision alone where all are of one model."""
    labels = endings(record)
    models = {label.partition("@")[0] for label in labels}
    if len(labels) > 1 and len(models) == 1 and all("@" in label for label in labels):
        return [label.partition("@")[2] for label in labels]
    return labels


def endings(record: AuditRecord) -> list[str]:
    """Of each label the fewest last parts of its path that tell all apart; one alone is whole."""
    labels = [printable(each.label) for each in record.checkpoints]
    parts = [label.rstrip("/").split("/") for label in labels]
    for count in range(1, max(map(len, parts), default=0)):
        short = ["/".join(each[-count:]) for each in parts]
        if len(labels) > 1 and len(set(short)) == len(set(labels)):
            return short
    return labels


def completeness(record: AuditRecord, *, reasons: bool = True) -> str:
    """``5 of 6 checkpoints; missing: demo@nowhere: there is no such revision``."""
    done, total = len(record.at(Status.DONE)), len(record.checkpoints)
    whole = counted(total, "checkpoint")
    parts = [whole if done == total else f"{done} of {whole}"]
    if waiting := len(record.at(Status.WAITING)):
        parts.append(f"{waiting} yet to be run")
    if missing := record.at(Status.MISSING):
        parts.append(f"missing: {'; '.join(_named(each, reasons=reasons) for each in missing)}")
    return "; ".join(parts)


def _named(each: Checkpoint, *, reasons: bool) -> str:
    reason = f": {printable(each.reason or '')}" if reasons else ""
    return f"{printable(each.label)}{reason}"


def tally_of_courses(claims: Sequence[AuditedClaim]) -> str:
    """``86 claims: 60 always hold, 21 stop holding, 5 move``."""
    courses = list(map(Trajectory.of, claims))
    words = {
        TrajectoryKind.ALWAYS: ("always holds", "always hold"),
        TrajectoryKind.STARTS: ("starts to hold", "start to hold"),
        TrajectoryKind.STOPS: ("stops holding", "stop holding"),
        TrajectoryKind.CHANGES: ("comes and goes", "come and go"),
        TrajectoryKind.NEVER: ("never holds", "never hold"),
        TrajectoryKind.UNASKED: ("not applicable", "not applicable"),
    }
    parts = [in_words(Counter(course.kind for course in courses), words)]
    if moving := sum(bool(course.moves) for course in courses):
        parts.append(f"{moving} {'moves' if moving == 1 else 'move'} to another component")
    if falling := sum(bool(course.falls) for course in courses):
        parts.append(f"{falling} {'falls' if falling == 1 else 'fall'} while holding")
    total = counted(len(claims), "claim")
    return f"{total}: {'; '.join(parts)}" if claims else total
