"""What a page holds of each claim: a row of the table, and what unfolds below it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.facts import Replies
from ppcheck.record.run import ClaimRecord, ComparedStatistic, StatisticRecord
from ppcheck.report.claims import (
    CORRECTIONS,
    advice,
    cells,
    deciding,
    level,
    most_telling_first,
    sample_text,
    with_interval,
)
from ppcheck.report.gate import MARKS as CHANGE_MARKS
from ppcheck.report.gate import changed, compared_title, lead, telling
from ppcheck.report.pictures import Json, moved_from_to, pictures, rounded
from ppcheck.report.summary import cause_of, is_broken, outcome, rank
from ppcheck.report.text import number, printable
from ppcheck.spec.expectations.bound import Bound

MOST_FIGURES = 60
"""Statistics of a claim that the page lists, the most telling first."""
MOST_VALUES = 300
"""Examples drawn of a statistic; more are thinned, evenly by rank."""
MOST_STRIPS = 8
"""Statistics of a claim whose examples are drawn, the most telling first."""
_LONGEST = 300
_ELSEWHERE = {
    *("maps", "curves", "effects", "patterns", "separations", "replies"),
    *("prompts", "units", "unit", "prompts_sha256", "no_replay", "work"),
}
"""Facts that the page shows in their own place, or not at all."""


def row(claim: ClaimRecord) -> Json:
    """The claim's line in the table."""
    measured, expected, n = cells(claim)
    decided = deciding(claim)
    return {
        "id": printable(claim.id),
        "says": printable(claim.says),
        "check": printable(claim.check),
        "spec": printable(claim.spec),
        "line": claim.line,
        "model": printable(claim.model),
        "verdict": str(claim.verdict),
        "state": state(claim),
        "outcome": str(outcome(claim)) if state(claim) != claim.verdict else "",
        "measured": measured,
        "expected": expected,
        "n": n.removeprefix("n="),
        "rank": rank(claim),
        "interval": None if decided is None else _interval(decided[1]),
        "change": _change(claim),
        "moved": moved_from_to(claim),
        "led": lead(claim),
        "difference": _telling(claim),
    }


def figures(claim: ClaimRecord) -> Json:
    """Everything about the claim but its examples and pictures."""
    ordered = most_telling_first(claim)
    node = f"{claim.spec}::{claim.id}"
    command = f"pytest {shlex.quote(node)} {shlex.quote(f'--model={claim.model}')}"
    return {
        "on": printable(claim.on),
        "sample": sample_text(claim) if claim.facts.units else "",
        "reason": printable(claim.reason or ""),
        "notes": [*map(printable, claim.notes), *advice(claim)],
        "source": printable(claim.source or ""),
        "command": printable(command),
        "facts": _facts(claim),
        "statistics": [_statistic(name, one) for name, one in ordered[:MOST_FIGURES]],
        "left_out": len(ordered[MOST_FIGURES:]),
        "differences": _differences(claim),
        "unpaired": list(map(printable, claim.comparison.unpaired)) if claim.comparison else [],
        "baseline": printable(claim.comparison.baseline) if claim.comparison else "",
    }


def examples(claim: ClaimRecord) -> Json:
    """The claim's pictures, the examples of its most telling statistics, and replies."""
    found: Json = {
        "pictures": pictures(claim),
        "examples": [
            _strip(name, one) for name, one in most_telling_first(claim)[:MOST_STRIPS] if one.values
        ],
    }
    if replies := claim.facts.replies:
        found["replies"] = [_replies(outcome, some) for outcome, some in replies.items()]
    return found


def state(claim: ClaimRecord) -> str:
    """The verdict or, where it is not the verdict that makes the claim fail, what does."""
    silent = claim.passes or claim.verdict is Verdict.NOT_APPLICABLE
    return str(cause_of(claim) if is_broken(claim) and silent else claim.verdict)


