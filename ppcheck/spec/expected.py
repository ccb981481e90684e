"""What is wrong with what a claim expects: unknown statistics, and bounds that decide nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf

from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.range import Range
from ppcheck.spec.expectations.versus import Versus
from ppcheck.spec.grammar import suggest
from ppcheck.spec.problem import Problem, Problems, problems_with

_COMPARED = re.compile(r"(\S+\[[^\]]+\])\s*([<>]=?)\s*(\S+\[[^\]]+\])")


def of_expect(
    expect: Mapping[str, Bound],
    known: Mapping[str, Range],
    of_versus: Callable[[Versus], Iterable[str]],
) -> Problems:
    """``known`` are the statistics with the values of each; ``of_versus`` judges comparisons."""
    for name, bound in expect.items():
        versus = Versus.read(name)
        faults = [] if versus is None else list(of_versus(versus))
        if not faults:
            faults = list(_of_bound(name, bound, known))
        yield from problems_with(f"expect.{name}", faults)


def of_tolerance(tolerance: Mapping[str, float], expect: Mapping[str, Bound]) -> Problems:
    for name, allowed in tolerance.items():
        if name not in expect:
            advice = suggest(name, expect)
            yield Problem(f"tolerance.{name}", f"nothing is expected of {name!r}: {advice}")
        elif not 0 <= allowed < inf:
            yield Problem(f"tolerance.{name}", f"a tolerance is a number from 0 up, not {allowed}")


def _of_bound(name: str, bound: Bound, known: Mapping[str, Range]) -> Iterator[str]:
    if (values := known.get(name)) is None:
        yield f"this claim gives no statistic {name!r}: {_instead(name, known)}"
    elif bound.accepts_all(values):
        yield _always_met(name, bound, values)
    elif bound.accepts_none(values) and not values.usual:
        yield f'{name} is {values}, and none of that is "{bound}": the claim cannot hold'


def _instead(name: str, known: Mapping[str, Range]) -> str:
    """What to write for a statistic that the claim does not give."""
    if (compared := _COMPARED.fullmatch(name.strip())) is not None:
        one, sign, other = compared.groups()
        return f"compare two members by their difference, '{one} - {other}': \"{sign} 0\""
    return suggest(name, known)


def _always_met(name: str, bound: Bound, values: Range) -> str:
    """Why a claim with this bound cannot fail."""
    if values.usual:
        return (
            f'"{bound}" accepts every {name} that has a meaning, {values}: '
            "the claim cannot fail, so give a narrower bound"
        )
    why = f'{name} is {values} whatever the model does, and "{bound}" accepts all of that'
    return f"{why}: give a bound that can fail"
