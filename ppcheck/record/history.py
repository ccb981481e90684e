"""Runs kept in a store, each once: a claim's value over runs, commits and models."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError

from ppcheck.errors import HistoryError
from ppcheck.judge.verdict import Verdict
from ppcheck.record.course import ClaimKey, Course, Detail, Mark, course
from ppcheck.record.database import CLAIMS, RUNS, STATISTICS, Database
from ppcheck.record.naming import common_parts
from ppcheck.record.run import ClaimRecord, RunRecord, StatisticRecord
from ppcheck.spec.grammar import suggest

Decides = Callable[[ClaimRecord], tuple[str, StatisticRecord] | None]
_OF_STATISTIC = (
    *("estimate", "low", "high", "n", "confidence", "method", "family", "bound", "verdict"),
)
_OF_CLAIM = (
    *("says", "reason", "revision", "weights_sha256", "fingerprint", "prompts_sha256", "seed"),
)


@dataclass(frozen=True)
class Wanted:
    """Which claims are asked for; None is all of them.

    ``pattern`` is a claim's id or ``SPEC::ID``, a glob over these, or a part of one. ``model`` is
    a label or a glob over labels. ``statistic`` is shown instead of the one that decided.
    """

    pattern: str | None = None
    model: str | None = None
    statistic: str | None = None


def identity(held: Any) -> str:
    """The SHA-256 of a record, as it was written, in whatever version and layout."""
    return sha256(json.dumps(held, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def add(database: Database, run: RunRecord, name: str, decides: Decides) -> bool:
    """Keep the run whose ``identity`` is ``name``; False where the store has it already.

    ``decides`` says which statistic reports show of a claim. Raises HistoryError; then nothing of
    the run is kept.
    """
    row = {"sha256": name, "started": _utc(run.started), "commit": _text(run.commit)}
    claims = [_claim_row(run, place, claim) for place, claim in enumerate(run.claims)]
    statistics = [
        row
        for place, claim in enumerate(run.claims)
        for row in _statistic_rows(place, claim, decides)
    ]
    with database.trouble():
        try:
            with database.writing() as connection:
                put = connection.execute(sql.insert(RUNS).values(row | {"seconds": run.seconds}))
                (number,) = put.inserted_primary_key or (None,)
                for table, rows in ((CLAIMS, claims), (STATISTICS, statistics)):
                    if rows:
                        connection.execute(sql.insert(table), [{"run": number} | r for r in rows])
        except IntegrityError:
            if not _holds(database, name):
                raise
            return False
    return True


def courses(database: Database, wanted: Wanted, last: int) -> list[Course]:
    """Each claim on each model, with its ``last`` runs.

    Raises HistoryError where nothing is so called, saying what is.
    """
    with database.reading() as connection:
        keys = _chosen(connection, wanted)
        where = _where(keys.values(), wanted)
        marks = _marks(connection, keys, where)
        tails = {key: of_key[-last - 1 :] for key, of_key in marks.items()}
        oldest = min((tail[0].started for tail in tails.values()), default=None)
        if oldest is None:
            raise HistoryError(f"{database.url}: no run has been added yet")
        recent = [*where, RUNS.c.started >= oldest]
        details = _details(connection, recent, wanted.statistic)
    found = [
        course(key, marks[key], [details[mark.place] for mark in tail], last)
        for key, tail in tails.items()
    ]
    return [one for one in found if one.name is not None or wanted.statistic is None]


def _holds(database: Database, name: str) -> bool:
    with database.reading() as connection:
        same = sql.select(RUNS.c.id).where(RUNS.c.sha256 == name)
        return connection.execute(same).first() is not None


def _claim_row(run: RunRecord, place: int, claim: ClaimRecord) -> dict[str, Any]:
    model = run.models.get(claim.model, {})
    texts = {
        "spec": claim.spec,
        "claim": claim.id,
        "model": claim.model,
        "revision": model.get("revision"),
        "weights_sha256": model.get("weights_sha256"),
        "says": claim.says,
        "reason": claim.reason and claim.reason.removeprefix(f"{claim.where}: "),
        "fingerprint": claim.fingerprint,
        "prompts_sha256": claim.facts.prompts_sha256,
        "seed": claim.seed,
    }
    kept = {name: _text(text) for name, text in texts.items()}
    return {"place": place, "verdict": str(claim.verdict)} | kept


def _statistic_rows(place: int, claim: ClaimRecord, decides: Decides) -> Iterator[dict[str, Any]]:
    decided = decides(claim)
    for number, (name, one) in enumerate(claim.statistics.items()):
        fields = {field: getattr(one, field) for field in _OF_STATISTIC}
        verdict = None if one.verdict is None else str(one.verdict)
        texts = {"name": _text(name), "bound": _text(one.bound), "verdict": verdict}
        flags = {"decides": decided is not None and decided[0] == name}
        yield {"place": place, "number": number} | fields | texts | flags


def _utc(text: str) -> datetime:
    """The time in UTC, without saying so: databases differ in how they keep zones."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise HistoryError(f"the record's `started` is not a time: {text!r}") from error
    return (found.astimezone(UTC) if found.tzinfo else found).replace(tzinfo=None)


