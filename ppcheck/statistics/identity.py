"""Who plays a role, and who was expected to."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.spec.expectations.bound import Bound


@dataclass(frozen=True)
class Identity:
    """Who is expected to play a role, and who was found to.

    The statistics called ``statistic``, one for each player expected, meet ``bound`` where it
    plays. ``strict`` says that no other will do.
    """

    role: str
    statistic: str
    bound: Bound
    found: tuple[str, ...]
    strict: bool
