"""What a component may tell something directly: ``L2H1.q``, ``mlp_out.L3``, ``logits``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, shown
from ppcheck.spec.sites.site import Kind, SitePattern, Sites

FORMS = "L2H1.q, L2H1.k, L2H1.v, L2H1 (all three), mlp_out.L3, logits, or a list of these"
LOGITS = "logits"
_READERS = frozenset({Kind.HEAD, Kind.QUERY, Kind.KEY, Kind.VALUE, Kind.MLP_OUT})


@dataclass(frozen=True)
class Receivers:
    """Heads, their queries, keys or values, and MLPs that read the stream; and the ``logits``."""

    sites: Sites | None
    logits: bool

    @classmethod
    def parse(cls, value: Any) -> Receivers:
        words = value if isinstance(value, list) else [value]
        if not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"a receiver is {FORMS}; got {shown(value)}")
        named = [word.strip() for word in words]
        patterns = tuple(SitePattern.parse(word) for word in named if word != LOGITS)
        for pattern in patterns:
            if pattern.kind not in _READERS or pattern.before_projection:
                raise ValueError(f"{pattern} is not a receiver: write {FORMS}")
        return cls(Sites(patterns) if patterns else None, LOGITS in named)

    def __str__(self) -> str:
        words = [*map(str, self.sites or ()), *([LOGITS] if self.logits else ())]
        return words[0] if len(words) == 1 else f"[{', '.join(words)}]"


ReceiversField = Annotated[
    Receivers,
    Parsed(Receivers.parse, f"What receives: {FORMS}", TEXT_OR_LIST),
]
