"""What one component sends to another, as text: ``L0H2 -> L1H1.v``, ``embed -> L0H*``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, shown
from ppcheck.spec.sites.receiver import LOGITS, Receivers
from ppcheck.spec.sites.site import Kind, Site, Sites

FORMS = "embed -> L0H*, L0H2 -> L1H1.v, mlp_out.L0 -> mlp_out.L1, L1H1 -> logits"
SENDERS = frozenset({Kind.EMBED, Kind.HEAD, Kind.MLP_OUT})
_ARROW = re.compile(r"\s*(?:->|→)\s*")


@dataclass(frozen=True)
class Edge:
    """The stream's part of what ``receiver`` reads that ``sender`` has written.

    The sender is the embedding, a head or an MLP; the receiver a head's query, key or value, an
    MLP, or None for the logits.
    """

    sender: Site
    receiver: Site | None

    def __str__(self) -> str:
        return f"{self.sender} → {self.receiver or LOGITS}"


@dataclass(frozen=True)
class EdgePattern:
    """One written arrow: every edge from the sender's sites to later ones of the receiver's."""

    senders: Sites
    receivers: Receivers

    @classmethod
    def parse(cls, value: Any) -> EdgePattern:
        ends = _ARROW.split(value.strip()) if isinstance(value, str) else []
        if len(ends) != 2:
            raise ValueError(f"an edge is sender -> receiver: {FORMS}; got {shown(value)}")
        pattern = cls(Sites.parse(ends[0]), Receivers.parse(ends[1]))
        if pattern.sender_kind not in SENDERS:
            raise ValueError(
                f"{ends[0]} is not a sender: write embed, a head such as L0H2, or mlp_out"
            )
        return pattern

    @property
    def sender_kind(self) -> Kind:
        return self.senders.patterns[0].kind

    def __str__(self) -> str:
        return f"{self.senders} → {self.receivers}"


@dataclass(frozen=True)
class Edges:
    """All arrows that a claim names, as written."""

    patterns: tuple[EdgePattern, ...]

    @classmethod
    def parse(cls, value: Any) -> Edges:
        words = value if isinstance(value, list) else [value]
        if not words:
            raise ValueError(f"name at least one edge: {FORMS}")
        return cls(tuple(map(EdgePattern.parse, words)))

    def __iter__(self) -> Iterator[EdgePattern]:
        return iter(self.patterns)

    def __str__(self) -> str:
        texts = list(map(str, self.patterns))
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


EdgesField = Annotated[
    Edges, Parsed(Edges.parse, f"An edge, or a list of edges: {FORMS}", TEXT_OR_LIST)
]
