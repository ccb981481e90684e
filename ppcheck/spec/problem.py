"""What is wrong with a claim, and with which of its keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """``key`` may be one inside another, such as ``expect.recovery``."""

    key: str
    message: str

    @property
    def keys(self) -> list[str]:
        """The claim's own key, and the one inside it if there is one."""
        return self.key.split(".", 1)


Problems = Iterator[Problem]


def problems_with(key: str, messages: Iterable[str]) -> Problems:
    return (Problem(key, message) for message in messages)


def renamed(key: str, problems: Problems) -> Problems:
    """The same problems, with another key."""
    return problems_with(key, (problem.message for problem in problems))


def within(key: str, problems: Problems) -> Problems:
    """Problems with keys that stand inside ``key``."""
    return (Problem(f"{key}.{inner.key}", inner.message) for inner in problems)
