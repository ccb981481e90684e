"""Attention from one position to another, and how single heads attend over one prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.facts import AttentionRow
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site
from ppcheck.subject.tokens.encoding import Encoded

Links = list[list[tuple[int, int]]]
"""For each prompt the (query, key) tokens whose attention counts."""
LONGEST = 64
"""Tokens that a prompt may have to be shown: a longer one would not fit the page."""
MOST_HEADS = 4


def patterns(
    bench: Bench, encoded: Encoded, heads: Sequence[Site], query: Position, number: int
) -> tuple[AttentionRow, ...]:
    """Attention of the first heads, token by token, from the last of ``query`` in one prompt.

    The weights of a head are over the tokens that the query can see, and sum to 1. A prompt that is
    too long to show has none.
    """
    queries = encoded.positions(query)[number]
    if not queries or queries[-1] >= LONGEST:
        return ()
    at = queries[-1]
    seen = at + 1
    copies = encoded.part([number] * seen)
    shown = tuple(heads[:MOST_HEADS])
    weights = bench.subject.attention(copies, shown, [[(at, key)] for key in range(seen)])
    tokens = tuple(encoded.pieces(number)[:seen])
    return tuple(
        AttentionRow(head=str(head), from_=str(query), tokens=tokens, weights=column.tolist())
        for head, column in zip(shown, weights.T, strict=True)
    )


def links(encoded: Encoded, query: Position, keys: Position) -> Links:
    """For each prompt the (query, key) token pairs whose attention counts."""
    queries = encoded.positions(query)
    if keys.kind == "previous":
        return [[(q, q - 1) for q in row if q > 0] for row in queries]
    return [
        [(q, k) for q in row for k in seen if k <= q]
        for row, seen in zip(queries, encoded.positions(keys), strict=True)
    ]


def uniform(links: Links) -> Floats:
    """The attention that a head pays along the links if it looks at all tokens alike, [prompt].

    NaN where a prompt has no links.
    """
    shares = []
    for some in links:
        queries = Counter(query for query, _ in some)
        paid = [count / (query + 1) for query, count in queries.items()]
        shares.append(np.mean(paid) if paid else np.nan)
    return np.array(shares)
