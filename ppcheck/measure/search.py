"""Choosing among many sites without judging on what was looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ppcheck.errors import MeasurementError
from ppcheck.measure.statistics import Floats

TopField = Annotated[
    int | None,
    Field(
        ge=1,
        description="Keep this many sites, those with the largest effect on one half of the "
        "independent units, and judge them on the other half.",
    ),
]


@dataclass(frozen=True)
class Search:
    """Which sites were kept, and the examples on which they may be judged.

    ``kept`` are numbers of sites, best first; ``judged`` is a mask over the examples.
    """

    kept: tuple[int, ...]
    judged: NDArray[np.bool_]

    def notes(self, searched: int) -> tuple[str, ...]:
        if self.judged.all():
            return ()
        kept = f"{len(self.kept)} of {searched:,} sites"
        return (f"{kept} chosen on one half of the units, judged on the other",)


def keep_all(sites: int, examples: int) -> Search:
    return Search(tuple(range(sites)), np.ones(examples, dtype=bool))


def exploring(units: Sequence[str], seed: int) -> NDArray[np.bool_]:
    """A mask [example] of the half of the units that may be looked at.

    Raises MeasurementError where there are too few units to halve.
    """
    names = sorted(set(units), key=lambda unit: hashlib.sha256(f"{seed}/{unit}".encode()).digest())
    if len(names) < 2:
        raise MeasurementError("`top` needs at least two independent units: one half to choose on")
    explored = set(names[::2])
    return np.array([unit in explored for unit in units])


def best(scores: Floats, top: int, explored: NDArray[np.bool_]) -> Search:
    """Keep the ``top`` sites by ``scores`` [site], which were computed on ``explored`` alone."""
    order = np.argsort(-scores, kind="stable")[:top]
    return Search(tuple(int(site) for site in order), ~explored)
