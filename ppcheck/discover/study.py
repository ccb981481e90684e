"""What every phase is given: a prompt set, and the means to look at one half of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any, Protocol

from ppcheck.discover.draft import Prompts, Raw
from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.predict import Prediction, number
from ppcheck.discover.seen import Seen
from ppcheck.discover.trace import Effect
from ppcheck.judge.interval import MIN_UNITS

_UNDECIDED = ">= 0.123456"
"""A bound that has no part in what is measured, and that every statistic might miss."""


@dataclass(frozen=True)
class Study:
    """One prompt set in the laboratory."""

    laboratory: Laboratory
    prompts: Prompts

    @property
    def name(self) -> str:
        return self.prompts.name

    @property
    def n_layers(self) -> int:
        return self.laboratory.model.subject.shape.n_layers

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(self.prompts.prompt_set.choices)

    def look(self, check: str, on: str, expect: Sequence[str], **keys: Any) -> Seen:
        """What such a claim measures on the half that is looked at. Raises as `Laboratory.look`."""
        return self.laboratory.look(looking(check, on, expect, keys))

    def predicted(
        self, seen: Seen, name: str, member: str | None = None, shrink: float = 1.0
    ) -> Prediction:
        return Prediction(seen.estimate(name, member), self.prompts.ratio, shrink)


def looking(check: str, on: str, expect: Sequence[str], keys: Mapping[str, Any]) -> Raw:
    """A claim that is measured to look at what it gives."""
    return claim("look", "Look.", check, on, keys, dict.fromkeys(expect, _UNDECIDED))


class Phase(Protocol):
    """Looks for one kind of thing, and proposes claims."""

    def __call__(self, study: Study, effect: Effect) -> Iterator[Finding | Nothing]: ...


def figures(**seen: Prediction) -> str:
    """What was seen, for the claim's source: ``recovery 0.31 [0.29, 0.33], n=80``."""
    n = next(iter(seen.values())).seen.n
    few = f", of which {MIN_UNITS} or more are needed" if n < MIN_UNITS else ""
    return f"{', '.join(starmap(_figure, seen.items()))}, n={n}{few}"


def _figure(name: str, one: Prediction) -> str:
    seen = one.seen
    ends = "" if seen.n < MIN_UNITS else f" [{three(seen.low)}, {three(seen.high)}]"
    return f"{name} {three(seen.estimate)}{ends}"


def three(value: float) -> str:
    """To three digits."""
    return number(float(f"{value:.3g}"))


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def claim(
    id_: str, says: str, check: str, on: str, keys: Mapping[str, Any], expect: Mapping[str, str]
) -> Raw:
    """A claim's keys in the order in which they are written."""
    head = {"id": id_, "says": says, "check": check, "on": on}
    return {**head, **keys, "expect": dict(expect)}
