"""The map of an audit: one picture for all checkpoints, and what the records of each say in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ppcheck.record.leading import member_of
from ppcheck.record.run import ClaimRecord, StatisticRecord
from ppcheck.report.map.axes import Claims, heat_of
from ppcheck.report.map.drawn import heated, panels_of, picture
from ppcheck.report.map.panel import STATES, Cited, Panel
from ppcheck.report.map.told import Told, told
from ppcheck.report.pictures import Json

Outlines = Sequence[Sequence[ClaimRecord | None]]
"""Of each claim [claim, checkpoint] what a map needs of its record; None where it has none."""
UNSAID = "·"
"""A checkpoint at which a claim says nothing of a component."""


def outline(claim: ClaimRecord) -> ClaimRecord:
    """The record as far as a map is drawn of it, without its model and what it was compared with.

    An audit keeps one for each claim and checkpoint: examples and most that is drawn are left out.
    """
    return claim.model_copy(
        update={
            "model": "",
            "comparison": None,
            "facts": claim.facts.model_copy(update=_left_of(claim)),
            "statistics": {name: _bare(one) for name, one in claim.statistics.items()},
        }
    )


def _left_of(claim: ClaimRecord) -> dict[str, Any]:
    facts = claim.facts
    named = {*facts.set_, *facts.kept, *map(member_of, claim.statistics)}
    return {
        "effects": {name: size for name, size in facts.effects.items() if name in named},
        "maps": facts.maps if claim.check == "flow" else {},
        "extras": {key: value for key, value in facts.extras.items() if key == "position"},
        "curves": {},
        "separations": {},
        "patterns": (),
        "replies": {},
        "ranking": (),
    }


def _bare(one: StatisticRecord) -> StatisticRecord:
    return one.model_copy(update={"values": (), "units": (), "worst": ()})


def course_of(outlines: Outlines) -> Json:
    """Pictures over all ``checkpoints`` with records; a component keeps its place in all of them.

    ``states`` are the worst first. What a picture says of a checkpoint is in its citations: the
    claim's row, a digit for its state at each checkpoint, its figures where it has some of its own
    here, and the checkpoints at which the component leads.
    """
    width = max(map(len, outlines), default=0)
    claims = {
        number * width + at: claim
        for number, row in enumerate(outlines)
        for at, claim in enumerate(row)
        if claim is not None
    }
    return {
        "states": STATES,
        "checkpoints": sorted({number % width for number in claims}),
        "pictures": [
            _Course(width, drawn).picture(title, claims)
            for title, drawn in panels_of(claims, _standing)
        ],
    }


def _standing(claim: ClaimRecord) -> Told | None:
    """What the claim says, without moves since its spec: an audit compares its checkpoints."""
    found = told(claim)
    return None if found is None else replace(found, moves=())


@dataclass(frozen=True)
class _Course:
    """One picture over ``width`` checkpoints: a claim's number is row * width + checkpoint."""

    width: int
    drawn: Panel

    def picture(self, title: str, claims: Claims) -> Json:
        heats = [heat_of(claims, self._flows(at)) for at in self._all]
        return picture(title, self.drawn, self._cited) | {
            "flows": sorted({number // self.width for number in self.drawn.flows}),
            "heat": [heated(heat, self.drawn.columns) for heat in heats],
        }

    @property
    def _all(self) -> Sequence[int]:
        return range(self.width)

    def _flows(self, at: int) -> list[int]:
        return [number for number in self.drawn.flows if number % self.width == at]

    def _cited(self, claims: Sequence[Cited]) -> list[Any]:
        rows: dict[int, dict[int, Cited]] = defaultdict(dict)
        for each in claims:
            row, at = divmod(each.number, self.width)
            rows[row].setdefault(at, each)  # the worst of what the claim says comes first
        return [self._over_checkpoints(row, said) for row, said in rows.items()]

    def _over_checkpoints(self, row: int, said: Mapping[int, Cited]) -> tuple[Any, ...]:
        figures = [said[at].figure if at in said else "" for at in self._all]
        return (
            row,
            "".join(_digit(said[at].state) if at in said else UNSAID for at in self._all),
            figures if any(figures) else [],
            [at for at in self._all if at in said and said[at].leads],
        )


def _digit(state: str) -> str:
    return str(STATES.index(state) if state in STATES else len(STATES) - 1)
