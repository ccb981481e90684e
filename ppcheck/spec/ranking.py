"""In what order nodes are taken into a circuit: found by their effects, or given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed
from ppcheck.spec.site import Sites

By = Literal["effect", "size"]


@dataclass(frozen=True)
class Ranking:
    """``by`` effect (the most positive first) or by its size; or ``sites``, the best first."""

    by: By | None = None
    sites: Sites | None = None

    @classmethod
    def parse(cls, value: Any) -> Ranking:
        if value in ("effect", "size"):
            return cls(by=value)
        try:
            return cls(sites=Sites.parse(value))
        except ValueError as error:
            raise ValueError(
                f"a ranking is `effect`, `size`, or sites, best first: {error}"
            ) from None

    def __str__(self) -> str:
        return self.by or str(self.sites)


RankingField = Annotated[
    Ranking,
    Parsed(
        Ranking.parse,
        "The order in which nodes are kept: `effect` (of ablating each alone, the most positive "
        "first), `size` (of that effect), or a list of sites, best first.",
        TEXT_OR_LIST,
    ),
]
