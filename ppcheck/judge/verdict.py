"""From statistics and expectations to a verdict, without a pass by omission."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from ppcheck.errors import MeasurementError
from ppcheck.judge.family import Member, correct
from ppcheck.judge.interval import Estimate, estimated
from ppcheck.judge.methods import limits_of
from ppcheck.judge.power import more_units
from ppcheck.judge.sampling import Sampling, fixed, sample
from ppcheck.spec.claim import Correction
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.identity import Identity
from ppcheck.statistics.member_difference import MemberDifference
from ppcheck.statistics.statistics import Gap, Statistic, title


class Verdict(StrEnum):
    """What is known of a claim. Only `HOLDS` is a pass and, where identity is loose, `MOVED`."""

    HOLDS = "holds"
    MOVED = "moved"
    FAILS = "fails"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One statistic, estimated and judged.

    `bound`, `verdict` and `p` are None where nothing was expected of it. `values` are per example.
    `family_size` counts the statistics of its family, and `correction` says how those that have a
    bound were corrected for it. `p` is one-sided (`Limits.p`), corrected too: there is a verdict
    where it is at most half of what the confidence lacks to 1. `more_units` is set only where it
    is inconclusive: about how many more units would decide it with a probability of 80 %, or None
    where no number is known. `rounding` is in the interval, and `gap` is what it is a share of.
    """

    name: str
    member: str | None
    estimate: Estimate
    bound: Bound | None
    verdict: Verdict | None
    values: tuple[float, ...]
    family_size: int
    correction: Correction | None
    p: float | None
    more_units: int | None
    rounding: float
    gap: Gap | None

    @property
    def rounding_decides(self) -> bool:
        """Whether the bound would be decided, had rounding no part in the interval."""
        if self.bound is None or not self.rounding or self.verdict is not Verdict.INCONCLUSIVE:
            return False
        low, high = self.estimate.low + self.rounding, self.estimate.high - self.rounding
        return low <= high and self.bound.verdict(low, high) != "inconclusive"


