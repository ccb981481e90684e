"""A claim's record against an earlier one: what changed, and whether that matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ppcheck.judge.compare import Change, change, default_tolerance, difference
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import (
    ClaimRecord,
    ComparedStatistic,
    Comparison,
    RunRecord,
    StatisticRecord,
)
from ppcheck.spec.bound import Bound

CONFIDENCE = 0.95
NAMED = 4
"""So many of those that moved are named; of more their number is."""
_MEASURED = (Verdict.HOLDS, Verdict.MOVED, Verdict.FAILS, Verdict.INCONCLUSIVE)


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
    if reason := _incomparable(new, old):
        return Comparison(
            change=Change.NOT_COMPARABLE, baseline=baseline, verdict=old.verdict, reason=reason
        )
    found = {
        name: _statistic(name, new, old, (tolerance or {}).get(name.partition("[")[0]), comparisons)
        for name in _shared(new, old)
    }
    moved = _moved(new, old)
    # Where a role has moved its old player is worse at it, which is the very same news.
    changes = (
        set() if moved and new.verdict is Verdict.MOVED else {o.change for o in found.values()}
    )
    if moved:
        changes.add(Change.MOVED)
    if old.passes and not new.passes and new.verdict is not Verdict.MOVED:
        changes.add(Change.NO_LONGER_HOLDS)
    order = (
        *(Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.MOVED),
        *(Change.UNCERTAIN, Change.IMPROVED),
    )
    whole = next((each for each in order if each in changes), Change.UNCHANGED)
    return Comparison(
        change=whole, baseline=baseline, verdict=old.verdict, statistics=found, moved=moved
    )


def compared_runs(new: RunRecord, old: RunRecord, name: str) -> tuple[RunRecord, list[str]]:
    """The new run, each claim with its comparison, and the claims of the old one that are gone.

    Claims are paired by spec, id and model; where each run has one model, these two are paired.
    ``name`` is what the old run is called.
    """
    one_each = len(new.models) == len(old.models) == 1
    before = {_place(claim, one_each): claim for claim in old.claims}
    comparisons = n_comparisons({str(place): claim for place, claim in before.items()})
    claims = tuple(
        claim.model_copy(
            update={
                "comparison": compared(
                    claim,
                    before.get(_place(claim, one_each)),
                    name,
                    tolerance=claim.tolerance,
                    comparisons=comparisons,
                )
            }
        )
        for claim in new.claims
    )
    left = before.keys() - {_place(claim, one_each) for claim in claims}
    gone = ["::".join(place[:2]) for place in before if place in left]
    return new.model_copy(update={"claims": claims}), gone


def _place(claim: ClaimRecord, one_model: bool) -> tuple[str, str, str]:
    return claim.spec, claim.id, "" if one_model else claim.model


def n_comparisons(records: Mapping[str, ClaimRecord]) -> int:
    """How many expectations the records hold, over which differences are simultaneous."""
    return sum(len(record.expect) for record in records.values()) or 1


def _incomparable(new: ClaimRecord, old: ClaimRecord) -> str | None:
    """What keeps the two from being of the same measurement."""
    for record, when in ((old, "then"), (new, "now")):
        if record.verdict not in _MEASURED:
            return f"it was not measured {when}: {record.reason or record.verdict}"
    prompts = [record.facts.get("prompts_sha256") for record in (new, old)]
    if prompts[0] != prompts[1]:
        return "prompts differ"
    if new.seed != old.seed:
        return f"seeds differ: {old.seed} then, {new.seed} now"
    if new.fingerprint != old.fingerprint:
        return "what the claim measures differs"
    return None


def _expected(record: ClaimRecord) -> Iterator[tuple[str, StatisticRecord]]:
    return ((name, one) for name, one in record.statistics.items() if one.bound is not None)


def _shared(new: ClaimRecord, old: ClaimRecord) -> list[str]:
    return [
        name
        for name, one in _expected(new)
        if name in old.statistics and old.statistics[name].n == one.n
    ]


def _statistic(
    name: str, new: ClaimRecord, old: ClaimRecord, tolerance: float | None, comparisons: int
) -> ComparedStatistic:
    after, before = new.statistics[name], old.statistics[name]
    bound = Bound.parse(after.bound or "")
    if tolerance is None:
        tolerance = default_tolerance(bound, before.estimate)
    step = difference(
        np.array(after.units),
        np.array(before.units),
        after.estimate - before.estimate,
        confidence=1 - (1 - CONFIDENCE) / (comparisons * after.family),
        seed=new.seed,
        name=name,
    )
    return ComparedStatistic(
        change=change(bound, before.estimate, step, tolerance),
        old=before.estimate,
        new=after.estimate,
        difference=step.estimate,
        low=step.low if np.isfinite(step.low) else None,
        high=step.high if np.isfinite(step.high) else None,
        n=step.n,
        confidence=step.confidence,
        tolerance=tolerance,
    )


def _moved(new: ClaimRecord, old: ClaimRecord) -> tuple[str, str] | None:
    """Who played a role or was chosen and no longer is, and who does instead.

    A role has moved where its own verdict says so, or nobody of those who played it still does; a
    choice among many sites has where half or more of them are others.
    """
    if "players" in new.facts:
        then, now = (tuple(record.facts.get("players", ())) for record in (old, new))
        most = len(then) if new.verdict is Verdict.MOVED else 0
    else:
        found = new.facts.get("looked_at")
        then, now = (tuple(record.facts.get("kept", ())) if found else () for record in (old, new))
        most = len(then) // 2
    gone, came = (
        [each for each in one if each not in other] for one, other in ((then, now), (now, then))
    )
    if not gone or not now or len(then) - len(gone) > most:
        return None
    return _few(gone), _few(came or now)


def _few(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
