"""Which edges of a model bring what a clean prompt says."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.spec.edge import Edge


@dataclass(frozen=True)
class Wiring:
    """With ``keeps`` these edges alone are clean and all others corrupted; without, the reverse.

    Either way may say the same; the work grows with the number of ``edges``.
    """

    edges: frozenset[Edge]
    keeps: bool
