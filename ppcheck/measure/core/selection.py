"""Choosing among many sites without judging on what was looked at."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Annotated

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.facts import Facts
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.unit import evenly_spaced

TopField = Annotated[
    int | None,
    Field(
        ge=1,
        description="Keep this many sites, those with the largest effect on one half of the "
        "independent units, and judge them on the other half.",
    ),
]


@dataclass(frozen=True)
class Search:
    """Which of the ``sites`` were ``kept``, best first, and the prompts ``looked_at`` for it."""

    sites: tuple[str, ...]
    kept: tuple[int, ...]
    looked_at: tuple[Prompt, ...] = ()

    def evaluation_mask(self, *sides: Sequence[Prompt]) -> Mask:
        """The prompts, or pairs, that may be judged on: no unit and no text that was looked at.

        Texts that differ in spacing alone count as one. Raises MeasurementError where none is left.
        """
        units = {prompt.unit for prompt in self.looked_at}
        texts = {evenly_spaced(prompt.text) for prompt in self.looked_at}

        def is_fresh(prompt: Prompt) -> bool:
            return prompt.unit not in units and evenly_spaced(prompt.text) not in texts

        mask = np.array([all(map(is_fresh, pair)) for pair in zip(*sides, strict=True)])
        if not mask.any():
            raise MeasurementError("`top` looked at every prompt, and none is left to judge on")
        return mask

    def member(self, site: int) -> str | None:
        """What the site's statistics are called among those of the others, if there are others."""
        return self.sites[site] if len(self.sites) > 1 else None

    @property
    def facts(self) -> Facts:
        kept = tuple(self.sites[site] for site in self.kept)
        return Facts(searched=len(self.sites), kept=kept, looked_at=len(self.looked_at))

    @property
    def notes(self) -> tuple[str, ...]:
        if not self.looked_at:
            return ()
        kept = f"{len(self.kept)} of {len(self.sites):,} sites"
        return (f"{kept} chosen on one half of the units, judged on the other",)


def search(
    sites: Sequence[str],
    prompts: Sequence[Prompt],
    top: int | None,
    seed: int,
    score: Callable[[Mask], Floats],
    classes: str | None = None,
) -> Search:
    """Keep every site or, with ``top``, those that score highest on one half of the units.

    ``score`` takes the prompts that may be looked at, [prompt], and gives [site]. See `first_half`.
    """
    if top is None:
        return Search(tuple(sites), tuple(range(len(sites))))
    looked = first_half(prompts, seed, classes)
    order = np.argsort(-score(looked), kind="stable")[:top]
    looked_at = tuple(compress(prompts, looked))
    return Search(tuple(sites), tuple(order.tolist()), looked_at)


def first_half(prompts: Sequence[Prompt], seed: int, classes: str | None = None) -> Mask:
    """The prompts of one half of the units, by a hash of their words and the seed, [prompt].

    Where units are of one class of the variable ``classes`` each, it has units of every class.
    Raises MeasurementError where there are too few units to halve.
    """
    labels: dict[str, set[str]] = defaultdict(set)
    for prompt in prompts:
        labels[prompt.unit].add("" if classes is None else prompt.words[classes].label)
    units = sorted(labels, key=lambda unit: (sorted(labels[unit]), _hash(seed, unit)))
    if len(units) < 2:
        raise MeasurementError(
            "what is chosen on one half of the units needs at least two independent units"
        )
    explored = set(units[::2])
    return np.array([prompt.unit in explored for prompt in prompts])


def _hash(seed: int, unit: str) -> bytes:
    return hashlib.sha256(f"{seed}/{unit}".encode()).digest()
