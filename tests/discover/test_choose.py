"""The few findings that matter."""

from __future__ import annotations

from ppcheck.discover.choose import chosen
from ppcheck.discover.finding import Finding
from ppcheck.discover.search import Part


def part(title: str, **phases: int) -> Part:
    found = [
        Finding(phase, {"id": f"{title}-{phase}-{number}"}, "")
        for phase, count in phases.items()
        for number in range(count)
    ]
    return Part(title, "game", tuple(found), ())


def ids(parts: tuple[Part, ...]) -> list[str]:
    return [finding.id for one in parts for finding in one.findings]


def test_each_phase_gives_its_best_before_another_gives_its_second() -> None:
    found = chosen([part("x", blocks=5, circuit=1)], 3)
    assert ids(found) == ["x-blocks-0", "x-blocks-1", "x-circuit-0"]


def test_each_effect_gives_its_best_before_another_gives_its_second() -> None:
    found = chosen([part("x", blocks=3), part("y", blocks=3)], 3)
    assert ids(found) == ["x-blocks-0", "x-blocks-1", "y-blocks-0"]


def test_what_tells_most_is_kept_where_there_is_room_for_one() -> None:
    assert ids(chosen([part("x", paths=1, heads=1, answers=1)], 1)) == ["x-answers-0"]


def test_with_room_for_all_all_are_kept_in_order() -> None:
    parts = [part("x", contrast=2, heads=4), part("y", heads=2)]
    assert ids(chosen(parts, 8)) == ids(tuple(parts))
