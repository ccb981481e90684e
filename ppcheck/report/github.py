"""What GitHub shows of a run: what it amounts to, and an annotation at each claim's line."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.claims import cautions, cells
from ppcheck.report.gate import changed
from ppcheck.report.summary import cause_of, is_broken, summary
from ppcheck.report.text import printable


def commands(claims: Sequence[ClaimRecord]) -> list[str]:
    """Workflow commands, one a line: the run, then claims that do not pass, are open or moved, or
    that need caution.
    """
    said = summary(claims)
    level = "error" if any(map(is_broken, claims)) else "notice"
    whole = f"::{level} title=ppcheck::{_data(chr(10).join(said.lines))}"
    return [whole, *(line for claim in claims if (line := _annotation(claim)) is not None)]


def _annotation(claim: ClaimRecord) -> str | None:
    level = _level(claim)
    with_care = cautions([claim])
    if level is None and with_care:
        level = "notice"
    if level is None:
        return None
    measured, expected, _ = cells(claim)
    figures = f"{measured}, expected {expected}" if expected else measured
    parts = [claim.says, figures, changed(claim), *with_care]
    message = _data("\n".join(printable(part) for part in parts if part))
    title = _property(f"{claim.id} {cause_of(claim) or claim.verdict} on {claim.model}")
    return f"::{level} file={_property(claim.spec)},line={claim.line},title={title}::{message}"


def _level(claim: ClaimRecord) -> str | None:
    cause = cause_of(claim)
    if cause is Verdict.INCONCLUSIVE:
        return "warning"
    if is_broken(claim):
        return "error"
    moved = claim.comparison is not None and claim.comparison.change is Change.MOVED
    return "warning" if moved else None


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
