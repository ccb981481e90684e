"""An audit in the terminal: a row of marks for each claim, and from where to where it holds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import AuditCell, AuditedClaim, AuditRecord
from ppcheck.report.across import (
    FELL,
    Trajectory,
    completeness,
    short_names,
    tally_of_courses,
)
from ppcheck.report.terminal import COLOURS, console_of, trimmed
from ppcheck.report.text import printable

if TYPE_CHECKING:
    from rich.text import Text

_MOST_MARKS = 40
"""Checkpoints up to which each has its own mark; more are counted, run by run."""


def matrix(record: AuditRecord, *, colour: bool, width: int) -> str:
    """Claims by checkpoints, grouped by spec; the last lines count both."""
    from rich.table import Table
    from rich.text import Text

    console = console_of(colour=colour, width=width)
    names = short_names(record)
    widest = min(max((len(printable(c.id)) for c in record.claims), default=0), 36)
    with console.capture() as captured:
        console.print(Text(f"from left to right: {_listed(names)}"))
        for spec, claims in groupby(record.claims, key=lambda claim: claim.spec):
            console.print(Text(printable(spec), style="bold"))
            grid = Table.grid(padding=(0, 2, 0, 0))
            grid.add_column(width=widest)
            grid.add_column()
            grid.add_column()
            for claim in claims:
                grid.add_row(Text(printable(claim.id)), _marks(claim), Text(_said(claim, names)))
            console.print(grid)
        console.print(Text(tally_of_courses(record.claims), style="bold"))
        console.print(Text(completeness(record), style="bold"))
    return trimmed(captured.get())


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _MOST_MARKS:
        return ", ".join(names)
    return f"{names[0]}, {names[1]} … {names[-1]} ({len(names)} checkpoints)"


def _said(claim: AuditedClaim, names: Sequence[str]) -> str:
    course = Trajectory.of(claim)
    return "; ".join([course.words(names), *course.moved(names), *course.fell(names)])


def _marks(claim: AuditedClaim) -> Text:
    from rich.text import Text

    text = Text()
    marks = zip(Trajectory.of(claim).marks, claim.cells, strict=True)
    for shown, run in groupby(marks, key=lambda pair: pair[0]):
        cells = [cell for _, cell in run]
        counted = shown if len(cells) == 1 else f"{shown}×{len(cells)} "
        text.append(
            counted if len(claim.cells) > _MOST_MARKS else shown * len(cells),
            _style(shown, cells[0]),
        )
    return text


def _style(shown: str, cell: AuditCell | None) -> str:
    if shown == FELL:
        return COLOURS[Verdict.INCONCLUSIVE]
    return "bright_black" if cell is None else COLOURS[cell.verdict]
