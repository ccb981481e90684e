"""An audit as one page that works from disk: claims by checkpoints, and what each was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import AuditCell, AuditedClaim, AuditRecord, Checkpoint, Status
from ppcheck.report.across import (
    FELL,
    KIND_MARKS,
    NOTHING,
    Trajectory,
    TrajectoryKind,
    completeness,
    endings,
    players,
    short_names,
    tally_of_courses,
)
from ppcheck.report.claims import MARKS
from ppcheck.report.embedding import embedded, environment
from ppcheck.report.map.audited import Outlines, course_of
from ppcheck.report.pictures import Json, rounded
from ppcheck.report.text import counted, number, printable
from ppcheck.spec.expectations.bound import Bound

MOST_MOVES = 8
FEW = 10
"""Checkpoints up to which each cell has its figure beside its mark."""
_FELL = "fell"
_SCRIPT = "matrix.js"
_CODES = {verdict: str(number) for number, verdict in enumerate(Verdict)}


def matrix_page(record: AuditRecord, outlines: Outlines = ()) -> str:
    """The page. It links to the checkpoints' files in the folder beside it.

    The map is drawn of ``outlines``, one row for each claim of the record.
    Every text of a spec or a model goes through `printable`, is escaped where it stands in the
    page, and is put in place as text.
    """
    template = environment().get_template("matrix.html.jinja")
    evidence = [_evidence(claim) for claim in record.claims]
    view = _View(record, outlines)
    return template.render(view=view, evidence=evidence, **embedded(["page", "matrix"], _SCRIPT))


@dataclass(frozen=True)
class _View:
    """What the template asks of an audit."""

    record: AuditRecord
    outlines: Outlines

    @cached_property
    def names(self) -> list[str]:
        return short_names(self.record)

    @cached_property
    def courses(self) -> list[Trajectory]:
        return list(map(Trajectory.of, self.record.claims))

    @property
    def title(self) -> str:
        labels = endings(self.record)
        return ", ".join(labels) if len(labels) < 3 else f"{labels[0]} … {labels[-1]}"

    @property
    def when(self) -> str:
        return self.record.started

    @property
    def state(self) -> str:
        if self.record.at(Status.MISSING):
            return str(Verdict.ERROR)
        if any(
            course.kind not in (TrajectoryKind.ALWAYS, TrajectoryKind.UNASKED)
            for course in self.courses
        ):
            return str(Verdict.FAILS)
        if any(course.falls for course in self.courses):
            return _FELL
        moves = any(course.moves for course in self.courses)
        return str(Verdict.MOVED if moves else Verdict.HOLDS)

    @property
    def mark(self) -> str:
        return FELL if self.state == _FELL else MARKS[Verdict(self.state)]

    @property
    def verdict(self) -> str:
        """What one sentence says of the audit."""
        asked = [course for course in self.courses if course.kind is not TrajectoryKind.UNASKED]
        always = sum(course.kind is TrajectoryKind.ALWAYS for course in asked)
        if not asked:
            return "No claim was measured"
        if always == len(asked):
            all_of_them = "The one claim holds" if always == 1 else f"All {always} claims hold"
            return f"{all_of_them} at every checkpoint{self._fallen}"
        return f"{always} of {counted(len(asked), 'claim')} hold at every checkpoint{self._fallen}"

    @property
    def _fallen(self) -> str:
        falling = sum(bool(course.falls) for course in self.courses)
        return f", but figures of {counted(falling, 'claim')} fell" if falling else ""

    @property
    def completeness(self) -> str:
        return completeness(self.record, reasons=False)

    @property
    def tally(self) -> str:
        return tally_of_courses(self.record.claims)

    @property
    def moves(self) -> list[tuple[str, str, int]]:
        """From whom to whom, and in how many claims, the most frequent first."""
        found = Counter(
            pair for course in self.courses for pair in {(m.then, m.now) for m in course.moves}
        )
        return [(then, now, count) for (then, now), count in found.most_common(MOST_MOVES)]

    @property
    def missing(self) -> list[tuple[str, str]]:
        return [
            (printable(each.label), printable(each.reason or ""))
            for each in self.record.at(Status.MISSING)
        ]

    @property
    def marks(self) -> list[tuple[str, str]]:
        return [(str(verdict), mark) for verdict, mark in MARKS.items()]

    @property
    def checkpoints(self) -> list[Json]:
        return [_checkpoint(each) for each in self.record.checkpoints]

    @property
    def specs(self) -> list[str]:
        return list(map(printable, self.record.specs))

    @property
    def settings(self) -> str:
        given = {name: v for name, v in self.record.settings.items() if v not in (None, False)}
        return printable(", ".join(f"{name.replace('_', ' ')} {v}" for name, v in given.items()))

    @property
    def data(self) -> Json:
        pairs = zip(self.record.claims, self.courses, strict=True)
        return {
            "names": self.names,
            "labels": [printable(each.label) for each in self.record.checkpoints],
            "pages": [
                _link(each, "html") if each.page else None for each in self.record.checkpoints
            ],
            "verdicts": {code: str(verdict) for verdict, code in _CODES.items()},
            "marks": {str(verdict): mark for verdict, mark in MARKS.items()},
            "kinds": {str(kind): mark for kind, mark in KIND_MARKS.items()},
            "nothing": NOTHING,
            "fell": FELL,
            "map": course_of(self.outlines),
            "claims": [self._row(claim, course) for claim, course in pairs],
        }

    def _row(self, claim: AuditedClaim, course: Trajectory) -> Json:
        """The claim's line in the matrix."""
        first, last = course.span or (None, None)
        return {
            "id": printable(claim.id),
            "spec": printable(claim.spec),
            "says": printable(claim.says),
            "check": printable(claim.check),
            "line": claim.line,
            "kind": str(course.kind),
            "course": course.words(self.names),
            "first": first,
            "last": last,
            "moves": [(move.then, move.now, move.at) for move in course.moves],
            "falls": [(fall.words, fall.at) for fall in course.falls],
            "figures": _figures(claim) if len(claim.cells) <= FEW else None,
            "verdicts": "".join(NOTHING if c is None else _CODES[c.verdict] for c in claim.cells),
        }


