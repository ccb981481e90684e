"""What changed against a baseline, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.leading import first_members, member_of, statistic_of
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
_NAMED = 2
"""Claims of each side whose loss the headline tells."""
_TOLD = (Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.IMPROVED)


def headline(claims: Sequence[ClaimRecord]) -> str:
    """``behaviour unchanged, mechanism moved: valence-mover from L1H1 to L1H3``.

    Where nothing moved it says what was lost most: ``mover: L25H2 lost 60 % of its recovery,
    L26H2 leads now``. What else is worse is counted. It is empty where all claims are new.
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
    """Compared statistics, the worst first: old, new, the difference with interval and tolerance.

    Of a family the first members; of the others their number.
    """
    if claim.comparison is None:
        return []
    compared, unpaired = claim.comparison.statistics, claim.comparison.unpaired
    ordered = sorted(compared, key=lambda name: _ORDER.index(compared[name].change))
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


def _whole(claims: Sequence[ClaimRecord]) -> str:
    changes = Counter(claim.comparison.change for claim in claims if claim.comparison is not None)
    worst = next((each for each in _ORDER if each in changes), Change.NEW)
    if Change.MOVED in changes and worst is not Change.MOVED:
        return f"{Change.MOVED} and {worst}"
    if worst is Change.UNCERTAIN and Change.UNCHANGED in changes:
        return f"{Change.UNCHANGED} ({changes[worst]} {worst})"
    return str(worst)


def _details(claims: Sequence[ClaimRecord]) -> list[str]:
    """Who moved from where to where, and the claims that lost most; of more their number."""
    moved = [
        f"{printable(claim.id)} from {printable(c.moved[0])} to {printable(c.moved[1])}"
        for claim in claims
        if (c := claim.comparison) is not None and c.moved
    ]
    worse = [c for c in claims if c.comparison is not None and c.comparison.change in WORSE]
    told = [] if moved else sorted(worse, key=_lost, reverse=True)[:_NAMED]
    details = [*moved, *map(_loss, told)]
    if more := len(worse) - len(told):
        other = "more claim" if told else "claim"
        details.append(f"{counted(more, other)} {'is' if more == 1 else 'are'} worse")
    return details


def _loss(claim: ClaimRecord) -> str:
    """``mover: L25H2 lost 60 % of its recovery, L26H2 leads now``."""
    found, label = telling(claim), printable(claim.id)
    if found is None:
        return label
    name, one = found
    if lost := _lost(claim):
        member = member_of(name)
        who = f"{label}: {printable(member)}" if member else label
        said = f"{who} lost {100 * lost:.0f} % of its {printable(statistic_of(name))}"
    else:
        said = f"{label}: {compared_title(name, one)} {number(one.old)} → {number(one.new)}"
    led = None if claim.comparison is None else claim.comparison.led
    return said if led is None else f"{said}, {printable(led[1])} leads now"


def _lost(claim: ClaimRecord) -> float:
    """The share of its figure that is gone, where what is left has the same sign; else none."""
    found = telling(claim)
    if found is None or found[1].was is not None or not found[1].old:
        return 0.0
    left = found[1].new / found[1].old
    return 1 - left if 0 <= left <= 1 else 0.0


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
