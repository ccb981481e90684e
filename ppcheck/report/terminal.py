"""What a person reads in the terminal: one failing claim, and the table at the end."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

from ppcheck.judge.compare import Change
from ppcheck.judge.interval import MIN_UNITS
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, StatisticRecord
from ppcheck.report.gate import changed, difference_lines
from ppcheck.report.text import number, printable
from ppcheck.spec.bound import Bound

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 110
"""The least width of the table, in characters: its figures read badly when they wrap."""
MARKS = {
    Verdict.HOLDS: "✓",
    Verdict.MOVED: "→",
    Verdict.FAILS: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_APPLICABLE: "-",
    Verdict.ERROR: "!",
}
COLOURS = {
    Verdict.HOLDS: "green",
    Verdict.MOVED: "cyan",
    Verdict.FAILS: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "bright_black",
    Verdict.ERROR: "magenta",
}

CORRECTIONS = {"max_t": "max-T", "bonferroni": "Bonferroni", "holm": "Holm", "bh": "BH"}


def explain(claim: ClaimRecord, node: str) -> str:
    """Why a claim did not hold: claimed, measured, worst examples, where, how to run it alone."""
    lines = [f"{_title(claim)}: {printable(claim.says)}", ""]
    rows: list[tuple[str, str]] = [("claimed", _expected(claim))]
    if claim.verdict is Verdict.MOVED:
        rows.append(("moved", printable(claim.reason or "")))
    rows += [("measured" if not i else "", row) for i, row in enumerate(_measured(claim))]
    rows += [("baseline" if not i else "", row) for i, row in enumerate(difference_lines(claim))]
    rows.append(("on", f"{printable(claim.on)}: {sample(claim)}"))
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
    if claim.verdict is Verdict.HOLDS and claim.comparison is not None:
        return f"{changed(claim)}, and still holds"
    return f"{MARKS[claim.verdict]} {claim.verdict}"


def _wrapped(label: str, text: str) -> list[str]:
    """A labelled line; long prose goes on below itself, figures and commands stay whole."""
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
    ordered = sorted(claim.statistics.items(), key=lambda item: (urgency(item[1]), slack(item[1])))
    width = max((len(name) for name, _ in ordered), default=0)
    rows = []
    for name, statistic in ordered[:8]:
        level = f"{100 * statistic.confidence:.4g} %"
        verdict = f"  {statistic.verdict}" if statistic.verdict else ""
        rows.append(
            f"{printable(name):<{width}}  {with_interval(statistic)}"
            f"  ({level}, n = {statistic.n}{_family(statistic)}){verdict}{_opposite(statistic)}"
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


def urgency(statistic: StatisticRecord) -> int:
    order = [Verdict.FAILS, Verdict.INCONCLUSIVE, Verdict.HOLDS, None]
    return order.index(statistic.verdict)


def slack(statistic: StatisticRecord) -> float:
    """How far the estimate lies on the right side of the nearest edge of its bound."""
    if statistic.bound is None:
        return 0.0
    bound, estimate = Bound.parse(statistic.bound), statistic.estimate
    return min(estimate - bound.low, bound.high - estimate)


def sample(claim: ClaimRecord) -> str:
    facts = claim.facts
    shared = ", ".join(facts.get("unit", ())) or "each prompt is one"
    units = f"{facts.get('units')} independent units ({printable(shared)})"
    return f"{facts.get('prompts')} prompts in {units}"


def advice(claim: ClaimRecord) -> list[str]:
    """What would decide an inconclusive claim."""
    if claim.verdict is not Verdict.INCONCLUSIVE:
        return []
    judged = [s for s in claim.statistics.values() if s.verdict is Verdict.INCONCLUSIVE]
    if few := [s.n for s in judged if s.n < MIN_UNITS]:
        halved = ", and `top` judges on half of them" if claim.facts.get("looked_at") else ""
        shared = ", ".join(claim.facts.get("unit", ())) or "the grid"
        advice = f"{min(few)} independent units are too few, {MIN_UNITS} are needed{halved}"
        return [f"{advice}: more words for {shared} make more units"]
    wanted = [s.more_units for s in judged if s.more_units]
    return [f"about {max(wanted):,} more independent units would decide it"] if wanted else []


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
    """One row a claim, grouped by model and spec, and a last line that counts the verdicts."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        file=StringIO(), force_terminal=colour, no_color=not colour, width=width, highlight=False
    )
    with console.capture() as captured:
        groups = groupby(claims, key=lambda claim: (claim.model, claim.spec))
        rows = {key: _collapsed(list(group)) for key, group in groups}
        widest = max((len(claim.id) for group in rows.values() for claim in group), default=0)
        for (model, spec), group in rows.items():
            console.print(Text(f"{printable(spec)}  on {printable(model)}", style="bold"))
            console.print(_rows(group, widest))
        console.print(Text(tally(claims), style="bold"))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _collapsed(claims: list[ClaimRecord]) -> list[ClaimRecord]:
    """A spec that is about other models is one row."""
    reasons = {claim.reason for claim in claims if claim.verdict is Verdict.NOT_APPLICABLE}
    if len(claims) == 1 or len(reasons) != 1:
        return claims
    kept = [claim for claim in claims if claim.verdict is not Verdict.NOT_APPLICABLE]
    skipped = len(claims) - len(kept)
    if skipped < 2:
        return claims
    left_out = next(claim for claim in claims if claim.verdict is Verdict.NOT_APPLICABLE)
    return [*kept, left_out.model_copy(update={"id": f"{skipped} claims"})]


