"""What a person reads in the terminal: the table at the end."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, Outcome
from ppcheck.report.claims import MARKS, cells
from ppcheck.report.gate import changed
from ppcheck.report.summary import outcome, summary
from ppcheck.report.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 110
"""The least width of the table, in characters: its figures read badly when they wrap."""
COLOURS = {
    Verdict.HOLDS: "green",
    Verdict.MOVED: "cyan",
    Verdict.FAILS: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "bright_black",
    Verdict.ERROR: "magenta",
}


def table(claims: Sequence[ClaimRecord], *, colour: bool, width: int = WIDTH) -> str:
    """One row a claim, grouped by model and spec, and at the end what the run amounts to."""
    from rich.text import Text

    console = console_of(colour=colour, width=width)
    with console.capture() as captured:
        groups = groupby(claims, key=lambda claim: (claim.model, claim.spec))
        rows = {key: collapsed(list(group)) for key, group in groups}
        widest = max((len(claim.id) for group in rows.values() for claim in group), default=0)
        for (model, spec), group in rows.items():
            console.print(Text(f"{printable(spec)}  on {printable(model)}", style="bold"))
            console.print(_rows(group, widest))
        said = summary(claims)
        bold = f"bold {COLOURS[said.state]}"
        for line in said.lines:
            console.print(Text(line, style="" if line != said.sentence else bold), soft_wrap=True)
    return trimmed(captured.get())


def console_of(*, colour: bool, width: int) -> Console:
    """What lays out text for a terminal, and is asked for what it captured."""
    from rich.console import Console

    return Console(
        file=StringIO(), force_terminal=colour, no_color=not colour, width=width, highlight=False
    )


def trimmed(text: str) -> str:
    """Without the blanks with which lines are filled up."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def collapsed(claims: list[ClaimRecord]) -> list[ClaimRecord]:
    """A spec that is about other models is one row, unless something is lost by that."""
    skipped = [claim for claim in claims if outcome(claim) is Outcome.SKIPPED]
    if len(skipped) < 2 or len({claim.reason for claim in skipped}) != 1:
        return claims
    kept = [claim for claim in claims if outcome(claim) is not Outcome.SKIPPED]
    together = {"id": f"{len(skipped)} claims", "says": "", "comparison": None}
    return [*kept, skipped[0].model_copy(update=together)]


def _rows(claims: Sequence[ClaimRecord], widest: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(width=1)
    grid.add_column(width=min(widest, 36))
    grid.add_column(ratio=1)
    grid.add_column(min_width=12, no_wrap=True)
    grid.add_column(justify="right", min_width=7, no_wrap=True)
    if any(claim.comparison for claim in claims):
        grid.add_column(width=26)
    for claim in claims:
        measured, expected, n = cells(claim)
        colour = COLOURS[claim.verdict]
        grid.add_row(
            Text(MARKS[claim.verdict], style=colour),
            Text(printable(claim.id)),
            Text(measured, style="" if claim.verdict is Verdict.HOLDS else colour),
            Text(expected),
            Text(n, style="bright_black"),
            Text(changed(claim), style=_change_style(claim)),
        )
    return grid


def _change_style(claim: ClaimRecord) -> str:
    if claim.comparison is None:
        return ""
    styles = dict.fromkeys(WORSE, "red") | {Change.MOVED: "yellow"}
    return styles.get(claim.comparison.change, "")
