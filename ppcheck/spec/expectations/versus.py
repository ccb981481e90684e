"""One member of a family against another: ``drop_share[L1H0] - drop_share[L0H1]``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ppcheck.spec.expectations.range import Range
from ppcheck.spec.grammar import suggest

_VERSUS = re.compile(r"([^\[\]]+)\[(.+)\]\s*-\s*([^\[\]]+)\[(.+)\]")


@dataclass(frozen=True)
class Versus:
    """The difference of a statistic between two ``members``: two heads, sites or neurons.

    ``statistics`` are the names on either side as written: a valid one has the same on both.
    """

    statistics: tuple[str, str]
    members: tuple[str, str]

    @classmethod
    def read(cls, name: str) -> Versus | None:
        """What a key of `expect` compares; None for one that names a single statistic."""
        match = _VERSUS.fullmatch(name.strip())
        return None if match is None else cls((match[1], match[3]), (match[2], match[4]))

    @property
    def statistic(self) -> str:
        return self.statistics[0]

    def range(self, values: Range) -> Range:
        """The values that it can have where each member's are in ``values``."""
        reach = values.high - values.low
        return Range(-reach, reach, open=values.open, usual=values.usual)

    def faults(self, known: Collection[str]) -> Iterator[str]:
        """What is wrong with it beside its members, where the claim gives the ``known``."""
        (one, other), (first, second) = self.statistics, self.members
        if one not in known:
            yield f"this claim gives no statistic {one!r}: {suggest(one, known)}"
        elif one != other:
            yield (
                f"{one!r} and {other!r} are two statistics: compare one of them between two "
                f"members, as in {one}[{first}] - {one}[{second}]"
            )
        elif first == second:
            yield f"{first} is compared with itself: name another"