def _text(value: object) -> str | None:
    """Text that every database keeps: what cannot be encoded, and NUL, as escapes."""
    if value is None:
        return None
    return str(value).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _chosen(connection: sql.Connection, wanted: Wanted) -> dict[ClaimKey, ClaimKey]:
    """The keys that are asked for, as they stand in the store, each with what the claim is called.

    Raises HistoryError where there is none.
    """
    columns = (CLAIMS.c.spec, CLAIMS.c.claim, CLAIMS.c.model)
    stored = [ClaimKey(*row) for row in connection.execute(sql.select(*columns).distinct())]
    specs = _specs(connection, {key.spec for key in stored})
    called = {key: key._replace(spec=specs[key.spec]) for key in stored}
    keys = set(called.values())
    if wanted.pattern is not None:
        keys = _matching(keys, wanted.pattern)
    if wanted.model is not None:
        models = {key.model for key in keys}
        keys = {key for key in keys if fnmatchcase(key.model, wanted.model)}
        _some(keys, "model", wanted.model, models)
    if wanted.statistic is not None:
        named = sql.select(STATISTICS.c.name, *columns).join(CLAIMS).distinct()
        rows = [(name, called[ClaimKey(*key)]) for name, *key in connection.execute(named)]
        rows = [(name, key) for name, key in rows if key in keys]
        keys = {key for name, key in rows if name == wanted.statistic}
        _some(keys, "statistic", wanted.statistic, {name for name, _ in rows})
    return {old: key for old, key in called.items() if key in keys}


def _specs(connection: sql.Connection, stored: set[str]) -> dict[str, str]:
    """What each spec is called now: earlier versions named it from where pytest was started.

    That is the fullest name of which it is the end, unless the two stand in one run.
    """
    found = {}
    for name in stored:
        fuller = [o for o in stored if common_parts(name, o) and _fullness(o) > _fullness(name)]
        apart = [other for other in fuller if not _share_a_run(connection, name, other)]
        whole = max(apart, key=_fullness, default=name)
        found[name] = whole if all(common_parts(whole, other) for other in apart) else name
    return found


def _fullness(name: str) -> tuple[int, int]:
    """By parts of the path, and then by how little else there is, such as ``..``."""
    return common_parts(name, name), -len(name)


def _share_a_run(connection: sql.Connection, one: str, other: str) -> bool:
    beside = CLAIMS.alias()
    both = sql.select(CLAIMS.c.run).join(beside, CLAIMS.c.run == beside.c.run)
    asked = both.where(CLAIMS.c.spec == one, beside.c.spec == other).limit(1)
    return connection.execute(asked).first() is not None