def _figures(claim: AuditedClaim) -> list[str]:
    """At each checkpoint the estimate that decided."""
    found = [None if c is None else c.statistics.get(c.deciding or "") for c in claim.cells]
    return ["" if one is None else number(one.estimate) for one in found]


def _checkpoint(each: Checkpoint) -> Json:
    done = each.status is Status.DONE
    files = [("record", "json"), *([("page", "html")] if each.page else [])] if done else []
    waits = "yet to be run" if each.status is Status.WAITING else ""
    logged = [] if each.status is Status.WAITING else [("log", "log")]
    return {
        "label": printable(each.label),
        "tally": [(str(v), MARKS[v], each.tally[v]) for v in Verdict if v in each.tally],
        "reason": printable(each.reason or waits),
        "seconds": f"{each.seconds:,.0f}" if done else "",
        "weights": printable(str(each.model.get("weights_sha256", ""))[:12]),
        "files": [(name, _link(each, ending)) for name, ending in (*files, *logged)],
    }


def _link(each: Checkpoint, ending: str) -> str:
    return quote(f"checkpoints/{each.file}.{ending}")


def _evidence(claim: AuditedClaim) -> Json:
    """What unfolds below a claim: its figures at each checkpoint, and who plays its role."""
    found = [None if c is None or c.players is None else players(c.players) for c in claim.cells]
    who = list(dict.fromkeys(each for each in found if each is not None))
    names = [name for name in claim.bounds if any(c and name in c.statistics for c in claim.cells)]
    decided = [None if c is None else c.deciding for c in claim.cells]
    return {
        "expected": ", ".join(printable(f"{name} {b}") for name, b in claim.bounds.items()),
        "series": {printable(name): _series(claim, name) for name in names},
        "of": list(map(printable, names)),
        "deciding": [names.index(name) if name in names else None for name in decided],
        "who": who,
        "players": [None if each is None else who.index(each) for each in found],
        "reasons": {
            number: printable(cell.reason)
            for number, cell in enumerate(claim.cells)
            if cell is not None and cell.reason
        },
    }


def _series(claim: AuditedClaim, name: str) -> Json:
    """One expected statistic, checkpoint by checkpoint."""
    cells: Sequence[AuditCell | None] = claim.cells
    found = [None if cell is None else cell.statistics.get(name) for cell in cells]
    bound = Bound.parse(claim.bounds[name])
    return {
        "y": [None if one is None else rounded(one.estimate) for one in found],
        "low": [None if one is None else rounded(one.low) for one in found],
        "high": [None if one is None else rounded(one.high) for one in found],
        "of": [None if one is None else printable(one.name) for one in found],
        "met": [one is not None and one.verdict is Verdict.HOLDS for one in found],
        "bound": [rounded(bound.low), rounded(bound.high)],
        "expected": str(bound),
    }
