"""Bounds that no sample of so many units can meet, however well the model does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppcheck.judge.binomial import holding, lowest_rate
from ppcheck.judge.sampling import MIN_UNITS
from ppcheck.spec.claim import Claim
from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.range import Perfect, Range
from ppcheck.spec.prompts.grid import Grid

MOST = 5_000
"""No more units than these are asked for."""


@dataclass(frozen=True)
class Ceiling:
    """A statistic whose ``bound`` is out of reach of ``units``.

    ``best`` is the interval of units that all agree; ``needed`` units could hold, None where
    it would take more than `MOST`.
    """

    name: str
    bound: Bound
    units: int
    best: tuple[float, float]
    needed: int | None


def ceilings(claim: Claim, grid: Grid) -> Iterator[Ceiling]:
    """The expectations of a claim that no model could meet with the units of its prompts."""
    if grid.prompt_set.is_fixed:
        return
    ranges = claim.all_statistics
    for name, bound in claim.expect.items():
        values, units = ranges[name], claim.most_units(grid, name)
        tail = (1 - claim.confidence) / 2 / claim.least_members(name)
        if values.perfect is None or units < MIN_UNITS or _can_hold(values, bound, units, tail):
            continue
        more = range(units + 1, MOST)
        needed = next((n for n in more if _can_hold(values, bound, n, tail)), None)
        yield Ceiling(name, bound, units, _nearest(values, bound, units, tail), needed)


def _can_hold(values: Range, bound: Bound, units: int, tail: float) -> bool:
    if values.perfect is Perfect.RATE:
        return bool(holding(units, bound, tail).any())
    ends = [end for end in (values.low, values.high) if bound.contains(end)]
    if not ends:
        return True  # what lies between the ends can be as sure as it likes
    return any(bound.verdict(*_best(values, end, units, tail)) == "holds" for end in ends)


def _nearest(values: Range, bound: Bound, units: int, tail: float) -> tuple[float, float]:
    end = values.low if bound.contains(values.low) else values.high
    return _best(values, end, units, tail)


def _best(values: Range, end: float, units: int, tail: float) -> tuple[float, float]:
    """The interval of a sample whose units all agree on an end of the range."""
    if values.perfect is Perfect.RATE:
        low = float(lowest_rate(units, units, tail))
    else:
        low = values.low + tail ** (1 / units) * (values.high - values.low)
    if end == values.high:
        return low, values.high
    return values.low, values.low + values.high - low
