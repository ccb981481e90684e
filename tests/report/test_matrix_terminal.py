"""An audit in the terminal."""

from __future__ import annotations

import pytest

from ppcheck.report.matrix_terminal import matrix
from tests.report.audits import audit, checkpoints, claim, falling, missing
from tests.report.runs import HOSTILE


def test_a_row_of_marks_and_from_where_to_where_it_holds() -> None:
    players = [["L1H1"], ["L1H1"], ["L1H3"], None]
    some = [*checkpoints(3), missing("demo@x", "no such revision")]
    text = matrix(audit([claim("hhm.", players)], some), colour=False, width=110)
    assert text.splitlines() == [
        "from left to right: step0, step1, step2, x",
        "specs/a.pp.yaml",
        "claim-hhm.  ✓✓→·  holds throughout; L1H1 → L1H3 at step2",
        "1 claim: 1 always holds; 1 moves to another component",
        "3 of 4 checkpoints; missing: demo@x: no such revision",
    ]


@pytest.mark.trust
def test_a_figure_that_fell_is_no_second_tick() -> None:
    text = matrix(audit([falling(0.9, 0.56, id="mover")]), colour=False, width=110)
    assert text.splitlines()[2:4] == [
        "mover  ✓▼  holds throughout; recovery 0.9 → 0.56 (-38 %) at step1",
        "1 claim: 1 always holds; 1 falls while holding",
    ]


def test_many_checkpoints_are_counted_run_by_run() -> None:
    text = matrix(audit([claim("f" * 30 + "h" * 120)]), colour=False, width=110)
    assert "step0, step1 … step149 (150 checkpoints)" in text
    assert "✗×30 ✓×120" in text
    assert "holds from step30 on" in text


def test_colour_is_beside_the_marks() -> None:
    text = matrix(audit([claim("hf")]), colour=True, width=110)
    assert "\x1b[32m✓" in text
    assert "\x1b[31m✗" in text


def test_hostile_texts_do_nothing() -> None:
    claims = [claim("hf", [[text], [text]], id=text, spec=text) for text in HOSTILE]
    some = [*checkpoints(1), missing(HOSTILE[2], HOSTILE[2])]
    text = matrix(audit(claims, some), colour=False, width=110)
    assert not set(text) & set(map(chr, [27, 0x202E, 0x2028, 0xD800]))
