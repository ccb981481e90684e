"""Why one claim did not hold, in the terminal."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from math import isfinite

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.leading import SHOWN, first_members, member_of, statistic_of
from ppcheck.record.run import ClaimRecord, StatisticRecord
from ppcheck.report.claims import (
    CORRECTIONS,
    MARKS,
    advice,
    amount,
    level,
    most_telling_first,
    sample_text,
    with_interval,
)
from ppcheck.report.gate import changed, difference_lines, lead
from ppcheck.report.text import number, printable

_WIDTH = 97
"""Characters of prose in a line, beside its label."""
_MOST = 8
"""Statistics that are shown one by one."""
_LEVELS = "▁▂▃▄▅▆▇█"


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
    for name, statistic in _shown(claim):
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
    first, *rest = textwrap.wrap(text, _WIDTH) or [""]
    return [f"  {label:<10} {first}", *(f"{'':13}{line}" for line in rest)]


def _expected(claim: ClaimRecord) -> str:
    return ", ".join(
        f"{printable(name)} {printable(bound)}" for name, bound in claim.expect.items()
    )


def _measured(claim: ClaimRecord) -> list[str]:
    """Each family as a curve, then the judged statistics, worst first, and the others."""
    shown = _shown(claim)
    width = max((len(printable(name)) for name, _ in shown), default=0)
    rows = list(_curves(claim))
    for name, statistic in shown:
        n = amount(statistic).replace("=", " = ")
        verdict = f"  {statistic.verdict}" if statistic.verdict else ""
        rows.append(
            f"{printable(name):<{width}}  {with_interval(statistic)}"
            f"  ({level(statistic)}, {n}{_family(statistic)}){verdict}{_opposite(statistic)}"
        )
    if more := len(claim.statistics) - len(shown):
        rows.append(f"and {more} more in the record (--ppcheck-json)")
    return rows


def _shown(claim: ClaimRecord) -> list[tuple[str, StatisticRecord]]:
    """The most telling statistics, a few of each family."""
    ordered = most_telling_first(claim)
    named = first_members([name for name, _ in ordered])[:_MOST]
    return [(name, claim.statistics[name]) for name in named]


def _curves(claim: ClaimRecord) -> Iterator[str]:
    """``recovery  ▁▁▂▅█▂▁▁  30 from L0 to L29: 0.01 to 0.62``, in the order of their sites."""
    families: dict[str, dict[str, float]] = {}
    for name, one in claim.statistics.items():
        if (member := member_of(name)) is not None and isfinite(one.estimate):
            families.setdefault(statistic_of(name), {})[member] = one.estimate
    for name, values in families.items():
        if len(values) > SHOWN:
            first, *_, last = map(printable, values)
            low, high = map(number, (min(values.values()), max(values.values())))
            yield (
                f"{printable(name)}  {sparkline(list(values.values()))}  "
                f"{len(values)} from {first} to {last}: {low} to {high}"
            )


def sparkline(values: Sequence[float]) -> str:
    """A character a value, from the lowest to the highest; the lowest step where all agree."""
    low, high = min(values), max(values)
    steps = (len(_LEVELS) - 1) / ((high - low) or 1)
    return "".join(_LEVELS[round((value - low) * steps)] for value in values)


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
