"""A run in Markdown, for a job's summary and for a comment on a change."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.claims import MARKS, cautions, cells, tally
from ppcheck.report.gate import changed, headline, tally_of_changes
from ppcheck.report.text import printable

_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_{}[]()<>#+-.!|~@&"})


def markdown(claims: Sequence[ClaimRecord], gone: Sequence[str] = ()) -> str:
    """The counts, what changed, a table of what did not hold, and all claims folded below."""
    compared = [claim for claim in claims if claim.comparison is not None]
    lines = ["### ppcheck", "", f"**{escaped(tally(claims))}**", ""]
    if compared:
        name = compared[0].comparison.baseline if compared[0].comparison else ""
        lines += [escaped(headline(claims)), "", escaped(tally_of_changes(claims, name, gone)), ""]
    broken = [claim for claim in claims if _is_broken(claim)]
    lines += _table(broken, with_change=bool(compared)) if broken else []
    lines += [line for caution in cautions(claims) for line in (escaped(caution), "")]
    lines += ["<details><summary>All claims</summary>", ""]
    lines += _table(claims, with_change=bool(compared))
    return "\n".join([*lines, "</details>", ""])


def escaped(text: str) -> str:
    """Text from a spec, a prompt or a model, as Markdown that shows it and does nothing."""
    return printable(text).translate(_SPECIAL)


def _is_broken(claim: ClaimRecord) -> bool:
    if claim.comparison is not None and claim.comparison.change is Change.REGRESSED:
        return True
    return claim.verdict not in (Verdict.HOLDS, Verdict.NOT_APPLICABLE)


def _table(claims: Sequence[ClaimRecord], *, with_change: bool) -> list[str]:
    head = ["", "claim", "measured", "expected", "n", *(["change"] if with_change else [])]
    rows = [head, ["---"] * len(head), *(_row(claim, with_change=with_change) for claim in claims)]
    return [*("| " + " | ".join(row) + " |" for row in rows), ""]


def _row(claim: ClaimRecord, *, with_change: bool) -> list[str]:
    measured, expected, n = cells(claim)
    told = f"{escaped(claim.id)}<br>{escaped(claim.says)}"
    row = [MARKS[claim.verdict], told, escaped(measured), escaped(expected), escaped(n)]
    return [*row, escaped(changed(claim))] if with_change else row
