"""What changed against a baseline, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, ComparedStatistic
from ppcheck.report.claims import deciding
from ppcheck.report.text import counted, number, printable

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


_ORDER = (
    *(Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.NO_LONGER_MEASURED, Change.MOVED),
    *(Change.NOT_COMPARABLE, Change.UNCERTAIN, Change.IMPROVED, Change.UNCHANGED),
)
_UNSAID = (Change.NEW, Change.GONE)
"""What says nothing of a model: there is nothing to compare with."""
_TOLD = (Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.IMPROVED)


def headline(claims: Sequence[ClaimRecord]) -> str:
    """``behaviour unchanged, mechanism moved: valence-mover from L1H1 to L1H3``.

    What is worse is named where nothing moved, and else counted. It is empty where all claims are
    new.
    """
    sides: dict[str, list[ClaimRecord]] = {"behaviour": [], "mechanism": []}
    for claim in claims:
        if claim.comparison is not None and claim.comparison.change not in _UNSAID:
            sides["behaviour" if claim.family == "behaviour" else "mechanism"].append(claim)
    said = [f"{side} {_whole(some)}" for side, some in sides.items() if some]
    details = [text for some in sides.values() for text in _details(some)]
    return ", ".join(said) + (f": {'; '.join(details)}" if details else "")


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
    """Each compared statistic: old, new, and the difference with its interval and tolerance."""
    if claim.comparison is None:
        return []
    return [
        f"{compared_title(name, one)}  {number(one.old)} → {number(one.new)}: "
        f"{_signed(one)}  {one.change}"
        for name, one in claim.comparison.statistics.items()
    ] + [
        f"{printable(name)}  is on one side alone, and not compared"
        for name in claim.comparison.unpaired
    ]


def compared_title(name: str, one: ComparedStatistic) -> str:
    """``strength[L25H2] → strength[L26H2]``, where another component led then."""
    return printable(name if one.was is None else f"{one.was} → {name}")


def _signed(one: ComparedStatistic) -> str:
    interval = f"[{number(one.low, '-∞')}, {number(one.high)}]"
    return f"{number(one.difference)} {interval}, tolerance {number(one.tolerance)}"


def _whole(claims: Sequence[ClaimRecord]) -> str:
    changes = Counter(claim.comparison.change for claim in claims if claim.comparison is not None)
    worst = next((each for each in _ORDER if each in changes), Change.NEW)
    if Change.MOVED in changes and worst is not Change.MOVED:
        return f"{Change.MOVED} and {worst}"
    if worst is Change.UNCERTAIN and Change.UNCHANGED in changes:
        return f"{Change.UNCHANGED} ({changes[worst]} {worst})"
    return str(worst)


def _details(claims: Sequence[ClaimRecord]) -> list[str]:
    """Who moved from where to where, and which claims became worse or how many did."""
    moved = [
        f"{printable(claim.id)} from {printable(c.moved[0])} to {printable(c.moved[1])}"
        for claim in claims
        if (c := claim.comparison) is not None and c.moved
    ]
    worse = [
        printable(claim.id)
        for claim in claims
        if claim.comparison is not None and claim.comparison.change in WORSE
    ]
    if moved and worse:
        return [
            *moved,
            f"{counted(len(worse), 'claim')} {'is' if len(worse) == 1 else 'are'} worse",
        ]
    return moved or worse


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
