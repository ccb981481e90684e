"""What changed against a baseline, in words, claim by claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.leading import first_members
from ppcheck.record.run import ClaimRecord, ComparedStatistic
from ppcheck.report.claims import deciding
from ppcheck.report.text import number, printable

MARKS = {
    Change.REGRESSED: "▼",
    Change.NO_LONGER_HOLDS: "▽",
    Change.NO_LONGER_MEASURED: "⊘",
    Change.MOVED: "→",
    Change.UNCERTAIN: "~",
    Change.IMPROVED: "▲",
    Change.UNCHANGED: "=",
    Change.NEW: "+",
    Change.GONE: "−",
    Change.NOT_COMPARABLE: "≠",
}
"""A change's mark beside its word, so that they differ without colour too."""
WORST_FIRST = (
    *(Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.NO_LONGER_MEASURED, Change.MOVED),
    *(Change.NOT_COMPARABLE, Change.UNCERTAIN, Change.IMPROVED, Change.UNCHANGED),
)
_TOLD = (Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.IMPROVED)


def changed(claim: ClaimRecord) -> str:
    """One claim's change, short: ``▼ regressed from 0.393``.

    The statistic is named where it is not the one that decided the claim.
    """
    comparison = claim.comparison
    if comparison is None:
        return ""
    words = f"{MARKS[comparison.change]} {comparison.change}"
    if comparison.change is Change.NOT_COMPARABLE:
        return f"{words}: {printable(comparison.reason or '')}"
    if comparison.moved and comparison.change is Change.MOVED:
        then, now = map(printable, comparison.moved)
        return f"{words} from {then} to {now}"
    if (worst := telling(claim)) is not None:
        shown = deciding(claim)
        if shown is not None and shown[0] != worst[0]:
            words += f": {printable(worst[0])}"
        came = ", was" if comparison.change is Change.NO_LONGER_HOLDS else " from"
        words += f"{came} {number(worst[1].old)}"
    return "; ".join(filter(None, (words, lead(claim))))


def lead(claim: ClaimRecord) -> str:
    """``L25H2 led, L26H2 leads now``; empty where the same one leads."""
    if claim.comparison is None or claim.comparison.led is None:
        return ""
    then, now = map(printable, claim.comparison.led)
    return f"{then} led, {now} leads now"


def tally_of_changes(claims: Iterable[ClaimRecord], baseline: str) -> str:
    """``against good.json: 7 regressed, 17 unchanged``."""
    counts = Counter(claim.comparison.change for claim in claims if claim.comparison is not None)
    words = {Change.NO_LONGER_HOLDS: "no longer hold"}
    parts = [
        f"{counts[each]} {words.get(each, each) if counts[each] > 1 else each}"
        for each in Change
        if counts[each]
    ]
    return f"against {printable(baseline)}: {', '.join(parts) or 'nothing to compare'}"


def difference_lines(claim: ClaimRecord) -> list[str]:
    """Compared statistics, the worst first: old, new, the difference with interval and tolerance.

    Of a family the first members; of the others their number.
    """
    if claim.comparison is None:
        return []
    compared, unpaired = claim.comparison.statistics, claim.comparison.unpaired
    ordered = sorted(compared, key=lambda name: WORST_FIRST.index(compared[name].change))
    shown = first_members(ordered)
    lines = [
        f"{compared_title(name, compared[name])}  {number(compared[name].old)} → "
        f"{number(compared[name].new)}: {_signed(compared[name])}  {compared[name].change}"
        for name in shown
    ]
    if rest := Counter(compared[name].change for name in ordered if name not in shown):
        changes = ", ".join(f"{count} {change}" for change, count in rest.items())
        lines.append(f"and {rest.total()} more: {changes}")
    alone = first_members(unpaired)
    lines += [f"{printable(name)}  is on one side alone, and not compared" for name in alone]
    if more := len(unpaired) - len(alone):
        lines.append(f"and {more} more on one side alone")
    return lines


def compared_title(name: str, one: ComparedStatistic) -> str:
    """``strength[L25H2] → strength[L26H2]``, where another component led then."""
    return printable(name if one.was is None else f"{one.was} → {name}")


def _signed(one: ComparedStatistic) -> str:
    interval = f"[{number(one.low, '-∞')}, {number(one.high)}]"
    return f"{number(one.difference)} {interval}, tolerance {number(one.tolerance)}"


def telling(claim: ClaimRecord) -> tuple[str, ComparedStatistic] | None:
    """The statistic that gave the claim its change: one that does not hold rather than another."""
    if claim.comparison is None or claim.comparison.change not in _TOLD:
        return None
    change = claim.comparison.change
    own = {name: one.verdict for name, one in claim.statistics.items()}
    found = sorted(
        claim.comparison.statistics.items(),
        key=lambda pair: own.get(pair[0]) in (Verdict.HOLDS, None),
    )
    if change is Change.NO_LONGER_HOLDS:
        return next((pair for pair in found if own.get(pair[0]) is not Verdict.HOLDS), None)
    return next((pair for pair in found if pair[1].change is change), None)
