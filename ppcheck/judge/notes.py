"""What a person must know of an interval that was not found in the usual way."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.judge.limits import Method
from ppcheck.judge.verdict import Finding

NOTES: dict[Method, str] = {
    "agreement": "almost all units agree: the interval is the exact one for how many others "
    "might not, whatever they do",
    "constant": "all units give the same number: the interval has no width, and would miss "
    "any unit that does not",
    "percentile": "some resamples have no spread, or leave it undefined: the interval is the "
    "percentile bootstrap's, and has no end where too many are undefined",
}


def method_notes(findings: Sequence[Finding]) -> tuple[str, ...]:
    """One note for each unusual method, naming the statistics that were judged by it."""
    notes = []
    for method, note in NOTES.items():
        judged = [f for f in findings if f.bound is not None and f.estimate.method == method]
        names = dict.fromkeys(finding.name for finding in judged)
        if names:
            members = f" (of {len(judged)} members)" if len(judged) > len(names) else ""
            notes.append(f"{', '.join(names)}{members}: {note}")
    return tuple(notes)
