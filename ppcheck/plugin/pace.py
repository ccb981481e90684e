"""How far a run is, and how long it still takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """Claims of a run, by check, and how many seconds those took that are through."""

    left: Counter[str]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, checks: Iterable[str]) -> Pace:
        return cls(Counter(checks))

    @property
    def done(self) -> int:
        return sum(map(len, self.seconds.values()))

    @property
    def total(self) -> int:
        return self.done + self.left.total()

    def finish(self, check: str, seconds: float) -> None:
        self.left[check] -= 1
        self.seconds.setdefault(check, []).append(seconds)

    def leave_out(self, check: str) -> None:
        """Take note that a claim of this check is not measured."""
        self.left[check] -= 1

    def expected(self, check: str) -> float | None:
        """Seconds that a claim of this check takes: the mean of such, or else of all claims."""
        known = self.seconds.get(check) or [each for some in self.seconds.values() for each in some]
        return sum(known) / len(known) if known else None

    def remaining(self, check: str, spent: float) -> float | None:
        """Seconds until all are through, of which one of ``check`` has taken ``spent`` so far."""
        left = {each: count for each, count in self.left.items() if count}
        of_one = {each: self.expected(each) for each in left}
        if None in of_one.values():
            return None
        whole = sum(count * (of_one[each] or 0) for each, count in left.items())
        return whole - min(spent, of_one.get(check) or 0)
