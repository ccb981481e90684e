"""Which phases a search is asked for, and what these need of others."""

from __future__ import annotations

import pytest

from ppcheck.discover.choose import TELLING
from ppcheck.discover.only import EVERYTHING, NEEDS, Only
from ppcheck.discover.search import PHASES
from ppcheck.errors import SearchError


def only(*texts: str) -> Only:
    return Only.parse(texts, TELLING)


def test_each_phase_has_its_needs_and_all_of_them_come_before_it() -> None:
    assert NEEDS.keys() == set(TELLING)
    order = list(PHASES)
    for phase in order:
        assert set(NEEDS[phase]) <= set(order[: order.index(phase)]), phase


def test_what_a_phase_needs_is_in_its_needs_to_the_last() -> None:
    for phase, needs in NEEDS.items():
        for need in needs:
            assert set(NEEDS[need]) <= set(needs), phase


def test_names_are_given_one_by_one_or_with_commas() -> None:
    assert only("heads", "probe") == only("probe, heads")
    assert str(only("probe,heads")) == "heads, probe"


def test_without_names_everything_is_asked_for() -> None:
    assert only() == EVERYTHING
    assert all(EVERYTHING.asks(phase) and EVERYTHING.runs(phase) for phase in PHASES)


def test_what_is_needed_runs_and_is_not_asked_for() -> None:
    roles = only("roles")
    assert [phase for phase in PHASES if roles.runs(phase)] == ["flow", "heads", "roles"]
    assert [phase for phase in PHASES if roles.asks(phase)] == ["roles"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("haeds", "did you mean 'heads'?"), ("", "there is answers, "), ("heads,,probe", "phase ''")],
)
def test_a_name_that_no_phase_has_is_refused(name: str, said: str) -> None:
    with pytest.raises(SearchError, match="there is no phase") as refused:
        only(name)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "classes", "doses", "inside"),
    [
        ("answers", False, False, False),
        ("contrast", True, False, False),
        ("dose", False, True, False),
        ("probe", True, False, False),
        ("heads", True, True, True),
    ],
)
def test_differences_that_no_phase_asked_for_looks_at_are_not_followed(
    name: str, *, classes: bool, doses: bool, inside: bool
) -> None:
    one = only(name)
    assert (one.compares_classes, one.follows_doses, one.traces_doses) == (classes, doses, inside)
