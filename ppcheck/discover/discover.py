"""From a file with prompts to a spec, and what the other half says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from ppcheck.discover.choose import chosen
from ppcheck.discover.finding import Finding
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.only import EVERYTHING, Only
from ppcheck.discover.search import INSIDE, Part, Progress, search
from ppcheck.discover.study import three
from ppcheck.discover.write import Judged, spec_text
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord


@dataclass(frozen=True)
class Discovery:
    """What was found, and what the other half says of each claim, by id.

    ``inside`` says whether anything was found inside the model, be it among these or not, and
    ``only`` what was looked for.
    """

    parts: tuple[Part, ...]
    judged: Mapping[str, Judged]
    inside: bool
    only: Only = EVERYTHING

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for part in self.parts for finding in part.findings)

    @property
    def holding(self) -> int:
        return sum(one.holds for one in self.judged.values())


def discover(
    laboratory: Laboratory, most: int, progress: Progress, only: Only = EVERYTHING
) -> Discovery:
    """Look on one half of the prompts, and judge what was found on the other."""
    everything = named(list(search(laboratory, progress, only)))
    parts = chosen(everything, most)
    findings = [finding for part in parts for finding in part.findings]
    judged = {}
    for number, finding in enumerate(findings, 1):
        progress(f"the other half: {finding.id}, {number} of {len(findings)}")
        judged[finding.id] = judged_by(finding, laboratory.judge(finding.claim))
    return Discovery(parts, judged, is_inside(everything), only)


def written(discovery: Discovery, laboratory: Laboratory, *, keep_failed: bool) -> str:
    """The spec that was found."""
    draft = laboratory.draft
    text = draft.source.path.read_text(encoding="utf-8-sig")
    sets, source = list(draft.sets), provenance(laboratory, discovery.only)
    return spec_text(text, sets, discovery.parts, discovery.judged, source, keep_failed=keep_failed)


def provenance(laboratory: Laboratory, only: Only) -> str:
    """Where the claims come from, in words."""
    info = laboratory.model.subject.info
    alone = "" if only == EVERYTHING else f" Looked for alone: {only}."
    return (
        f"Found by ppcheck discover {version('ppcheck')} on {info.name} (weights "
        f"{info.weights_sha256[:12]}), on the units of `half: explore`, with bounds that the other "
        f"half should meet. `source` says what was seen there.{alone}"
    )


def is_inside(parts: Sequence[Part]) -> bool:
    """Whether there is a finding about the inside of the model."""
    return any(finding.phase in INSIDE for part in parts for finding in part.findings)


def named(parts: Sequence[Part]) -> list[Part]:
    """The parts with an id for each finding that no other has, and its source."""
    taken: Counter[str] = Counter()
    return [replace(part, findings=tuple(_own(part.findings, taken))) for part in parts]


def _own(findings: Sequence[Finding], taken: Counter[str]) -> Iterator[Finding]:
    for finding in findings:
        taken[finding.id] += 1
        number = "" if taken[finding.id] == 1 else f"-{taken[finding.id]}"
        source = f"Seen on half explore, {finding.seen}."
        claim = {**finding.claim, "id": f"{finding.id}{number}", "source": source}
        yield replace(finding, claim=claim)


def judged_by(finding: Finding, record: ClaimRecord) -> Judged:
    """What the record of its claim says of a finding."""
    return Judged(finding, record.verdict is Verdict.HOLDS, verdict_of(record))


def verdict_of(record: ClaimRecord) -> str:
    """The verdict with the figure that decided it: ``holds, recovery 0.31 [0.29, 0.33]``."""
    bounded = {name: one for name, one in record.statistics.items() if one.bound is not None}
    if not bounded:
        return f"{record.verdict}, {record.reason}"
    name = next(
        (n for n, one in bounded.items() if one.verdict == record.verdict), next(iter(bounded))
    )
    one = bounded[name]
    ends = ", ".join("-" if end is None else three(end) for end in (one.low, one.high))
    return f"{record.verdict}, {name} {three(one.estimate)} [{ends}], n={one.n}"
