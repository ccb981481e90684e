"""The few findings that matter, of all that there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ppcheck.discover.finding import Finding
from ppcheck.discover.search import Part

AT_ONCE = {"contrast": 2, "dose": 2, "heads": 3, "flow": 2, "roles": 2, "induction": 2}
"""How many findings of a phase are taken before another phase gives its next; of others one."""
TELLING = (
    *("answers", "contrast", "heads", "flow", "dose", "roles", "induction", "circuit"),
    *("steering", "blocks", "probe", "paths", "neurons"),
)
"""Phases, those whose claims tell most first."""


@dataclass(frozen=True)
class _Placed:
    """Which part a finding is of, and how many of its phase were proposed before it there."""

    part: int
    place: int
    finding: Finding


def chosen(parts: Sequence[Part], most: int) -> tuple[Part, ...]:
    """The parts with the ``most`` findings that tell most, in the order in which they were found.

    Each phase gives its best before another gives its second, and each effect its best before
    another its second.
    """
    placed = list(_placed(parts))
    by_phase: dict[str, list[_Placed]] = defaultdict(list)
    for one in sorted(placed, key=lambda one: (one.place, one.part)):
        by_phase[one.finding.phase].append(one)
    turns = [
        (number // AT_ONCE.get(phase, 1), TELLING.index(phase), number, one)
        for phase, ordered in by_phase.items()
        for number, one in enumerate(ordered)
    ]
    best = sorted(turns, key=lambda turn: turn[:3])[:most]
    kept = {id(one.finding) for *_, one in best}
    return tuple(
        replace(part, findings=tuple(each for each in part.findings if id(each) in kept))
        for part in parts
    )


def _placed(parts: Sequence[Part]) -> Iterator[_Placed]:
    for number, part in enumerate(parts):
        count: dict[str, int] = defaultdict(int)
        for finding in part.findings:
            yield _Placed(number, count[finding.phase], finding)
            count[finding.phase] += 1
