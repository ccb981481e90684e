"""What a person must know of an interval that was not found in the usual way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ppcheck.judge.limits import IntervalMethod
from ppcheck.judge.verdict import Finding
from ppcheck.spec.expectations.range import Range

NOTES: dict[IntervalMethod, str] = {
    "agreement": "all units seen, or all but a few, give the same: the interval is as wide as "
    "units that do not could make it",
    "constant": "all units give the same number: the interval has no width, and would miss "
    "any unit that does not",
    "fixed": "the prompts are all there is (`population: fixed`): the value is exact, and the "
    "interval is what rounding can do to it",
    "percentile": "some resamples have no spread, or leave it undefined: the interval is the "
    "percentile bootstrap's, and has no end where too many are undefined",
}


def finding_notes(findings: Sequence[Finding], ranges: Mapping[str, Range]) -> tuple[str, ...]:
    """What to mind of findings that were judged, each note once for all whom it is about."""
    judged = [finding for finding in findings if finding.bound is not None]
    return (
        *_method_notes(judged),
        *_gap_notes(judged),
        *_rounding_notes(judged),
        *_range_notes(judged, ranges),
    )


def _method_notes(judged: Sequence[Finding]) -> Iterator[str]:
    for method, note in NOTES.items():
        if some := [finding for finding in judged if finding.estimate.method == method]:
            yield f"{_names(some)}: {note}"


def _gap_notes(judged: Sequence[Finding]) -> Iterator[str]:
    some = [finding for finding in judged if finding.estimate.method == "no gap"]
    for gap in dict.fromkeys(finding.gap for finding in some):
        if gap is not None:
            of_gap = [finding for finding in some if finding.gap == gap]
            yield (
                f"{_names(of_gap)}: not a share of anything, for the {gap.name} is {gap.size:.3g}, "
                f"less than {gap.least:.3g}, a twentieth of the metric's standard deviation over "
                f'the prompts; expect something of it, `{gap.name}: "> {gap.least:.2g}"` say, if '
                "so small a one matters"
            )


def _rounding_notes(judged: Sequence[Finding]) -> Iterator[str]:
    some = [finding for finding in judged if finding.rounding_decides]
    if some:
        largest = max(finding.rounding for finding in some)
        yield (
            f"{_names(some)}: too near to the bound to be told from rounding, {largest:.2g} here, "
            "which decides nothing"
        )


def _range_notes(judged: Sequence[Finding], ranges: Mapping[str, Range]) -> Iterator[str]:
    beyond = [
        finding
        for finding in judged
        if (values := ranges.get(finding.name)) is not None
        and values.usual
        and finding.estimate.estimate not in values
    ]
    if beyond:
        furthest = max(beyond, key=lambda finding: abs(finding.estimate.estimate))
        yield (
            f"{_names(beyond)}: {furthest.estimate.estimate:.3g} is beyond "
            f"{ranges[furthest.name]}, where a share of the gap is read as one: look at the gap"
        )


def _names(findings: Iterable[Finding]) -> str:
    some = list(findings)
    names = dict.fromkeys(finding.name for finding in some)
    members = f" (of {len(some)} members)" if len(some) > len(names) else ""
    return f"{', '.join(names)}{members}"
