"""A run in Markdown, for a job's summary and for a comment on a change."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.claims import MARKS, cautions, cells
from ppcheck.report.gate import changed
from ppcheck.report.summary import is_broken, rank, summary
from ppcheck.report.text import printable

_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_{}[]()<>#+-.!|~@&"})


def markdown(claims: Sequence[ClaimRecord]) -> str:
    """What the run amounts to, a table of what does not pass or moved, and all folded below."""
    first, *others = map(escaped, summary(claims).lines)
    lines = [
        "### ppcheck",
        "",
        f"**{first}**",
        "",
        *(part for each in others for part in (each, "")),
    ]
    with_change = any(claim.comparison is not None for claim in claims)
    listed = sorted(filter(_is_listed, claims), key=rank)
    lines += _table(listed, with_change=with_change) if listed else []
    lines += [line for caution in cautions(claims) for line in (escaped(caution), "")]
    lines += ["<details><summary>All claims</summary>", ""]
    lines += _table(claims, with_change=with_change)
    return "\n".join([*lines, "</details>", ""])


def escaped(text: str) -> str:
    """Text from a spec, a prompt or a model, as Markdown that shows it and does nothing."""
    return printable(text).translate(_SPECIAL)


def _is_listed(claim: ClaimRecord) -> bool:
    return is_broken(claim) or claim.verdict in (Verdict.INCONCLUSIVE, Verdict.MOVED)


def _table(claims: Sequence[ClaimRecord], *, with_change: bool) -> list[str]:
    head = ["", "claim", "measured", "expected", "n", *(["change"] if with_change else [])]
    rows = [head, ["---"] * len(head), *(_row(claim, with_change=with_change) for claim in claims)]
    return [*("| " + " | ".join(row) + " |" for row in rows), ""]


def _row(claim: ClaimRecord, *, with_change: bool) -> list[str]:
    measured, expected, n = cells(claim)
    claimed = f"{escaped(claim.id)}<br>{escaped(claim.says)}"
    row = [MARKS[claim.verdict], claimed, escaped(measured), escaped(expected), escaped(n)]
    return [*row, escaped(changed(claim))] if with_change else row
