"""`neuron`: which neurons separate classes or follow a dose, and what patching them does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ppcheck.errors import MeasurementError
from ppcheck.measure.check import (
    Bench,
    Check,
    Measured,
    Measurement,
    measured,
    prompt_facts,
    unit_labels,
)
from ppcheck.measure.effect import Mode, patch_effect
from ppcheck.measure.search import Search, TopField, best, exploring, keep_all
from ppcheck.measure.statistics import Auroc, Correlation, Floats
from ppcheck.spec.claim import PairsField
from ppcheck.spec.metric import MetricField
from ppcheck.spec.position import PositionField
from ppcheck.spec.prompts import PromptSet, check_labels
from ppcheck.spec.site import Site, SitesField
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.subject import Cell


class Neuron(Check):
    """What single neurons, or coordinates of a stream, tell apart, and what they do.

    auroc             probability that a prompt of the first class has the higher activation
    correlation       Spearman's correlation of the activation with the dose
    recovery, damage  effect of patching each neuron alone (with `metric`; damage in mode noise)
    cluster_recovery, cluster_damage  effect of patching the neurons together

    Every neuron named must meet the bounds. With `top` they are chosen on one half of the units, by
    |auroc - 1/2| or |correlation|, and judged on the other; one that is lower for the first class,
    or falls with the dose, is then judged with its sign turned.
    """

    family: ClassVar[str] = "neurons"
    check: Literal["neuron"]
    site: SitesField
    position: PositionField = Field(description="The token at which neurons are read and patched.")
    separates: dict[str, tuple[str, str]] | None = Field(
        None, max_length=1, description="Two classes of a variable: {feeling: [pain, pleasure]}."
    )
    dose: str | None = Field(None, description="The ordered variable that neurons may follow.")
    top: TopField = None
    metric: MetricField | None = Field(None, description="Also patch, and read this metric.")
    mode: Mode = "denoise"
    pairs: PairsField = None

    def statistic_names(self) -> tuple[str, ...]:
        share = "recovery" if self.mode == "denoise" else "damage"
        return (
            *(("auroc",) if self.separates else ()),
            *(("correlation",) if self.dose else ()),
            *((share, f"cluster_{share}") if self.metric else ()),
        )

    def problems(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        if not self.separates and not self.dose:
            yield "check", "a neuron claim needs `separates`, `dose` or both"
        yield from super().problems(prompt_set)
        for name, labels in (self.separates or {}).items():
            variable = prompt_set.vary.get(name)
            if variable is None and prompt_set.rows is None:
                yield "separates", f"{name!r} is no variable of {self.on.prompts!r}"
            try:
                check_labels(name, variable, labels)
            except ValueError as error:
                yield "separates", str(error)
        if self.metric is not None:
            yield from self.needs_pairs(prompt_set, self.pairs)

    def measure(self, bench: Bench) -> Measurement:
        sites = bench.subject.sites(self.site)
        encoded = bench.prompts(self.on)
        columns = bench.subject.capture(encoded, sites, encoded.single(self.position))
        labels = [
            str(site) if column.shape[1] == 1 else f"{site}[{coordinate}]"
            for site, column in zip(sites, columns, strict=True)
            for coordinate in range(column.shape[1])
        ]
        readings = _Readings(self, encoded, np.hstack(columns))
        search = keep_all(len(labels), len(encoded.prompts))
        if self.top is not None:
            explored = exploring([prompt.unit for prompt in encoded.prompts], bench.seed)
            search = best(readings.strength(explored), self.top, explored)
        results = [
            one
            for number in search.kept
            for one in readings.statistics(
                number,
                search,
                labels[number] if len(search.kept) > 1 or self.top is not None else None,
            )
        ]
        if self.metric is not None:
            if len(labels) != len(sites):
                raise MeasurementError(f"only neurons and heads are patched here, not {self.site}")
            results += self._effects(bench, [sites[number] for number in search.kept])
        facts = prompt_facts(encoded.prompts) | {
            "position": str(self.position),
            "searched": len(labels),
            "kept": [labels[number] for number in search.kept],
            "chance_after_correction": readings.chance(search.kept[0]),
        }
        return Measurement(tuple(results), facts, search.notes(len(labels)))

    def _effects(self, bench: Bench, sites: list[Site]) -> Iterator[Measured]:
        """Each site patched alone, then all of them together."""
        if self.metric is None:
            return
        pairs = bench.pairs(self.on, self.pairs)
        names = [prompt.unit for prompt in pairs[0].prompts]
        judged = np.ones(len(names), dtype=bool)
        if self.top is not None:
            judged = ~exploring(names, bench.seed)
        groups = [*((site,) for site in sites), tuple(sites)]
        cells = [Cell(group, self.position) for group in groups]
        effect = patch_effect(bench, pairs, cells, self.metric, self.mode)
        units = unit_labels(names)
        texts = [p.text for p, kept in zip(pairs[0].prompts, judged, strict=True) if kept]
        share = "recovery" if self.mode == "denoise" else "damage"
        for number, site in enumerate(sites):
            member = str(site) if len(sites) > 1 else None
            yield measured(effect.ratio(number, judged, units, share, member), texts)
        cluster = effect.ratio(len(sites), judged, units, f"cluster_{share}", None)
        yield measured(cluster, texts)


@dataclass(frozen=True, eq=False)
class _Readings:
    """Activations [prompt, candidate] beside the classes and doses of their prompts."""

    claim: Neuron
    encoded: Encoded
    activations: Floats

    @cached_property
    def classes(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which prompts have the first class, and which have either."""
        ((name, labels),) = (self.claim.separates or {"": ("", "")}).items()
        found = [prompt.words[name].label for prompt in self.encoded.prompts]
        first = np.array([label == labels[0] for label in found])
        second = np.array([label == labels[1] for label in found])
        if not first.any() or not second.any():
            raise MeasurementError(f"`{self.claim.on}` has not both classes {labels} of {name!r}")
        return first, first | second

    @cached_property
    def doses(self) -> Floats:
        name = self.claim.dose or ""
        doses = [prompt.words[name].dose for prompt in self.encoded.prompts]
        if any(dose is None for dose in doses):
            raise MeasurementError(f"`{self.claim.on}` has prompts without a dose of {name!r}")
        return np.array(doses, dtype=np.float64)

    @cached_property
    def units(self) -> NDArray[np.int64]:
        return unit_labels([prompt.unit for prompt in self.encoded.prompts])

    def strength(self, examples: NDArray[np.bool_]) -> Floats:
        """The larger of |2 auroc - 1| and |correlation| on some of the examples, [candidate]."""
        strengths = np.zeros(self.activations.shape[1])
        if self.claim.separates:
            first, either = self.classes
            here = examples & either
            aurocs = auroc(self.activations[here], first[here])
            strengths = np.maximum(strengths, np.abs(2 * aurocs - 1))
        if self.claim.dose:
            signs = spearman(self.activations[examples], self.doses[examples])
            strengths = np.maximum(strengths, np.abs(signs))
        return strengths

    def statistics(self, number: int, search: Search, member: str | None) -> Iterator[Measured]:
        column, explored = self.activations[:, number], ~search.judged
        texts = np.array([prompt.text for prompt in self.encoded.prompts], dtype=object)
        if self.claim.separates:
            first, either = self.classes
            here, looked = search.judged & either, explored & either
            turned = looked.any() and auroc(column[looked, None], first[looked])[0] < 0.5
            scores = -column if turned else column
            statistic = Auroc(scores[here], first[here], self.units[here], "auroc", member)
            places = placements(scores[here], first[here])
            yield measured(statistic, texts[here], places)
        if self.claim.dose:
            here = search.judged
            turned = explored.any() and (
                spearman(column[explored, None], self.doses[explored])[0] < 0
            )
            values = -column if turned else column
            doses, units = self.doses[here], self.units[here]
            statistic_ = Correlation(doses, values[here], units, "correlation", member)
            yield measured(statistic_, texts[here], pulls(doses, values[here]))

    def chance(self, number: int) -> dict[str, Any]:
        """Bonferroni-corrected p over all candidates, from one mean a unit and class."""
        from scipy.stats import mannwhitneyu

        if not self.claim.separates:
            return {}
        first, either = self.classes
        column = self.activations[:, number]
        sides = [
            [column[mask & (self.units == unit)].mean() for unit in np.unique(self.units[mask])]
            for mask in (first, either & ~first)
        ]
        p = float(mannwhitneyu(*sides).pvalue)
        searched = self.activations.shape[1]
        return {"p": p, "searched": searched, "corrected_p": min(1.0, p * searched)}


def auroc(activations: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Mann-Whitney's probability for each column of [example, candidate]; 1/2 for one class."""
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return np.full(activations.shape[1], 0.5)
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
    correlation: Floats = np.divide(
        steps @ ranks, scale, out=np.zeros(ranks.shape[1]), where=scale > 0
    )
    return correlation


def placements(scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """For each example the share of the other class on its right side: their mean is the auroc."""
    above = (scores[:, None] > scores[None, :]) + 0.5 * (scores[:, None] == scores[None, :])
    own = np.where(positive, above[:, ~positive].mean(axis=1), 1 - above[:, positive].mean(axis=1))
    places: Floats = own
    return places


def pulls(doses: Floats, values: Floats) -> Floats:
    """For each example the product of its standardised ranks: their mean is the correlation."""
    from scipy.stats import rankdata, zscore

    product: Floats = np.nan_to_num(zscore(rankdata(doses)) * zscore(rankdata(values)))
    return product
