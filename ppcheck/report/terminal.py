"""What a person reads in the terminal: one failing claim, and the table at the end."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, Outcome, StatisticRecord
from ppcheck.report.claims import (
    CORRECTIONS,
    MARKS,
    advice,
    amount,
    cells,
    level,
    most_telling_first,
    sample_text,
    with_interval,
)
from ppcheck.report.gate import changed, difference_lines, lead
from ppcheck.report.summary import outcome, summary
from ppcheck.report.text import number, printable

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


def explain(claim: ClaimRecord, node: str) -> str:
    """Why a claim did not hold: claimed, measured, worst examples, where, how to run it alone."""
    lines = [f"{_title(claim)}: {printable(claim.says)}", ""]
    rows: list[tuple[str, str]] = [("claimed", _expected(claim))]
    rows += _lost(claim)
    if claim.verdict is Verdict.MOVED:
        rows.append(("moved", printable(claim.reason or "")))
    rows += [("measured" if not i else "", row) for i, row in enumerate(_measured(claim))]
    rows += [("baseline" if not i else "", row) for i, row in enumerate(difference_lines(claim))]
    if lead(claim) and lead(claim) not in lines[0]:
        rows.append(("led", lead(claim)))
    if claim.is_measured:
        rows.append(("on", f"{printable(claim.on)}: {sample_text(claim)}"))
    rows.append(("model", printable(claim.model)))
    rows += [("note", printable(note)) for note in (*claim.notes, *advice(claim))]
    if claim.source:
        rows.append(("source", printable(claim.source)))
    rows.append(("where", f"{printable(node.partition('::')[0])}:{claim.line}"))
    command = f"pytest {shlex.quote(node)} {shlex.quote(f'--model={claim.model}')}"
    rows.append(("run alone", printable(command)))
    for label, text in rows:
        lines += _wrapped(label, text)
    for name, statistic in claim.statistics.items():
        lines += _worst(name, statistic)
    return "\n".join(lines)


def _title(claim: ClaimRecord) -> str:
    """The verdict, or what is worse than before though the claim holds."""
    lost = claim.comparison is not None and claim.comparison.change in WORSE
    if lost and not claim.is_measured:
        return changed(claim)
    if lost and claim.passes:
        return f"{changed(claim)}, and still holds"
    return f"{MARKS[claim.verdict]} {claim.verdict}"


def _lost(claim: ClaimRecord) -> list[tuple[str, str]]:
    """Why a claim that held before has no figures, and what may be done about it."""
    comparison = claim.comparison
    if comparison is None or comparison.change is not Change.NO_LONGER_MEASURED:
        return []
    advice = "where that is meant: --ppcheck-bless takes it out of a baseline"
    return [
        ("then", f"{comparison.verdict} in {printable(comparison.baseline)}"),
        ("now", printable(comparison.reason or "")),
        *([("note", advice)] if claim.verdict is Verdict.NOT_APPLICABLE else []),
    ]


def _wrapped(label: str, text: str) -> list[str]:
    """A labelled line; long prose continues below itself, figures and commands stay whole."""
    if label not in ("source", "note"):
        return [f"  {label:<10} {text}"]
    first, *rest = textwrap.wrap(text, WIDTH - 13) or [""]
    return [f"  {label:<10} {first}", *(f"{'':13}{line}" for line in rest)]


def _expected(claim: ClaimRecord) -> str:
    return ", ".join(
        f"{printable(name)} {printable(bound)}" for name, bound in claim.expect.items()
    )


def _measured(claim: ClaimRecord) -> list[str]:
    """The judged statistics, worst first, then the others; a long family is cut."""
    ordered = most_telling_first(claim)
    width = max((len(name) for name, _ in ordered), default=0)
    rows = []
    for name, statistic in ordered[:8]:
        n = amount(statistic).replace("=", " = ")
        verdict = f"  {statistic.verdict}" if statistic.verdict else ""
        rows.append(
            f"{printable(name):<{width}}  {with_interval(statistic)}"
            f"  ({level(statistic)}, {n}{_family(statistic)}){verdict}{_opposite(statistic)}"
        )
    if len(ordered) > 8:
        rows.append(f"and {len(ordered) - 8} more in the record (--ppcheck-json)")
    return rows


def _family(statistic: StatisticRecord) -> str:
    if statistic.family == 1:
        return ""
    corrected = CORRECTIONS.get(statistic.correction or "")
    return f", one of {statistic.family}{f', {corrected}' if corrected else ''}"


def _opposite(statistic: StatisticRecord) -> str:
    if not statistic.n_opposite:
        return ""
    return f", {statistic.n_opposite:,} of {len(statistic.values):,} go the other way"


def _worst(name: str, statistic: StatisticRecord) -> list[str]:
    if not statistic.worst or statistic.verdict is Verdict.HOLDS:
        return []
    lines = ["", f"  furthest from `{printable(name)} {statistic.bound}`:"]
    width = max(len(number(example.value)) for example in statistic.worst)
    return lines + [
        f"  {number(example.value):>{width + 2}}  {printable(example.text, 200)}"
        for example in statistic.worst
    ]


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
