"""The claims on which two models differ: true of one and not of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ppcheck.discover.choose import chosen
from ppcheck.discover.discover import Discovery, is_inside, judged_by, named
from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.only import EVERYTHING, Only
from ppcheck.discover.search import Part, Progress, search
from ppcheck.discover.write import Judged
from ppcheck.judge.verdict import Verdict

PHASE = "against"


def differing(
    new: Laboratory, old: Laboratory, most: int, progress: Progress, only: Only = EVERYTHING
) -> Discovery:
    """What holds of the new model and fails of the old, as claims; the other way round as comments.

    Both are searched on the half that is looked at, and all that either shows is judged on the
    other half of the prompts on both.
    """
    ours, theirs = (named(list(search(one, progress, only))) for one in (new, old))
    came = [_that_came(part, new, old, progress) for part in ours]
    gone = list(_that_went(theirs, new, old, progress))
    name = old.model.ref.label
    parts = chosen(came, most)
    if gone:
        parts = (*parts, Part(f"what holds of {name} and no longer", "", (), tuple(gone)))
    judged = {
        each.id: judged_by(each, new.judge(each.claim)) for part in parts for each in part.findings
    }
    return Discovery(parts, judged, is_inside([*ours, *theirs]), only)


def _that_came(part: Part, new: Laboratory, old: Laboratory, progress: Progress) -> Part:
    kept = tuple(each for each in part.findings if _differs(each, new, old, progress) is not None)
    return replace(part, findings=kept, absent=())


def _that_went(
    parts: Sequence[Part], new: Laboratory, old: Laboratory, progress: Progress
) -> Iterator[Nothing]:
    for finding in (each for part in parts for each in part.findings):
        if (now := _differs(finding, old, new, progress)) is not None:
            yield Nothing(PHASE, f"{finding.claim['says']} Now it {now.verdict}")


def _differs(
    finding: Finding, holds: Laboratory, fails: Laboratory, progress: Progress
) -> Judged | None:
    """What the second model shows, where the claim holds of the first and fails of the second."""
    progress(f"the other half: {finding.id}")
    if not judged_by(finding, holds.judge(finding.claim)).holds:
        return None
    record = fails.judge(finding.claim)
    return judged_by(finding, record) if record.verdict is Verdict.FAILS else None
