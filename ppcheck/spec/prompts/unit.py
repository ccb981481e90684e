"""Which examples are independent: none of one unit, and none of units that share an example."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence


def merged(units: Sequence[str], *examples: Sequence[Hashable]) -> list[str]:
    """The unit of each example, where units that share an example are one.

    An example is what all of ``examples`` say of it, each [example]: its tokens, or those of both
    prompts of a pair. Units that are one go by the first of their names in the alphabet, in
    whatever order they come.
    """
    above = {unit: unit for unit in units}

    def top(unit: str) -> str:
        while above[unit] != unit:
            above[unit] = above[above[unit]]
            unit = above[unit]
        return unit

    first: dict[Hashable, str] = {}
    for unit, example in zip(units, zip(*examples, strict=True), strict=True):
        one, other = sorted((top(unit), top(first.setdefault(example, unit))))
        above[other] = one
    return [top(unit) for unit in units]


def halves(
    units: Sequence[str], texts: Sequence[str], order: Callable[[str], bytes]
) -> tuple[set[str], set[str]]:
    """The units of either half, every other one in their ``order``.

    Units with texts [example] that differ in nothing but spacing are of one half.
    """
    together = dict(zip(units, merged(units, list(map(evenly_spaced, texts))), strict=True))
    in_turn = list(dict.fromkeys(together[unit] for unit in sorted(together, key=order)))
    first = set(in_turn[::2])
    one = {unit for unit, group in together.items() if group in first}
    return one, together.keys() - one


def evenly_spaced(text: str) -> str:
    """A text with single spaces: chat templates and tokenizers may drop all others."""
    return " ".join(text.split())
