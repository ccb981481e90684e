"""What GitHub shows of a run: an annotation at the line of each claim that did not hold."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.claims import cautions, cells
from ppcheck.report.gate import changed
from ppcheck.report.text import printable

_LEVELS = {
    Verdict.FAILS: "error",
    Verdict.ERROR: "error",
    Verdict.INCONCLUSIVE: "warning",
}


def commands(claims: Sequence[ClaimRecord]) -> list[str]:
    """Workflow commands, one a line, for claims that fail, err, are open, regressed or moved, or
    that need caution.
    """
    return [line for claim in claims if (line := _annotation(claim)) is not None]


def _annotation(claim: ClaimRecord) -> str | None:
    change = None if claim.comparison is None else claim.comparison.change
    level = _LEVELS.get(claim.verdict)
    if level is None and change is Change.REGRESSED:
        level = "error"
    if level is None and change is Change.MOVED:
        level = "warning"
    with_care = cautions([claim])
    if level is None and with_care:
        level = "notice"
    if level is None:
        return None
    measured, expected, _ = cells(claim)
    figures = f"{measured}, expected {expected}" if expected else measured
    parts = [claim.says, figures, changed(claim), *with_care]
    message = _data("\n".join(printable(part) for part in parts if part))
    title = _property(f"{claim.id} {claim.verdict} on {claim.model}")
    return f"::{level} file={_property(claim.spec)},line={claim.line},title={title}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
