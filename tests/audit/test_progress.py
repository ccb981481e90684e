"""What is said while an audit runs."""

from __future__ import annotations

import pytest

from ppcheck.audit.progress import AuditProgress, duration
from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import Checkpoint, Status
from tests.report.runs import HOSTILE

DONE = Checkpoint(
    label="demo@tuned",
    file="demo@tuned",
    made_from="0",
    status=Status.DONE,
    seconds=31.0,
    tally={Verdict.HOLDS: 63, Verdict.MOVED: 5},
)


def test_one_line_for_each_checkpoint_with_its_tally_and_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = AuditProgress(total=3, waiting=2)
    progress(DONE)
    lost = {"status": Status.MISSING, "reason": HOSTILE[2], "label": HOSTILE[2]}
    progress(DONE.model_copy(update=lost))
    progress.close()
    kept, first, last = capsys.readouterr().out.splitlines()
    assert kept == "1 of 3 checkpoints are there already"
    assert first == "[2/3]  demo@tuned  ✓ 63  → 5  in 31 s  about 0 s left"
    assert last == (r"[3/3]  \x1b[31mred\x1b[0m  missing: \x1b[31mred\x1b[0m  took 0 s")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (89.4, "89 s"), (90, "2 min"), (5300, "88 min"), (11100, "3 h 05 min")],
)
def test_durations_are_as_rough_as_they_are_long(seconds: float, said: str) -> None:
    assert duration(seconds) == said
