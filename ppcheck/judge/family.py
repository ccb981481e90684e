"""Correction of a family: at what level each member is judged, so that all may be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.judge.limits import Limits
from ppcheck.judge.methods import limits_of, sorted_pivots, studentised
from ppcheck.judge.sampling import Sampling
from ppcheck.spec.claim import Correction
from ppcheck.spec.expectations.bound import Bound


@dataclass(frozen=True)
class Member:
    """One member's limits, the confidence at which they are read, and its p-value.

    `p` is one-sided, adjusted for the family, and decides the bound just where it is at most
    (1 - confidence of the claim) / 2; None where there is no bound. `correction` is what was used
    for this member.
    """

    limits: Limits
    confidence: float
    p: float | None
    correction: Correction | None


def correct(
    family: Sequence[Sampling],
    bounds: Sequence[Bound],
    confidence: float,
    correction: Correction,
) -> list[Member]:
    """Judge each member of a family by its bound so that its interval agrees with its verdict.

    max_t, bonferroni  the intervals of all members hold at once, with this confidence
    holm               no member gets a wrong verdict, with this confidence (Holm 1979); an
                       interval has the level at which its member was decided
    bh                 of the members that get a verdict a wrong one is expected for no more than
                       1 - confidence (Benjamini & Hochberg 1995), and of the intervals of these
                       members no more miss (Benjamini & Yekutieli 2005)

    The first three can support "every member meets the bound"; `bh` is for finding members.
    """
    tail = (1 - confidence) / 2
    if len(family) == 1:
        limits = limits_of(family[0], tail)
        return [Member(limits, confidence, limits.p(bounds[0]), None)]
    if correction in ("holm", "bh"):
        return _stepwise(family, bounds, tail, correction)
    joint = _joint(family, tail) if correction == "max_t" else []
    return _simultaneous(family, bounds, confidence, joint)


def _simultaneous(
    family: Sequence[Sampling], bounds: Sequence[Bound], confidence: float, joint: Sequence[int]
) -> list[Member]:
    """Max-T for the members in `joint`, which use up their part of the error, and Bonferroni.

    Max-T (Westfall & Young 1993; Romano & Wolf 2005) reads all ends from the distribution of the
    family's most extreme pivot, resampled over units that its members share.
    """
    tail, size = (1 - confidence) / 2, len(family)
    extremes = sorted_pivots([family[number] for number in joint]) if joint else None
    members = []
    for number, (sampling, bound) in enumerate(zip(family, bounds, strict=True)):
        if extremes is not None and number in joint:
            limits = studentised(sampling, *extremes, share=len(joint) / size)
            members.append(Member(limits, confidence, limits.p(bound), "max_t"))
        else:
            limits = limits_of(sampling, tail / size)
            p = min(1.0, size * limits.p(bound))
            members.append(Member(limits, 1 - 2 * tail / size, p, "bonferroni"))
    return members


def _joint(family: Sequence[Sampling], tail: float) -> list[int]:
    """The members over the units that most have, of which resamples tell this tail."""
    units = [np.unique(sampling.statistic.units).tobytes() for sampling in family]
    shared = max(units, key=units.count)
    joint = [
        number
        for number, sampling in enumerate(family)
        if units[number] == shared and sampling.moving(tail / len(family) / 2)
    ]
    return joint if len(joint) > 1 else []


def _stepwise(
    family: Sequence[Sampling], bounds: Sequence[Bound], tail: float, correction: Correction
) -> list[Member]:
    from statsmodels.stats.multitest import multipletests

    size = len(family)
    limits = [limits_of(sampling, tail / size) for sampling in family]
    method = "holm" if correction == "holm" else "fdr_bh"
    p = np.array([one.p(bound) for one, bound in zip(limits, bounds, strict=True)])
    rejected, adjusted, *_ = multipletests(p, alpha=tail, method=method)
    found = int(rejected.sum())
    levels = np.full(size, tail * max(found, 1) / size)
    if correction == "holm":
        step = np.argsort(np.argsort(p, kind="stable"))
        levels = tail / (size - np.minimum(step, min(found, size - 1)))
    return [
        Member(one, 1 - 2 * float(level), float(value), correction)
        for one, level, value in zip(limits, levels, adjusted, strict=True)
    ]
