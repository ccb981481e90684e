"""Claims as a table in a notebook: one piece of HTML that brings its own style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ppcheck.judge.compare import WORSE
from ppcheck.record.run import ClaimRecord
from ppcheck.report.claims import MARKS, amount, cautions, deciding, with_interval
from ppcheck.report.embedding import environment
from ppcheck.report.gate import changed
from ppcheck.report.summary import summary
from ppcheck.report.terminal import collapsed
from ppcheck.report.text import printable


def notebook(claims: Sequence[ClaimRecord]) -> str:
    """The table, for `_repr_html_`. It has no script, and every text in it is escaped."""
    groups = groupby(claims, key=lambda claim: (claim.model, claim.spec))
    template = environment().get_template("notebook.html.jinja")
    return template.render(
        summary=summary(claims),
        groups=[
            (printable(model), printable(spec), [_row(claim) for claim in collapsed(list(group))])
            for (model, spec), group in groups
        ],
        remarks=cautions(claims),
        is_compared=any(claim.comparison for claim in claims),
    )


@dataclass(frozen=True)
class _Row:
    """What the template shows of a claim. ``reason`` stands in place of figures."""

    verdict: str
    mark: str
    name: str
    says: str
    statistic: str
    estimate: str
    interval: str
    bound: str
    n: str
    reason: str
    change: str
    is_worse: bool


def _row(claim: ClaimRecord) -> _Row:
    name, statistic = deciding(claim) or ("", None)
    estimate, _, interval = ("", "", "") if statistic is None else _parts(with_interval(statistic))
    reason = "" if statistic else (claim.reason or "").removeprefix(f"{claim.where}: ")
    return _Row(
        verdict=str(claim.verdict),
        mark=MARKS[claim.verdict],
        name=printable(claim.id),
        says=printable(claim.says),
        statistic=printable(name),
        estimate=estimate,
        interval=interval,
        bound="" if statistic is None else printable(statistic.bound or ""),
        n="" if statistic is None else amount(statistic).removeprefix("n="),
        reason=printable(reason),
        change=changed(claim),
        is_worse=claim.comparison is not None and claim.comparison.change in WORSE,
    )


def _parts(text: str) -> tuple[str, str, str]:
    """``0.39`` and ``[0.35, 0.44]``."""
    return text.partition(" ")
