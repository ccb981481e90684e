"""What can be read from activations: which of two classes a prompt is of, or its dose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ppcheck.arrays import Floats, Labels, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import StatisticResult, doses_of, statistic_result, texts, units_of
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.statistics.statistics import Auroc, Correlation


class Trait(Protocol):
    """Something that prompts differ in, and that single activations may follow."""

    def follows(self, activations: Floats, looked: Mask) -> Floats:
        """How closely each column of [prompt, candidate] follows it over some of the prompts.

        From -1 to 1, [candidate]; 0 is not at all. Raises MeasurementError where these prompts do
        not differ in it.
        """
        ...

    def result(self, activation: Floats, judged: Mask, member: str | None) -> StatisticResult:
        """The statistic of one candidate's ``activation`` [prompt]; raises as `follows` does."""
        ...

    def groups(self, judged: Mask) -> dict[str, Mask]:
        """Those of the judged prompts that it does not separate, by what they are."""
        ...


@dataclass(frozen=True, eq=False)
class _Prompts:
    prompts: tuple[Prompt, ...]

    @cached_property
    def units(self) -> Labels:
        return units_of(self.prompts)

    def texts(self, mask: Mask) -> list[str]:
        return texts([self.prompts[number] for number in np.flatnonzero(mask)])


@dataclass(frozen=True, eq=False)
class Classes(_Prompts):
    """Prompts of two classes; those of neither are left out."""

    labels: tuple[str, str]
    first: Mask
    second: Mask

    @classmethod
    def of(cls, prompts: Sequence[Prompt], variable: str, labels: tuple[str, str]) -> Classes:
        if any(variable not in prompt.words for prompt in prompts):
            raise MeasurementError(f"the prompts have no variable {variable!r}")
        found = np.array([prompt.words[variable].label for prompt in prompts])
        return cls(tuple(prompts), labels, found == labels[0], found == labels[1])

    def follows(self, activations: Floats, looked: Mask) -> Floats:
        here = self._both(looked)
        return 2 * auroc(activations[here], self.first[here]) - 1

    def result(self, activation: Floats, judged: Mask, member: str | None) -> StatisticResult:
        here = self._both(judged)
        scores, first = activation[here], self.first[here]
        statistic = Auroc(scores, first, self.units[here], "auroc", member)
        return statistic_result(statistic, self.texts(here), placements(scores, first))

    def groups(self, judged: Mask) -> dict[str, Mask]:
        return {self.labels[0]: judged & self.first, self.labels[1]: judged & self.second}

    def chance(self, activation: Floats, searched: int) -> dict[str, Any]:
        """Mann-Whitney's p, from one mean a unit and class, Bonferroni-corrected over a search."""
        from scipy.stats import mannwhitneyu

        sides = [
            [activation[side & (self.units == unit)].mean() for unit in np.unique(self.units[side])]
            for side in (self.first, self.second)
        ]
        p = float(mannwhitneyu(*sides).pvalue)
        return {"p": p, "searched": searched, "corrected_p": min(1.0, p * searched)}

    def _both(self, mask: Mask) -> Mask:
        if not (mask & self.first).any() or not (mask & self.second).any():
            raise MeasurementError(f"{mask.sum()} prompts do not have both classes")
        both: Mask = mask & (self.first | self.second)
        return both


@dataclass(frozen=True, eq=False)
class Doses(_Prompts):
    """Prompts with the dose of each, [prompt]."""

    doses: Floats

    @classmethod
    def of(cls, prompts: Sequence[Prompt], variable: str) -> Doses:
        return cls(tuple(prompts), doses_of(prompts, variable))

    def follows(self, activations: Floats, looked: Mask) -> Floats:
        return spearman(activations[looked], self._several(looked))

    def result(self, activation: Floats, judged: Mask, member: str | None) -> StatisticResult:
        doses, values = self._several(judged), activation[judged]
        statistic = Correlation(doses, values, self.units[judged], "correlation", member)
        return statistic_result(statistic, self.texts(judged), rank_products(doses, values))

    def groups(self, judged: Mask) -> dict[str, Mask]:
        steps = np.unique(self.doses[judged]).tolist()
        return {f"dose {dose:g}": judged & (self.doses == dose) for dose in steps}

    def _several(self, mask: Mask) -> Floats:
        if len(np.unique(self.doses[mask])) < 2:
            raise MeasurementError(f"{mask.sum()} prompts have not two doses to follow")
        return self.doses[mask]


def auroc(activations: Floats, positive: Mask) -> Floats:
    """Mann-Whitney's probability for each column of [example, candidate]."""
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    wins = rankdata(activations, axis=0)[positive].sum(axis=0) - n * (n + 1) / 2
    probability: Floats = wins / (n * m)
    return probability


def spearman(activations: Floats, doses: Floats) -> Floats:
    """Spearman's correlation of each column of [example, candidate] with the doses; flat is 0."""
    from scipy.stats import rankdata

    ranks = rankdata(activations, axis=0)
    ranks -= ranks.mean(axis=0)
    steps = rankdata(doses) - (len(doses) + 1) / 2
    scale = np.sqrt((ranks**2).sum(axis=0) * (steps**2).sum())
    flat = np.zeros(ranks.shape[1])
    correlation: Floats = np.divide(steps @ ranks, scale, out=flat, where=scale > 0)
    return correlation


def placements(scores: Floats, positive: Mask) -> Floats:
    """For each example the share of the other class on its right side: their mean is the auroc."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    below = np.empty_like(ranks)
    for side in (positive, ~positive):
        below[side] = (ranks[side] - rankdata(scores[side])) / (~side).sum()
    places: Floats = np.where(positive, below, 1 - below)
    return places


def rank_products(doses: Floats, values: Floats) -> Floats:
    """For each example the product of its standardised ranks: their mean is the correlation."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(doses), rankdata(values)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = ranks.std(axis=1, keepdims=True)
    product: Floats = (ranks / np.where(spread > 0, spread, 1)).prod(axis=0)
    return product
