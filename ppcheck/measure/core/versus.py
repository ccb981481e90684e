"""What a claim expects of two members of a family, made of what was measured of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import StatisticResult, statistic_result
from ppcheck.spec.expectations.versus import Versus
from ppcheck.spec.grammar import suggest
from ppcheck.statistics.member_difference import MemberDifference


def with_differences(
    found: Sequence[StatisticResult], expected: Iterable[str]
) -> tuple[StatisticResult, ...]:
    """What was found, and each difference between two members that is expected.

    Raises MeasurementError where one of the two was not measured, or is of other examples.
    """
    return (*found, *_differences(found, expected))


def _differences(
    found: Sequence[StatisticResult], expected: Iterable[str]
) -> Iterator[StatisticResult]:
    for name in expected:
        if (versus := Versus.read(name)) is None:
            continue
        of_name = {
            str(one.statistic.member): one
            for one in found
            if one.statistic.name == versus.statistic and one.statistic.member is not None
        }
        first, second = (_member(name, each, of_name) for each in versus.members)
        difference = MemberDifference(first.statistic, second.statistic, name)
        pulls = first.contributions - second.contributions
        yield statistic_result(difference, first.examples, pulls)


def _member(name: str, member: str, found: Mapping[str, StatisticResult]) -> StatisticResult:
    if member not in found:
        advice = suggest(member, found) if found else "there is only one"
        raise MeasurementError(f"{name}: nothing was measured of {member!r}: {advice}")
    return found[member]
