from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.plugin.pace import Pace
from ppcheck.plugin.progress import duration

CHECKS = st.sampled_from(["choice", "patch", "probe"])


def test_before_any_claim_is_through_nothing_is_said_of_the_time_left() -> None:
    pace = Pace.of(["choice", "patch"])
    assert (pace.done, pace.total) == (0, 2)
    assert pace.remaining("choice", 5) is None


def test_a_claim_takes_what_those_of_its_check_took_or_else_what_all_took() -> None:
    pace = Pace.of(["choice"] * 3 + ["patch"] * 2)
    pace.finish("choice", 2)
    pace.finish("choice", 4)
    assert pace.expected("choice") == 3
    assert pace.expected("patch") == 3
    pace.finish("patch", 60)
    assert pace.remaining("choice", 0) == 3 + 60
    assert pace.remaining("patch", 20) == 3 + 40
    assert pace.remaining("patch", 90) == 3


def test_a_claim_that_is_left_out_takes_no_time() -> None:
    pace = Pace.of(["choice", "patch"])
    pace.finish("choice", 2)
    pace.leave_out("patch")
    assert (pace.done, pace.total, pace.remaining("patch", 0)) == (1, 1, 0)


@given(st.lists(st.tuples(CHECKS, st.floats(0, 1e4)), min_size=1))
def test_once_all_claims_are_through_no_time_is_left(claims: list[tuple[str, float]]) -> None:
    pace = Pace.of(check for check, _ in claims)
    for check, seconds in claims:
        pace.finish(check, seconds)
        assert (pace.remaining(check, 0) or 0) >= 0
    assert (pace.done, pace.total, pace.remaining(claims[0][0], 0)) == (len(claims),) * 2 + (0,)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (9000, "2.5 h")],
)
def test_a_duration_is_in_the_unit_that_a_person_would_use(seconds: float, text: str) -> None:
    assert duration(seconds) == text
