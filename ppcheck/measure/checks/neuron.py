"""`neuron`: which neurons separate classes or follow a dose, and what patching them does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.check import Bench, CheckResult, StatisticResult
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.selection import Search, TopField, search
from ppcheck.measure.core.validation import (
    dose_problems,
    metric_problems,
    patch_problems,
    read_problems,
    separates_problems,
    single_problems,
    trait_faults,
)
from ppcheck.measure.interventions.effect import OF_GAP, Mode, patch_effect
from ppcheck.measure.interventions.reconstruction import reconstruction
from ppcheck.measure.probes.separation import Classes, Doses, Trait
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.metric import Metric, Metrics, MetricsField
from ppcheck.spec.expectations.range import CORRELATION, SHARE, UNIT, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import PositionField
from ppcheck.spec.sites.site import Kind, Site, SitesField
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.tokens.encoding import Encoded

MOST_SHOWN = 6
"""Neurons whose activations a report shows."""
SHOWN_QUANTILES = 50


class Neuron(ReadsAt):
    """What single neurons, features, or coordinates of a stream, separate, and what they do.

    auroc             probability that a prompt of the first class has the higher activation
    correlation       Spearman's correlation of the activation with the dose
    recovery, damage  effect of patching each neuron alone (with `metric`; damage in mode noise)
    cluster_recovery, cluster_damage  effect of patching the neurons together

    Every neuron named must meet the bounds. With `top` they are chosen on one half of the units, by
    |2 auroc - 1| or |correlation|, and judged on the other; one that is lower for the first class,
    or falls with the dose, on the half that chose it is then judged with its sign turned.
    """

    family: ClassVar[str] = "neurons"
    takes_features: ClassVar[bool] = True
    check: Literal["neuron"]
    site: SitesField
    position: PositionField = Field(description="The token at which neurons are read and patched.")
    separates: dict[str, tuple[str, str]] | None = Field(
        None, max_length=1, description="Two classes of a variable: {feeling: [pain, pleasure]}."
    )
    dose: str | None = Field(None, description="The ordered variable that neurons may follow.")
    top: TopField = None
    metric: MetricsField | None = Field(None, description="Also patch, and read this metric.")
    mode: Mode = "denoise"
    pairs: PairsField = None

    def statistics(self) -> Mapping[str, Range]:
        share = OF_GAP[self.mode]
        shares = {share: SHARE, f"cluster_{share}": SHARE}
        return {
            **({"auroc": UNIT} if self.separates else {}),
            **({"correlation": CORRELATION} if self.dose else {}),
            **(self.metric.statistics(**shares) if self.metric else {}),
        }

    def problems(self, prompt_set: PromptSet) -> Problems:
        if not self.separates and not self.dose:
            yield Problem("check", "a neuron claim needs `separates`, `dose` or both")
        yield from super().problems(prompt_set)
        yield from patch_problems(self.position)
        yield from single_problems(self.position, "neurons are read at")
        yield from read_problems(self.site)
        if self.dose is not None:
            yield from dose_problems(prompt_set, self.dose)
        yield from separates_problems(prompt_set, self.separates or {}, self.on.prompts)
        if self.metric is None and "at" in self.model_fields_set:
            yield Problem("at", "`at` is where the metric is read: name a `metric` too")
        if self.metric is not None:
            yield from self.needs_pairs(prompt_set, self.pairs)
            yield from metric_problems(prompt_set, self.metric)
            if any(pattern.kind not in (Kind.NEURON, Kind.FEATURE) for pattern in self.site):
                yield Problem(
                    "site",
                    f"`metric` patches neurons, such as L3N117, or features; got {self.site}",
                )

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        yield from trait_faults(prompts, self.dose, self.separates, str(self.on))

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        sites = bench.subject.sites(self.site)
        encoded = bench.prompts(self.on)
        prompts = encoded.prompts
        names, activations = _columns(bench, encoded, sites, encoded.single(self.position))
        traits = self._traits(prompts)

        def score(looked: Mask) -> Floats:
            strength: Floats = np.max([np.abs(t.follows(activations, looked)) for t in traits], 0)
            return strength

        classes = next(iter(self.separates or ()), None)
        found = search(names, prompts, self.top, bench.seed, score, classes)
        judged = found.evaluation_mask(prompts)
        results, chance = _followed(traits, activations, found, judged)
        facts = found.facts | Facts(
            extras={"position": str(self.position)} | chance,
            separations={
                f"activation of {names[n]} at {self.position}": _groups(
                    traits, activations[:, n], judged
                )
                for n in found.kept[:MOST_SHOWN]
            },
        )
        if self.metric is None:
            return self.result(bench, [encoded], results, facts, found.notes)
        facts |= Facts(extras={"mode": self.mode})
        pairs = bench.pairs(self.on, self.pairs, encoded)
        for metric in self.metric:
            results += self._effects(bench, pairs, found, sites, self.metric, metric)
        cost, said = reconstruction(bench, pairs[0], sites, self.position, self.metric)
        notes = (*said, *found.notes)
        return self.result(bench, [encoded], results, facts | cost, notes, pairs)

    def _traits(self, prompts: tuple[Prompt, ...]) -> list[Trait]:
        separates = (self.separates or {}).items()
        traits: list[Trait] = [Classes.of(prompts, *classes) for classes in separates]
        return traits if self.dose is None else [*traits, Doses.of(prompts, self.dose)]

    def _effects(
        self,
        bench: Bench,
        pairs: tuple[Encoded, Encoded],
        found: Search,
        sites: tuple[Site, ...],
        metrics: Metrics,
        metric: Metric,
    ) -> Iterator[StatisticResult]:
        """Each neuron that was kept patched alone, then all of them together."""
        kept = tuple(sites[number] for number in found.kept)
        groups = [*((site,) for site in kept), kept]
        cells = [Cell(group, self.position) for group in groups]
        effect = patch_effect(bench, pairs, cells, metric, self.mode)
        judged = found.evaluation_mask(*(side.prompts for side in pairs))
        name = OF_GAP[self.mode]
        share, cluster = (metrics.name(each, metric) for each in (name, f"cluster_{name}"))
        for cell, number in enumerate(found.kept):
            yield effect.share(cell, judged, share, found.member(number))
        yield effect.share(len(kept), judged, cluster, None)


def _followed(
    traits: Sequence[Trait], activations: Floats, found: Search, judged: Mask
) -> tuple[list[StatisticResult], dict[str, Any]]:
    """How the kept neurons follow each trait, and what chance alone would make of the best."""
    results: list[StatisticResult] = []
    chance: dict[str, Any] = {}
    for trait in traits:
        signs = _signs(trait, activations, judged)
        results += (
            trait.result(signs[n] * activations[:, n], judged, found.member(n)) for n in found.kept
        )
        if isinstance(trait, Classes):
            best = activations[:, found.kept[0]]
            chance["chance_after_correction"] = trait.chance(best, activations.shape[1])
    return results, chance


def _columns(
    bench: Bench, encoded: Encoded, sites: tuple[Site, ...], at: list[int]
) -> tuple[list[str], Floats]:
    """Names of all neurons, or coordinates of streams, and their activations [prompt, name]."""
    columns = bench.activations(encoded, sites, at)
    names = [
        str(site) if column.shape[1] == 1 else f"{site}[{coordinate}]"
        for site, column in zip(sites, columns, strict=True)
        for coordinate in range(column.shape[1])
    ]
    return names, np.hstack(columns)


def _groups(traits: Sequence[Trait], activation: Floats, judged: Mask) -> dict[str, list[float]]:
    """Activations of the prompts of each group, or evenly spaced quantiles where they are many."""
    groups = {name: mask for trait in traits for name, mask in trait.groups(judged).items()}
    steps = np.linspace(0, 1, SHOWN_QUANTILES)
    return {
        name: (np.quantile(some, steps) if len(some) > len(steps) else np.sort(some)).tolist()
        for name, mask in groups.items()
        if len(some := activation[mask])
    }


def _signs(trait: Trait, activations: Floats, judged: Mask) -> Floats:
    """-1 for what goes against the trait where prompts were looked at, else 1, [candidate]."""
    if judged.all():
        return np.ones(activations.shape[1])
    signs: Floats = np.where(trait.follows(activations, ~judged) < 0, -1.0, 1.0)
    return signs
