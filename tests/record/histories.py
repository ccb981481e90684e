"""Runs made up for the tests of histories, and a store with some of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ppcheck.judge.verdict import Verdict
from ppcheck.record.course import Course
from ppcheck.record.database import Database
from ppcheck.record.history import Wanted, add, courses, identity
from ppcheck.record.run import ClaimRecord, RunRecord
from ppcheck.report.claims import deciding
from tests.report.runs import claim, run, statistic

SQLITE = "sqlite:///runs.db"


def measured(
    estimate: float, verdict: Verdict = Verdict.HOLDS, name: str = "recovery", **changes: Any
) -> ClaimRecord:
    """The claim `mover`, decided by one statistic; another, `gap`, was not judged."""
    ends = {"low": estimate - 0.1, "high": estimate + 0.1}
    one = statistic(verdict, estimate=estimate, values=(), worst=(), **ends)
    gap = statistic(None, estimate=2 * estimate, bound=None, low=None, values=(), worst=())
    fields = {"id": "mover", "statistics": {name: one, "gap": gap}} | changes
    return claim(verdict, **fields)


def on_day(day: int, *claims: ClaimRecord, **changes: Any) -> RunRecord:
    """A run of that day of November."""
    started = f"2026-11-{day:02}T10:00:00+00:00"
    fields = {"started": started, "commit": f"{day:02}" * 20} | changes
    return run(list(claims)).model_copy(update=fields)


def kept(database: Database, record: RunRecord) -> bool:
    return add(database, record, identity(json.loads(record.to_json())), deciding)


def store(folder: Path, *records: RunRecord, url: str = SQLITE) -> Database:
    database = Database(url, folder, create=True)
    for record in records:
        assert kept(database, record)
    return database


def told(database: Database, *asked: str | None, last: int = 20) -> list[Course]:
    return courses(database, Wanted(*asked), last)


def only(database: Database, *asked: str | None, last: int = 20) -> Course:
    (found,) = told(database, *asked, last=last)
    return found
