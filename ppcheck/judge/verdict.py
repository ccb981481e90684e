"""From statistics and expectations to a verdict, without a pass by omission."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ppcheck.errors import MeasurementError
from ppcheck.judge.interval import MIN_UNITS, Estimate, interval
from ppcheck.measure.check import Identity
from ppcheck.measure.statistics import Statistic, title
from ppcheck.spec.bound import Bound


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

    `bound` and `verdict` are None where nothing was expected of it. `values` are per example.
    `family_size` counts the statistics of this name, over which its confidence is simultaneous
    if there is a bound. `more_units` is set only where it is inconclusive: about how many more
    units would decide it, or None where no number can be told.
    """

    name: str
    member: str | None
    estimate: Estimate
    bound: Bound | None
    verdict: Verdict | None
    values: tuple[float, ...]
    family_size: int
    more_units: int | None


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
    seed: int,
    identity: Identity | None = None,
) -> Judgement:
    """Judge statistics by what is expected of their names.

    Statistics of one name are a family: all m of them must meet the bound, at a simultaneous
    `confidence` (Bonferroni: each at 1 - (1 - confidence) / m). A claim fails if any member of any
    expected family fails, else is inconclusive if any is, else holds. Statistics of which nothing
    is expected are estimated, each at `confidence`, and not judged.

    A claim that holds has `MOVED` where a player that `identity` expects does not meet its bound;
    where that is inconclusive, the claim is too if identity is strict.

    Raises MeasurementError, which makes the verdict `ERROR`, where there is nothing to judge, where
    something expected was not measured, and where a measured value is NaN or infinite.
    """
    _check(statistics, expect)
    sizes = Counter(statistic.name for statistic in statistics)
    bounds = {} if identity is None else {identity.statistic: identity.bound}
    bounds |= expect
    findings = tuple(
        _find(statistic, bounds.get(statistic.name), sizes[statistic.name], confidence, seed)
        for statistic in statistics
    )
    verdict = _worst(finding.verdict for finding in findings if finding.name in expect)
    if verdict is Verdict.HOLDS and identity is not None:
        return _identified(findings, identity)
    return Judgement(verdict, findings)


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


def _find(
    statistic: Statistic, bound: Bound | None, family_size: int, confidence: float, seed: int
) -> Finding:
    values = statistic.values()
    if not len(values) or not np.isfinite(values).all():
        raise MeasurementError(
            f"{title(statistic.name, statistic.member)}: "
            f"{np.isfinite(values).sum()} of {len(values)} examples have a finite value"
        )
    if bound is not None:
        confidence = 1 - (1 - confidence) / family_size
    estimate = interval(statistic, confidence=confidence, seed=seed)
    verdict = None if bound is None else Verdict(bound.verdict(estimate.low, estimate.high))
    return Finding(
        name=statistic.name,
        member=statistic.member,
        estimate=estimate,
        bound=bound,
        verdict=verdict,
        values=tuple(values.tolist()),
        family_size=family_size,
        more_units=_more_units(estimate, bound) if bound and verdict == "inconclusive" else None,
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


def _more_units(estimate: Estimate, bound: Bound) -> int | None:
    """Roughly how many more units would move the interval off the edges it now covers.

    Its halves shrink as 1 / sqrt(n), and each must become shorter than the way to its edge. Below
    `MIN_UNITS` it is the number missing for any interval at all; on an edge no number helps.
    """
    if estimate.n < MIN_UNITS:
        return MIN_UNITS - estimate.n
    centre, needed = estimate.estimate, 0.0
    for edge in bound.edges:
        if estimate.low <= edge <= estimate.high:
            way = abs(centre - edge)
            half = centre - estimate.low if edge < centre else estimate.high - centre
            if way == 0 or math.isinf(half):
                return None
            needed = max(needed, estimate.n * (half / way) ** 2)
    return max(1, math.ceil(needed - estimate.n))
