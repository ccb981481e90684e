"""Run records of checkpoints, one after the other, to the claims of an audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import AuditCell, AuditedClaim, AuditedStatistic
from ppcheck.record.leading import statistic_of
from ppcheck.record.naming import paired_specs
from ppcheck.record.run import ClaimRecord, RunRecord, StatisticRecord
from ppcheck.report.claims import chosen, most_telling, slack, urgency
from ppcheck.report.map.audited import outline

_Key = tuple[str, str]
_Telling = dict[str, tuple[str, StatisticRecord]]


@dataclass(frozen=True)
class Column:
    """What an audit keeps of one checkpoint's run, by spec and id.

    ``claims`` have one cell, and ``outlines`` are what a map needs of their records.
    """

    model: Mapping[str, Any]
    tally: Mapping[Verdict, int]
    claims: Mapping[_Key, AuditedClaim]
    outlines: Mapping[_Key, ClaimRecord]


@dataclass(frozen=True)
class Row:
    """One claim with a cell, and an outline of its record, for each column."""

    claim: AuditedClaim
    outlines: tuple[ClaimRecord | None, ...]


def column(run: RunRecord) -> Column:
    claims = {(claim.spec, claim.id): claim for claim in run.claims}
    return Column(
        model=run.model,
        tally=Counter(claim.verdict for claim in run.claims),
        claims={key: _alone(claim) for key, claim in claims.items()},
        outlines={key: outline(claim) for key, claim in claims.items()},
    )


def rows(columns: Sequence[Column | None]) -> tuple[Row, ...]:
    """Every claim, in the order of specs and lines."""
    known: dict[_Key, AuditedClaim] = {}
    cells: dict[_Key, dict[int, AuditCell | None]] = {}
    outlines: dict[_Key, dict[int, ClaimRecord]] = {}
    for number, some in enumerate(columns):
        if some is None:
            continue
        names = paired_specs(_ids(some.claims), _ids(known))
        for (spec, id_), claim in some.claims.items():
            key = (names.get(spec, spec), id_)
            before = known[key].bounds if key in known else {}
            telling = {"bounds": before | claim.bounds, "spec": key[0]}
            known[key] = claim.model_copy(update=telling)
            cells.setdefault(key, {})[number] = claim.cells[0]
            outlines.setdefault(key, {})[number] = some.outlines[spec, id_]
    numbers = range(len(columns))
    return tuple(
        Row(
            known[key].model_copy(update={"cells": tuple(map(cells[key].get, numbers))}),
            tuple(map(outlines[key].get, numbers)),
        )
        for key in sorted(known, key=lambda key: (key[0], known[key].line))
    )


def _ids(claims: Iterable[_Key]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for spec, id_ in claims:
        ids.setdefault(spec, set()).add(id_)
    return ids


def _alone(claim: ClaimRecord) -> AuditedClaim:
    telling, decided = _telling(claim), most_telling(claim)
    cell = AuditCell(
        verdict=claim.verdict,
        passes=claim.passes,
        deciding=None if decided is None else statistic_of(decided[0]),
        statistics={name: _statistic(title, one) for name, (title, one) in telling.items()},
        players=chosen(claim),
        reason=claim.reason,
    )
    bounds = {name: one.bound for name, (_, one) in telling.items() if one.bound is not None}
    return AuditedClaim(
        id=claim.id,
        spec=claim.spec,
        line=claim.line,
        check=claim.check,
        family=claim.family,
        says=claim.says,
        bounds={**claim.expect, **bounds},
        tolerance=claim.tolerance,
        cells=(cell,),
    )


def _telling(claim: ClaimRecord) -> _Telling:
    """Of each family of judged statistics, the member that is nearest to breaking its bound."""
    telling: _Telling = {}
    for title, one in claim.statistics.items():
        family = statistic_of(title)
        if one.verdict is None:
            continue
        if family not in telling or _nearness(one) < _nearness(telling[family][1]):
            telling[family] = title, one
    return telling


def _nearness(one: StatisticRecord) -> tuple[int, float]:
    return urgency(one), slack(one)


def _statistic(title: str, one: StatisticRecord) -> AuditedStatistic:
    return AuditedStatistic(
        name=title,
        estimate=one.estimate,
        low=one.low,
        high=one.high,
        n=one.n,
        verdict=one.verdict or Verdict.NOT_APPLICABLE,
    )
