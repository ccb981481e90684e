"""Interventions that take nothing from another prompt: an activation set, moved, or projected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site


class Operation(StrEnum):
    """What becomes of an activation h, given a vector v."""

    SET = "set"  # v
    ADD = "add"  # h + v
    REMOVE = "remove"  # h - (h.v) v / (v.v)


@dataclass(frozen=True, eq=False)
class Edit:
    """One operation on a site, at the tokens of a position.

    ``vector`` is [width], the same everywhere; [token, width], one for each of the position's
    tokens; or [prompt, token, width], of which a prompt with fewer tokens takes the first. The
    width is d_head for heads and their q, k and v, 1 for neurons, d_model for streams. Raises
    ValueError for a pattern, which has no vector at a token, for another shape, for a value that is
    not finite, and for a direction of no length to remove.
    """

    site: Site
    position: Position
    operation: Operation
    vector: Floats

    def __post_init__(self) -> None:
        if self.site.kind is Kind.PATTERN:
            raise ValueError(f"{self.site} is not a vector at a token, and cannot be edited")
        if not 1 <= self.vector.ndim <= 3:
            raise ValueError(f"{self.site}: a vector of shape {self.vector.shape} has no meaning")
        if self.vector.ndim < 3 and not np.isfinite(self.vector).all():
            raise ValueError(f"{self.site}: the vector is not finite")
        if self.operation is Operation.REMOVE and not self.vector.any(axis=-1).all():
            raise ValueError(f"{self.site}: a direction of no length cannot be removed")

    def at(self, prompt: int, tokens: int) -> Floats:
        """The vectors for one prompt with so many tokens at the position, [token, width].

        Raises MeasurementError where there are not that many.
        """
        vectors = self.vector[prompt] if self.vector.ndim == 3 else self.vector
        if vectors.ndim == 1:
            return np.broadcast_to(vectors, (tokens, len(vectors)))
        if len(vectors) < tokens or (self.vector.ndim == 2 and len(vectors) > tokens):
            raise MeasurementError(
                f"{self.site} has vectors for {len(vectors)} tokens, and {self.position} is "
                f"{tokens}: prompts of different lengths need one vector for all tokens"
            )
        return vectors[:tokens]


Edits = tuple[Edit, ...]
"""Edits that are made together, each of another site or at another position."""


def check_once(cells: Sequence[Edits]) -> None:
    """Raises ValueError where one site is edited twice at a position: no order is defined."""
    for cell in cells:
        if len({(edit.site, edit.position) for edit in cell}) != len(cell):
            raise ValueError("one site is edited twice at one position")