def _change(claim: ClaimRecord) -> Json | None:
    if claim.comparison is None:
        return None
    change = claim.comparison.change
    reason = printable(claim.comparison.reason or "")
    found = {"kind": str(change), "mark": CHANGE_MARKS[change], "text": changed(claim)}
    return found | ({"reason": reason} if reason else {})


def _telling(claim: ClaimRecord) -> Json | None:
    """The statistic that gave the claim its change, then and now."""
    name, one = telling(claim) or ("", None)
    if one is None:
        return None
    now = claim.statistics.get(name)
    bound = "" if now is None or now.bound is None else f"expected {now.bound}"
    return {
        "name": compared_title(name, one),
        "old": number(one.old),
        "new": number(one.new),
        "bound": printable(bound),
    }


def _interval(one: StatisticRecord) -> Json:
    bound = None if one.bound is None else Bound.parse(one.bound)
    return {
        "estimate": rounded(one.estimate),
        "low": rounded(one.low),
        "high": rounded(one.high),
        "bound": None if bound is None else [rounded(bound.low), rounded(bound.high)],
    }


def _statistic(name: str, one: StatisticRecord) -> Json:
    corrected = CORRECTIONS.get(one.correction or "", one.correction or "")
    family = f"one of {one.family}" if one.family > 1 else ""
    return {
        "name": printable(name),
        "text": with_interval(one),
        **_interval(one),
        "expected": one.bound or "",
        "verdict": str(one.verdict) if one.verdict else "",
        "n": one.n,
        "level": level(one),
        "method": one.method,
        "family": ", ".join(filter(None, [family, corrected])),
        "p": "" if one.p is None else number(one.p),
        "opposite": one.n_opposite,
        "examples": len(one.values),
    }


def _differences(claim: ClaimRecord) -> list[Json]:
    if claim.comparison is None:
        return []
    return [_difference(name, one) for name, one in claim.comparison.statistics.items()]


def _difference(name: str, one: ComparedStatistic) -> Json:
    interval = f"[{number(one.low, '-∞')}, {number(one.high)}]"
    return {
        "name": compared_title(name, one),
        "change": str(one.change),
        "mark": CHANGE_MARKS[one.change],
        "old": number(one.old),
        "new": number(one.new),
        "text": f"{number(one.difference)} {interval}",
        "estimate": rounded(one.difference),
        "low": rounded(one.low),
        "high": rounded(one.high),
        "bound": [rounded(-one.tolerance), rounded(one.tolerance)],
        "tolerance": number(one.tolerance),
        "level": f"{100 * one.confidence:.5g} %",
        "n": one.n,
    }


def _strip(name: str, one: StatisticRecord) -> Json:
    return {
        "name": printable(name),
        "values": thinned(one.values),
        "of": len(one.values),
        "opposite": one.n_opposite,
        "worst": [
            {"text": printable(each.text, 1000), "value": number(each.value)} for each in one.worst
        ],
    }


def _replies(outcome: str, some: Replies) -> Json:
    return {
        "outcome": printable(outcome),
        "count": some.count,
        "shown": [
            {
                "prompt": printable(one.prompt, _LONGEST),
                "reply": printable(one.reply, 1000),
                "count": one.count,
            }
            for one in some.shown
        ],
    }


def thinned(values: Sequence[float]) -> list[float]:
    """At most ``MOST_VALUES`` of the values, sorted, evenly by rank, with both ends."""
    ordered = sorted(number for value in values if (number := rounded(value)) is not None)
    if len(ordered) <= MOST_VALUES:
        return ordered
    step = (len(ordered) - 1) / (MOST_VALUES - 1)
    return [ordered[round(place * step)] for place in range(MOST_VALUES)]


def _facts(claim: ClaimRecord) -> list[tuple[str, str]]:
    own = [
        (printable(name).replace("_", " "), printable(_said(value), _LONGEST))
        for name, value in claim.facts.items()
        if name not in _ELSEWHERE and not (name == "metrics" and len(value) == 1)
    ]
    asked = f"{claim.asked:,}, of which {claim.known:,} were known before"
    return [*own, ("seed", str(claim.seed)), ("measurements", asked)]


def _said(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