def _matching(keys: set[ClaimKey], pattern: str) -> set[ClaimKey]:
    """Those that are called so; else those that the glob fits; else those of which it is a part."""
    names = {key: (key.claim, f"{key.spec}::{key.claim}") for key in keys}
    tests: tuple[Callable[[str], bool], ...] = (
        lambda name: name == pattern,
        lambda name: fnmatchcase(name, pattern),
        lambda name: pattern in name,
    )
    for test in tests:
        if found := {key for key, of_key in names.items() if any(map(test, of_key))}:
            return found
    _some((), "claim", pattern, {key.claim for key in keys})
    return set()


def _some(found: Iterable[ClaimKey], what: str, asked: str, known: Iterable[str]) -> None:
    if not found:
        hint = suggest(asked, sorted(known))
        raise HistoryError(f"no {what} in the history is called {asked!r}: {hint}")


def _where(keys: Collection[ClaimKey], wanted: Wanted) -> list[sql.ColumnElement[bool]]:
    """Narrows what is read to about these keys: names alone, which an index finds."""
    if wanted == Wanted():
        return []
    return [
        CLAIMS.c.claim.in_(sorted({key.claim for key in keys})),
        CLAIMS.c.model.in_(sorted({key.model for key in keys})),
    ]


def _marks(
    connection: sql.Connection,
    keys: Mapping[ClaimKey, ClaimKey],
    where: Sequence[sql.ColumnElement[bool]],
) -> dict[ClaimKey, list[Mark]]:
    """Every run of each claim, oldest first; ``keys`` say what those in the store are called."""
    c, r = CLAIMS.c, RUNS.c
    query = (
        sql.select(c.spec, c.claim, c.model, c.run, c.place, r.started, r.commit, c.verdict)
        .join(RUNS)
        .where(*where)
        .order_by(r.started, c.run, c.place)
    )
    found: dict[ClaimKey, list[Mark]] = defaultdict(list)
    for *key, run, place, started, commit, verdict in connection.execute(query):
        if (name := keys.get(ClaimKey(*key))) is not None:
            found[name].append(Mark((run, place), started, commit, Verdict(verdict)))
    return {key: found[key] for key in sorted(found)}


def _details(
    connection: sql.Connection, where: Sequence[sql.ColumnElement[bool]], asked: str | None
) -> dict[tuple[int, int], Detail]:
    """What the runs say, by place; of the statistics those that are shown of any claim."""
    c, s = CLAIMS.c, STATISTICS.c
    claims = CLAIMS.join(RUNS)
    both = STATISTICS.join(CLAIMS).join(RUNS, c.run == RUNS.c.id)
    named = sql.select(s.run, s.place, s.name).select_from(both).where(s.decides, *where)
    decided = {(run, place): name for run, place, name in connection.execute(named)}
    names = sorted(set(decided.values())) if asked is None else [asked]
    columns = sql.select(s.run, s.place, s.name, *(s[name] for name in _OF_STATISTIC))
    statistics: dict[tuple[int, int], dict[str, StatisticRecord]] = defaultdict(dict)
    query = columns.select_from(both).where(s.name.in_(names), *where)
    for run, place, name, *fields in connection.execute(query):
        one = StatisticRecord(**dict(zip(_OF_STATISTIC, fields, strict=True)))
        statistics[run, place][name] = one
    details: dict[tuple[int, int], Detail] = {}
    rows = sql.select(c.run, c.place, *(c[name] for name in _OF_CLAIM)).select_from(claims)
    for run, place, *fields in connection.execute(rows.where(*where)):
        of_claim = statistics.get((run, place), {})
        shown = decided.get((run, place)) if asked is None else asked
        about = dict(zip(_OF_CLAIM, fields, strict=True))
        details[run, place] = Detail(
            **about, shown=shown if shown in of_claim else None, statistics=of_claim
        )
    return details