def _rows(claims: Sequence[ClaimRecord], widest: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(width=1)
    grid.add_column(width=min(widest, 36))
    grid.add_column(ratio=1)
    grid.add_column(width=12)
    grid.add_column(justify="right", width=7)
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
    return {Change.REGRESSED: "red", Change.MOVED: "yellow"}.get(claim.comparison.change, "")


def tally(claims: Sequence[ClaimRecord]) -> str:
    """``14 hold, 2 fail, 1 error``."""
    counts = Counter(claim.verdict for claim in claims)
    words = {
        Verdict.HOLDS: ("holds", "hold"),
        Verdict.MOVED: ("moved", "moved"),
        Verdict.FAILS: ("fails", "fail"),
        Verdict.INCONCLUSIVE: ("inconclusive", "inconclusive"),
        Verdict.ERROR: ("error", "errors"),
        Verdict.NOT_APPLICABLE: ("not applicable", "not applicable"),
    }
    parts = [
        f"{counts[v]} {one if counts[v] == 1 else many}"
        for v, (one, many) in words.items()
        if counts[v]
    ]
    claims_counted = f"{len(claims)} {'claim' if len(claims) == 1 else 'claims'}"
    return f"{claims_counted}: {', '.join(parts)}"


def slow_models(claims: Sequence[ClaimRecord]) -> list[str]:
    """A line for each model whose patches were not replayed, and why."""
    told = [(claim.model, claim.facts.get("no_replay")) for claim in claims]
    slow = Counter((model, str(why)) for model, why in told if why is not None)
    return [
        f"{printable(model)} cannot be replayed, so that {count} of its claims took whole forward "
        f"passes, which is slower and as exact: {printable(why)}"
        for (model, why), count in slow.items()
    ]


def cells(claim: ClaimRecord) -> tuple[str, str, str]:
    """Measured, expected and n of the statistic that decided the claim; or else its reason."""
    decided = deciding(claim)
    if decided is None:
        return printable((claim.reason or "").removeprefix(f"{claim.where}: ")), "", ""
    name, statistic = decided
    measured = f"{printable(name)} {with_interval(statistic)}"
    return measured, statistic.bound or "", f"n={statistic.n}"


def with_interval(statistic: StatisticRecord) -> str:
    """``0.39 [0.35, 0.44]``."""
    interval = f"[{number(statistic.low, '-∞')}, {number(statistic.high)}]"
    return f"{number(statistic.estimate)} {interval}"


def deciding(claim: ClaimRecord) -> tuple[str, StatisticRecord] | None:
    """The statistic that decided the claim; None where a reason says more, or none was judged."""
    judged = [(n, s) for n, s in claim.statistics.items() if s.verdict is not None]
    if claim.verdict is Verdict.HOLDS:  # whoever was expected to play a role
        judged = [(n, s) for n, s in judged if s.verdict is Verdict.HOLDS]
    if not judged or claim.reason:
        return None
    order = list(claim.expect)

    def importance(item: tuple[str, StatisticRecord]) -> tuple[int, int, float]:
        name, statistic = item
        expected = name.partition("[")[0]
        place = order.index(expected) if expected in order else len(order)
        return urgency(statistic), place, slack(statistic)

    return min(judged, key=importance)
