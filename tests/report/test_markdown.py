from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.comparison import compared
from ppcheck.record.run import ClaimRecord, Comparison
from ppcheck.report.github import commands
from ppcheck.report.markdown import escaped, markdown
from tests.record.test_comparison import record


def changed(shift: float, **changes: Any) -> ClaimRecord:
    new = record(shift, **changes)
    return new.model_copy(update={"comparison": compared(new, record(), "good.json")})


def test_a_summary_counts_first_and_lists_what_broke_before_everything() -> None:
    text = markdown([record(id="fine"), record(id="broken", verdict=Verdict.FAILS)])
    counts, broken, folded = (
        text.index(part) for part in ("2 claims: 1 holds, 1 fails", "broken", "<details>")
    )
    assert counts < broken < folded
    assert text.index("fine") > folded


def test_a_summary_tells_what_changed() -> None:
    text = markdown([changed(-0.15), changed(0.0)])
    assert "mechanism regressed" in text
    assert escaped("against good.json: 1 regressed, 1 unchanged") in text
    assert escaped("▼ regressed from 0.5") in text.partition("<details>")[0]


@given(st.text(min_size=1))
def test_no_text_becomes_markup_or_breaks_a_row(says: str) -> None:
    text = markdown([record(says=says, verdict=Verdict.FAILS)])
    rows = [line for line in text.splitlines() if line.startswith("| ✗")]
    assert len(rows) == 2
    for row in rows:
        shown = row.replace("<br>", "")
        assert not {"<", "`"} & {c for n, c in enumerate(shown) if n == 0 or shown[n - 1] != "\\"}


def test_an_annotation_stands_at_the_line_of_each_claim_that_broke() -> None:
    moved = Comparison(change=Change.MOVED, baseline="good.json", moved=("L1H1", "L1H3"))
    whole, *lines = commands(
        [
            record(),
            record(verdict=Verdict.FAILS, says="100 %\nof it"),
            record(verdict=Verdict.INCONCLUSIVE),
            record(verdict=Verdict.ERROR, statistics={}, reason="NaN"),
            changed(-0.15),
            record(comparison=moved),
        ]
    )
    assert whole.startswith("::error title=ppcheck::4 of 6 claims do not pass: ")
    assert [line.split(" ")[0] for line in lines] == [
        *("::error", "::warning", "::error", "::error", "::warning"),
    ]
    assert all(" file=a.pp.yaml,line=3,title=" in line for line in lines)
    assert "100 %25⏎of it" in lines[0]
    assert "moved from L1H1 to L1H3" in lines[-1]


@given(st.text(), st.text())
def test_no_text_ends_an_annotation_or_begins_another(says: str, name: str) -> None:
    _, line = commands([record(says=says, spec=name, verdict=Verdict.FAILS)])
    assert len(line.splitlines()) == 1
    assert line.startswith("::error file=")
