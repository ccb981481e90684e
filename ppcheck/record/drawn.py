"""What a claim drew, kept so that it can be drawn beside what the claim draws later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppcheck.measure.core.facts import Facts

MOST = 4_000
"""Numbers of a claim's maps, of its curves or of its effects; more are not kept."""
_KINDS = ("maps", "curves", "effects")
_DIGITS = 4


def drawn(facts: Facts) -> Facts:
    """The maps, curves and effects of the facts."""
    held = facts.model_dump(mode="json")
    kept = {kind: held[kind] for kind in _KINDS if kind in held}
    found: Facts = Facts.read({kind: some for kind, some in kept.items() if _size(some) <= MOST})
    return found


def to_bytes(claims: Mapping[str, Facts]) -> NDArray[np.uint8]:
    """What each claim drew, as JSON with four digits, [byte]; the same drawings give the same."""
    held = {name: _rounded(drawn(claims[name]).model_dump(mode="json")) for name in sorted(claims)}
    text = json.dumps({name: some for name, some in held.items() if some}, separators=(",", ":"))
    return np.frombuffer(text.encode(), dtype=np.uint8)


def from_bytes(held: NDArray[np.uint8]) -> dict[str, dict[str, Any]]:
    """Facts by claim, as a record has them."""
    found: dict[str, dict[str, Any]] = json.loads(held.tobytes())
    return found


def _size(tree: Any) -> int:
    """How many numbers and texts it holds."""
    if isinstance(tree, dict):
        return sum(map(_size, tree.values()))
    return sum(map(_size, tree)) if isinstance(tree, list | tuple) else 1


def _rounded(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _rounded(each) for key, each in tree.items()}
    if isinstance(tree, list | tuple):
        return [_rounded(each) for each in tree]
    return float(f"{tree:.{_DIGITS}g}") if isinstance(tree, float) else tree