@dataclass(frozen=True)
class Judgement:
    """A claim's verdict, and the findings behind it in the order of the statistics.

    `moved` says from whom to whom, where the verdict is `MOVED`.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    moved: str | None = None


def judge(
    statistics: Sequence[Statistic],
    expect: Mapping[str, Bound],
    *,
    confidence: float = 0.95,
    correction: Correction = "max_t",
    seed: int,
    identity: Identity | None = None,
    is_fixed: bool = False,
) -> Judgement:
    """Judge statistics by what is expected of their names.

    Statistics of one name are a family, and all of them must meet the bound; so are the differences
    between members of one, each with a bound of its own. `correct` says what each correction
    promises. A claim fails if any member of any expected family fails, else is inconclusive if any
    is, else holds. Statistics of which nothing is expected are estimated, each at `confidence`, and
    not judged.

    A claim that holds has `MOVED` where a player that `identity` expects does not meet its bound;
    where that is inconclusive, the claim is too if identity is strict.

    Where the units are all there is, `is_fixed`, each estimate is exact but for rounding, and there
    is nothing to correct and no p-value.

    A share of a gap that is too small is inconclusive, unless something that excludes 0 is expected
    of the gap itself.

    Raises MeasurementError, which makes the verdict `ERROR`, where there is nothing to judge, where
    something expected was not measured, and where a measured value is NaN or infinite.
    """
    _check(statistics, expect)
    _check_supports(statistics, expect)
    bounds = {} if identity is None else {identity.statistic: identity.bound}
    bounds |= expect
    sampled = samples(statistics, expect, seed, is_fixed=is_fixed)
    findings: dict[int, Finding] = {}
    families = [_family(statistic) for statistic in statistics]
    for family in dict.fromkeys(families):
        own = [n for n, one in enumerate(families) if one == family]
        held = [bounds.get(statistics[n].name) for n in own]
        found = _of_family([sampled[n] for n in own], held, confidence, correction)
        findings |= zip(own, found, strict=True)
    ordered = tuple(findings[n] for n in range(len(statistics)))
    verdict = _worst(finding.verdict for finding in ordered if finding.name in expect)
    if verdict is Verdict.HOLDS and identity is not None:
        return _identified(ordered, identity)
    return Judgement(verdict, ordered)


def _check(statistics: Sequence[Statistic], expect: Mapping[str, Bound]) -> None:
    if not statistics:
        raise MeasurementError("nothing was measured")
    if not expect:
        raise MeasurementError("nothing is expected, so there is nothing to judge")
    names = sorted({statistic.name for statistic in statistics})
    for name in expect:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f": did you mean {close[0]!r}?" if close else ""
            raise MeasurementError(
                f"{name!r} is expected but was not measured{hint} (measured: {', '.join(names)})"
            )
    twice = Counter(title(statistic.name, statistic.member) for statistic in statistics)
    if repeated := sorted(who for who, count in twice.items() if count > 1):
        raise MeasurementError(f"measured more than once: {', '.join(repeated)}")


def _check_supports(statistics: Sequence[Statistic], expect: Mapping[str, Bound]) -> None:
    """What a statistic can be may be known of the model alone: its layers, or its heads."""
    for statistic in statistics:
        bound = expect.get(statistic.name)
        if bound is not None and all(map(bound.contains, statistic.support)):
            low, high = statistic.support
            raise MeasurementError(
                f"{title(statistic.name, statistic.member)} lies in {low:g}..{high:g} on this "
                f'model whatever it does, and "{bound}" accepts all of that: the claim cannot fail'
            )


def samples(
    statistics: Sequence[Statistic],
    expect: Mapping[str, Bound],
    seed: int,
    *,
    is_fixed: bool = False,
) -> list[Sampling]:
    """Each statistic sampled; shares know whether there is a gap, as the claim states it.

    Raises MeasurementError where a value is not finite.
    """
    for statistic in statistics:
        values = statistic.values()
        if not len(values) or not np.isfinite(values).all():
            raise MeasurementError(
                f"{title(statistic.name, statistic.member)}: "
                f"{np.isfinite(values).sum()} of {len(values)} examples have a finite value"
            )
    return [
        replace(
            fixed(statistic) if is_fixed else sample(statistic, seed),
            has_gap=_has_gap(statistic, expect),
        )
        for statistic in statistics
    ]


def _has_gap(statistic: Statistic, expect: Mapping[str, Bound]) -> bool:
    """Whether there is enough to take a share of: as the claim states or, if not, by default."""
    if statistic.gap is None or statistic.gap.is_read:
        return True
    stated = expect.get(statistic.gap.name)
    return stated is not None and not stated.contains(0.0)


def _family(statistic: Statistic) -> tuple[str, bool]:
    """What it is corrected with: its name, and whether it is between two members of that name."""
    if isinstance(statistic, MemberDifference):
        return statistic.first.name, True
    return statistic.name, False


def _of_family(
    family: Sequence[Sampling],
    bounds: Sequence[Bound | None],
    confidence: float,
    correction: Correction,
) -> list[Finding]:
    """The findings on the statistics of one family, of which all have a bound or none has."""
    stated = [bound for bound in bounds if bound is not None]
    if family[0].is_fixed:
        members = [Member(limits_of(one, 0.0), 1.0, None, None) for one in family]
    elif stated:
        members = correct(family, stated, confidence, correction)
    else:
        tail = (1 - confidence) / 2
        members = [Member(limits_of(one, tail), confidence, None, None) for one in family]
    return [
        _finding(one, member, bound, len(family))
        for one, member, bound in zip(family, members, bounds, strict=True)
    ]


def _finding(sampling: Sampling, member: Member, bound: Bound | None, family_size: int) -> Finding:
    statistic, estimate = sampling.statistic, estimated(member.limits, member.confidence)
    verdict = None if bound is None else Verdict(bound.verdict(estimate.low, estimate.high))
    return Finding(
        name=statistic.name,
        member=statistic.member,
        estimate=estimate,
        bound=bound,
        verdict=verdict,
        values=tuple(statistic.values().tolist()),
        family_size=family_size,
        correction=member.correction,
        p=member.p,
        more_units=more_units(sampling, member.limits, bound, member.confidence)
        if bound is not None and verdict is Verdict.INCONCLUSIVE and not sampling.is_fixed
        else None,
        rounding=member.limits.rounding,
        gap=statistic.gap,
    )


def _worst(verdicts: Iterable[Verdict | None]) -> Verdict:
    found = set(verdicts)
    for verdict in (Verdict.FAILS, Verdict.INCONCLUSIVE):
        if verdict in found:
            return verdict
    return Verdict.HOLDS


def _identified(findings: tuple[Finding, ...], identity: Identity) -> Judgement:
    """The judgement of a claim that holds, whoever makes it hold."""
    expected = [finding for finding in findings if finding.name == identity.statistic]
    gone = [str(one.member) for one in expected if one.verdict is Verdict.FAILS]
    if gone:
        remaining = {str(one.member) for one in expected} - set(gone)
        new = [player for player in identity.found if player not in remaining]
        moved = f"{identity.role} moved from {', '.join(gone)} to {', '.join(new[: len(gone)])}"
        if not new:
            moved = f"{', '.join(gone)} left {identity.role} to {', '.join(identity.found)}"
        return Judgement(Verdict.MOVED, findings, moved)
    strictly = _worst(finding.verdict for finding in expected)
    return Judgement(strictly if identity.strict else Verdict.HOLDS, findings)
