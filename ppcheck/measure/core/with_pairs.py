"""Checks that read each prompt by itself or, with `pairs`, clean minus corrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from ppcheck.errors import SpecError
from ppcheck.measure.core.check import Bench, Check, pair_texts, texts
from ppcheck.spec.problem import Problems
from ppcheck.spec.prompts.fields import ContrastField
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import Contrast, PromptSet
from ppcheck.subject.tokens.encoding import Encoded

DifferenceField = Annotated[
    dict[str, ContrastField] | None,
    Field(
        min_length=1,
        max_length=1,
        description="Clean and corrupted: what is read is then clean - corrupted, pair by pair.",
    ),
]


class WithPairs(Check):
    """A check of prompts where a claim names no `pairs`, else of differences."""

    pairs: DifferenceField = None

    @property
    def is_paired(self) -> bool:
        return self.pairs is not None

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        if self.pairs is not None:
            yield from self.needs_pairs(prompt_set, self.pairs)

    def advice(self, grid: Grid) -> Iterator[str]:
        yield from super().advice(grid)
        own = grid.prompt_set.pairs
        if self.pairs is None and own and _has_pairs(grid, self, own):
            yield (
                "what it reads may be there in corrupted prompts, too: "
                f"`pairs: {_written(own)}` reads what differs"
            )

    def examples_in(self, grid: Grid) -> Sequence[Prompt]:
        return self.sides(grid)[0]

    def encoded_sides(self, bench: Bench) -> tuple[Encoded, ...]:
        """The prompts, or clean ones and their corrupted twins."""
        return (bench.prompts(self.on),) if self.pairs is None else bench.pairs(self.on, self.pairs)


def side_texts(sides: Sequence[Encoded]) -> list[str]:
    """Each prompt, or each pair, as a person reads it."""
    clean, *corrupted = (side.prompts for side in sides)
    return pair_texts(clean, corrupted[0]) if corrupted else texts(clean)


def _has_pairs(grid: Grid, claim: Check, contrast: Contrast) -> bool:
    try:
        grid.pairs(claim.on, contrast)
    except SpecError:
        return False
    return True


def _written(contrast: Contrast) -> str:
    """The pairs as a spec writes them."""
    ((name, labels),) = contrast.items()
    twin = labels if isinstance(labels, str) else f"[{', '.join(labels)}]"
    return f"{{{name}: {twin}}}"
