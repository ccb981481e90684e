"""Since when a claim has its verdict, and what its change is a change of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.judge.verdict import Verdict
from ppcheck.record.course import ClaimKey, Course, Detail, Mark, course
from tests.report.runs import statistic

KEY = ClaimKey("a.pp.yaml", "mover", "demo")


def mark(day: int, verdict: Verdict = Verdict.HOLDS) -> Mark:
    return Mark((day, 0), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day), None, verdict)


def detail(estimate: float | None = 0.4, **changes: str | None) -> Detail:
    found = {} if estimate is None else {"recovery": statistic(estimate=estimate)}
    fields: dict[str, str | None] = {
        "says": "It moves.",
        "reason": None,
        "revision": None,
        "weights_sha256": None,
        "fingerprint": "f",
        "prompts_sha256": "p",
        "seed": "0",
        "shown": "recovery" if found else None,
    }
    return Detail(statistics=found, **fields | changes)  # type: ignore[arg-type]


def of(*details: Detail, last: int = 9) -> Course:
    return course(KEY, [mark(day) for day in range(len(details))], details, last)


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1), st.integers(1, 9))
def test_since_is_the_first_of_the_last_runs_that_agree(verdicts: list[Verdict], last: int) -> None:
    marks = [mark(day, verdict) for day, verdict in enumerate(verdicts)]
    tail = [detail() for _ in marks[-last - 1 :]]
    found = course(KEY, marks, tail, last)
    begun = marks.index(found.since)
    assert {one.verdict for one in marks[begun:]} == {verdicts[-1]}
    assert begun == 0 or marks[begun - 1].verdict is not verdicts[-1]
    assert found.streak == len(marks) - begun
    assert (found.first, found.last, found.runs) == (marks[0], marks[-1], len(marks))
    assert [point.mark for point in found.points] == marks[-last:]


def test_a_change_is_from_the_run_before_and_only_of_the_same_statistic() -> None:
    found = of(detail(0.4), detail(0.5), detail(None), detail(0.7))
    assert [point.change for point in found.points] == [None, pytest.approx(0.1), None, None]
    assert [one and one.estimate for one in found.curve] == [0.4, 0.5, None, 0.7]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"prompts_sha256": "q", "fingerprint": "g"}, "other prompts"),
        ({"seed": "1", "fingerprint": "g"}, "another seed"),
        ({"fingerprint": "g"}, "measured otherwise"),
        ({"fingerprint": None, "prompts_sha256": None}, None),
    ],
)
def test_what_else_has_changed_is_said(changes: dict[str, str | None], said: str | None) -> None:
    assert of(detail(0.4), detail(0.5, **changes)).points[1].otherwise == said
