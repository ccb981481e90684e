"""A claim's record against an earlier one: what changed, and whether that matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ppcheck.judge.compare import Change, ComparedSide, change, default_tolerance, difference
from ppcheck.judge.limits import FIXED, NO_GAP
from ppcheck.judge.verdict import Verdict
from ppcheck.record.drawn import drawn
from ppcheck.record.leading import (
    Paired,
    led,
    left,
    listed,
    member_of,
    moved,
    paired,
    statistic_of,
)
from ppcheck.record.run import ClaimRecord, ComparedStatistic, Comparison, StatisticRecord
from ppcheck.spec.expectations.bound import Bound

CONFIDENCE = 0.95
_ORDER = (
    *(Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.MOVED, Change.NOT_COMPARABLE),
    *(Change.UNCERTAIN, Change.IMPROVED),
)
_DEFAULT = "the default"


def was_or_is_measured(new: ClaimRecord, old: ClaimRecord | None) -> bool:
    """Whether there is anything to say of what became of the claim."""
    return new.is_measured or (old is not None and old.is_measured)


def compared(
    new: ClaimRecord,
    old: ClaimRecord | None,
    baseline: str,
    *,
    tolerance: Mapping[str, float] | None = None,
    comparisons: int = 1,
) -> Comparison:
    """The claim against its baseline.

    Each difference has an interval that is simultaneous over ``comparisons`` expectations and the
    family of each (Bonferroni), so that the chance of any false alarm in a run is at most 5 %.
    """
    if old is None:
        return Comparison(change=Change.NEW, baseline=baseline)
    if not new.is_measured:
        return lost(old, baseline, new.reason or str(new.verdict), Change.NOT_COMPARABLE)
    if reason := _incomparable(new, old):
        return Comparison(
            change=Change.NOT_COMPARABLE, baseline=baseline, verdict=old.verdict, reason=reason
        )
    pairs = paired(new, old)
    allowed = tolerance or {}
    found = {
        name: _statistic(name, was, new, old, allowed.get(statistic_of(name)), comparisons)
        for name, was in pairs.names.items()
    }
    whole = _whole(new, old, found, pairs)
    return Comparison(
        change=whole,
        baseline=baseline,
        verdict=old.verdict,
        statistics=found,
        moved=moved(new, old),
        led=led(new, old),
        unpaired=(*pairs.only_then, *pairs.only_now),
        reason=_lacking(pairs) if whole is Change.NOT_COMPARABLE else None,
        then=drawn(old.facts),
    )


def lost(old: ClaimRecord, baseline: str, reason: str, otherwise: Change) -> Comparison:
    """The comparison of a claim that was not measured now, and why.

    Where it held it is no longer measured; where it did not, what has become of it is said.
    """
    whole = Change.NO_LONGER_MEASURED if old.passes else otherwise
    if whole is Change.NOT_COMPARABLE:
        reason = f"it was not measured now: {reason}"
    return Comparison(change=whole, baseline=baseline, verdict=old.verdict, reason=reason)


def n_comparisons(records: Mapping[str, ClaimRecord]) -> int:
    """How many expectations the records hold, over which differences are simultaneous."""
    return sum(len(record.expect) for record in records.values()) or 1


def _whole(
    new: ClaimRecord, old: ClaimRecord, found: Mapping[str, ComparedStatistic], pairs: Paired
) -> Change:
    """What became of the claim: the worst that became of its statistics, or of who is behind it."""
    # Where a role has moved its old player is worse at it, which is the very same news.
    old_news = left(new, old) if new.verdict is Verdict.MOVED else frozenset()
    changes = {one.change for name, one in found.items() if member_of(name) not in old_news}
    if moved(new, old):
        changes.add(Change.MOVED)
    if old.passes and not new.passes and new.verdict is not Verdict.MOVED:
        changes.add(Change.NO_LONGER_HOLDS)
    if pairs.only_then or not found:
        changes.add(Change.NOT_COMPARABLE)
    return next((each for each in _ORDER if each in changes), Change.UNCHANGED)


def _lacking(pairs: Paired) -> str:
    """Which statistics are on one side alone."""
    sides = [(pairs.only_then, "then"), (pairs.only_now, "now")]
    return "; ".join(f"{listed(names)} was measured {when} alone" for names, when in sides if names)


def _incomparable(new: ClaimRecord, old: ClaimRecord) -> str | None:
    """What keeps the two from being of the same measurement."""
    if not old.is_measured:
        return f"it was not measured then: {old.reason or old.verdict}"
    if new.seed != old.seed:
        return f"seeds differ: {old.seed} then, {new.seed} now"
    same_prompts = new.facts.prompts_sha256 == old.facts.prompts_sha256
    if new.fingerprint == old.fingerprint:
        return None if same_prompts else "prompts differ"
    if keys := list(_differing(new.measures, old.measures)):
        return listed(keys, "; ")
    return "what the claim measures differs" if same_prompts else "prompts differ"


def _differing(now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    """``site was L1H1, is L1H3``: keys of the claim and of its prompts; nothing if one is unknown.

    A record that an earlier version wrote says nothing of them.
    """
    if not now or not then:
        return
    for key in dict.fromkeys((*now, *then)):
        if now.get(key) != then.get(key):
            yield f"{key} was {then.get(key, _DEFAULT)}, is {now.get(key, _DEFAULT)}"


def _side(one: StatisticRecord) -> ComparedSide:
    """Pseudo-values are NaN for a share of a gap that is too small, which means nothing."""
    units = np.array(one.units, dtype=np.float64)
    known = np.full(len(units), np.nan) if one.method == NO_GAP else units
    return ComparedSide(one.estimate, known, one.rounding, one.method == FIXED)


def _statistic(
    name: str,
    was: str,
    new: ClaimRecord,
    old: ClaimRecord,
    tolerance: float | None,
    comparisons: int,
) -> ComparedStatistic:
    after, before = new.statistics[name], old.statistics[was]
    bound = Bound.parse(after.bound or before.bound or "")
    if tolerance is None:
        tolerance = default_tolerance(bound, before.estimate)
    step = difference(
        _side(after),
        _side(before),
        confidence=1 - (1 - CONFIDENCE) / (comparisons * after.family),
        seed=new.seed,
        name=name,
    )
    return ComparedStatistic(
        change=change(bound, before.estimate, step, tolerance),
        was=None if was == name else was,
        old=before.estimate,
        new=after.estimate,
        difference=step.estimate,
        low=step.low if np.isfinite(step.low) else None,
        high=step.high if np.isfinite(step.high) else None,
        n=step.n,
        confidence=step.confidence,
        tolerance=tolerance,
    )
