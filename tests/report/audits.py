"""Audits made up for the tests of their reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import (
    AuditCell,
    AuditedClaim,
    AuditedStatistic,
    AuditRecord,
    Checkpoint,
    Status,
)

LETTERS = {
    "h": Verdict.HOLDS,
    "m": Verdict.MOVED,
    "f": Verdict.FAILS,
    "i": Verdict.INCONCLUSIVE,
    "n": Verdict.NOT_APPLICABLE,
    "e": Verdict.ERROR,
}
"""Verdicts by letter; any other letter is a checkpoint that was not measured."""


def cell(
    verdict: Verdict,
    at: int = 0,
    players: Sequence[str] | None = None,
    name: str = "recovery",
    estimate: float | None = None,
) -> AuditCell:
    passes = verdict in (Verdict.HOLDS, Verdict.MOVED)
    estimate = 0.5 + 0.04 * math.sin(at) if estimate is None else estimate
    one = AuditedStatistic(
        name=f"{name}[L1H1]",
        estimate=estimate,
        low=estimate - 0.1,
        high=None if at == 2 else estimate + 0.1,
        n=40,
        verdict=Verdict.HOLDS if passes else Verdict.FAILS,
    )
    measured = verdict not in (Verdict.NOT_APPLICABLE, Verdict.ERROR)
    return AuditCell(
        verdict=verdict,
        passes=passes,
        deciding=name if measured else None,
        statistics={name: one} if measured else {},
        players=None if players is None else tuple(players),
        reason=None if measured else f"it is {verdict}",
    )


def claim(
    verdicts: str, players: Sequence[Sequence[str] | None] = (), **changes: Any
) -> AuditedClaim:
    """A claim with these verdicts, by letter, and these players."""
    who = [*players, *[None] * len(verdicts)]
    fields: dict[str, Any] = {
        "id": f"claim-{verdicts}",
        "spec": "specs/a.pp.yaml",
        "line": 3,
        "check": "role",
        "family": "roles",
        "says": "Some head does it.",
        "bounds": {"recovery": ">= 0.3"},
        "cells": tuple(
            cell(LETTERS[letter], at, who[at]) if letter in LETTERS else None
            for at, letter in enumerate(verdicts)
        ),
    }
    return AuditedClaim(**fields | changes)


def falling(*estimates: float, verdict: Verdict = Verdict.HOLDS, **changes: Any) -> AuditedClaim:
    """A claim with the same verdict and these estimates, each with an interval of ± 0.1."""
    cells = [cell(verdict, name="recovery", estimate=one) for one in estimates]
    return claim("h" * len(cells), cells=tuple(cells), **changes)


def checkpoints(number: int, model: str = "demo") -> list[Checkpoint]:
    return [
        Checkpoint(
            label=f"{model}@step{n}",
            file=f"{model}@step{n}",
            made_from="0" * 64,
            status=Status.DONE,
            seconds=12.0,
            tally={Verdict.HOLDS: 1},
            model={"weights_sha256": "6b26d43f" * 8},
            page=n % 2 == 0,
        )
        for n in range(number)
    ]


def audit(claims: Sequence[AuditedClaim], some: Sequence[Checkpoint] | None = None) -> AuditRecord:
    return AuditRecord(
        started="2026-11-25T22:00:00+00:00",
        specs=("specs/a.pp.yaml",),
        settings={"seed": 0, "dtype": "float32", "device": "cpu", "no_cache": False},
        checkpoints=tuple(checkpoints(len(claims[0].cells)) if some is None else some),
        claims=tuple(claims),
    )


def missing(label: str, reason: str) -> Checkpoint:
    return Checkpoint(label=label, file="gone", made_from="0", status=Status.MISSING, reason=reason)
