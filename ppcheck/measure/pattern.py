"""How single heads attend over the tokens of one prompt: what a report shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ppcheck.measure.check import Bench
from ppcheck.spec.position import Position
from ppcheck.spec.site import Site
from ppcheck.subject.encoding import Encoded

LONGEST = 64
"""Tokens that a prompt may have to be shown: a longer one would not fit the page."""
MOST_HEADS = 4


def patterns(
    bench: Bench, encoded: Encoded, heads: Sequence[Site], query: Position, number: int
) -> list[dict[str, Any]]:
    """Attention of the first heads, token by token, from the last of ``query`` in one prompt.

    The weights of a head are over the tokens that the query can see, and sum to 1. A prompt that is
    too long to show has none.
    """
    queries = encoded.positions(query)[number]
    if not queries or queries[-1] >= LONGEST:
        return []
    at = queries[-1]
    seen = at + 1
    copies = encoded.part([number] * seen)
    shown = tuple(heads[:MOST_HEADS])
    weights = bench.subject.attention(copies, shown, [[(at, key)] for key in range(seen)])
    return [
        {
            "head": str(head),
            "from": str(query),
            "tokens": encoded.pieces(number)[:seen],
            "weights": column.tolist(),
        }
        for head, column in zip(shown, weights.T, strict=True)
    ]
