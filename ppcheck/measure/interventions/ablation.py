"""What a metric is while activations are set to zero, to a mean, or to another prompt's."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.metrics import beside, least_gap, own_readout, settled
from ppcheck.measure.interventions.estimate import Intervening
from ppcheck.spec.expectations.metric import Metric, Metrics, Reading
from ppcheck.spec.expectations.range import SHARE, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.statistics.statistics import Gap
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded, Layout
from ppcheck.subject.tokens.tokenizer import Ids

AblationKind = Literal["zero", "mean", "resample"]
MeanOver = Literal["position", "pooled"]
Weights = Literal["raw", "folded"]
WeightsField = Annotated[
    Weights,
    Field(
        description="What zero is for heads and their values: that of the weights as they are "
        "stored (raw), or of weights that TransformerLens has folded: what biases alone make of a "
        "head then stands in attention's bias, and stays."
    ),
]
ONLY_FOR: dict[str, tuple[str, ...]] = {
    "weights": ("zero",),
    "reference": ("mean", "resample"),
    "by": ("mean",),
    "draws": ("resample",),
}
Replacements = tuple[list[int], Mapping[Site, Floats]]
"""Prompts by number, and what their activations are set to: [token, width] or [width]."""
_Size = tuple[int, Layout]
"""A prompt's number of tokens, and the layout of those at a position."""
OF_SHARES = (Reading.LOGIT_DIFF, Reading.P, Reading.PROB)
"""Metrics of which a share has a meaning: their zero is that nothing is preferred."""


def ablated_statistics(metrics: Metrics, **more: Range) -> dict[str, Range]:
    """The statistics of ablated runs in each metric."""
    found: dict[str, Range] = {}
    for metric in metrics:
        share = {"drop_share": SHARE} if metric.reading in OF_SHARES else {}
        every = {"drop": metric.change, **share, "value": metric.range, **more}
        every |= {"untouched": metric.range}
        found |= {metrics.name(name, metric): each for name, each in every.items()}
    return found


@dataclass(frozen=True, eq=False)
class Ablation:
    """One kind of ablation. ``reference`` are the prompts that a mean, or a sample, comes from.

    ``weights`` say what zero is.
    """

    kind: AblationKind
    reference: Encoded
    by: MeanOver
    draws: int
    weights: Weights = "raw"

    def source(self, named: str) -> dict[str, Any]:
        """What takes the place of activations, from the prompts so ``named``."""
        if self.kind == "zero":
            return {} if self.weights == "raw" else {"weights": self.weights}
        count = {"by": self.by} if self.kind == "mean" else {"draws": self.draws}
        return {"reference": named, "reference_prompts": len(self.reference), **count}


@dataclass(frozen=True, eq=False)
class Ablated:
    """A metric on untouched and on ablated runs, [prompt] and [cell, prompt].

    Rounding may move each value by ``step``; an ablated run that differs from the untouched one by
    no more is the untouched one.
    """

    untouched: Floats
    ablated: Floats
    step: float

    @classmethod
    def of(cls, untouched: Floats, ablated: Floats, step: float) -> Ablated:
        return cls(untouched, settled(ablated, untouched, step), step)

    @property
    def drops(self) -> Floats:
        """How much lower the metric is when ablated, [cell, prompt]."""
        return np.asarray(self.untouched - self.ablated)

    def gap_of(self, name: str) -> Gap:
        """What a statistic called ``name`` is a share of: the untouched metric."""
        size, least = abs(float(self.untouched.mean())), least_gap(self.untouched)
        return Gap(beside(name, "untouched"), size, least)


def ablation_problems(given: Collection[str], kind: str) -> Problems:
    """What is wrong with the fields that are ``given`` beside a kind of ablation."""
    for key, kinds in ONLY_FOR.items():
        if key in given and kind not in kinds:
            yield Problem(
                key, f"`{key}` has a meaning for ablation {' or '.join(kinds)}, not for {kind}"
            )


def ablate(
    bench: Bench,
    encoded: Encoded,
    cells: Sequence[Cell],
    metric: Metric,
    ablation: Ablation,
    under: Intervening | None = None,
) -> Ablated:
    """Run every cell on every prompt, ``under`` estimates if not the model itself.

    All cells have one position.

    Raises MeasurementError where the reference has no prompt of the length that is needed, and for
    choices of several tokens.
    """
    pool = bench.grid.prompt_set.pool
    reader = own_readout(bench.subject, encoded, metric, pool)
    untouched, step = bench.subject.read(encoded, reader), bench.step(metric)
    under = under or bench.subject
    if ablation.kind == "resample":
        draws = (
            under.patch(encoded, bench.subject.encode(source), cells, reader)
            for source in sources(encoded, ablation, cells[0].position, bench.seed)
        )
        return Ablated.of(untouched, np.mean(list(draws), axis=0), step)
    ablated = np.empty((len(cells), len(encoded)))
    for numbers, vectors in _parts(bench, encoded, cells, ablation):
        part = bench.subject.encode([encoded.prompts[number] for number in numbers])
        edits = [
            tuple(Edit(site, cell.position, Operation.SET, vectors[site]) for site in cell.sites)
            for cell in cells
        ]
        own = own_readout(bench.subject, part, metric, pool)
        ablated[:, numbers] = under.intervene(part, edits, own)
    return Ablated.of(untouched, ablated, step)


def sources(
    encoded: Encoded, ablation: Ablation, position: Position, seed: int
) -> list[list[Prompt]]:
    """For each draw and prompt another prompt of the reference, [draw][prompt].

    It has as many tokens, in all and at the position, part by part. Prompts of one length stand in
    a circle, in an order that the seed names, and each takes those that follow it: over a set of
    its own, each draw is a derangement. Raises MeasurementError for a prompt that has no other of
    its length.
    """
    reference = ablation.reference
    sizes = _sizes(reference, position)
    circles: dict[_Size, dict[Ids, Prompt]] = defaultdict(dict)
    for number in _shuffled(reference.prompts, seed):
        circles[sizes[number]].setdefault(reference.ids[number], reference.prompts[number])
    in_turn = {size: list(circle.values()) for size, circle in circles.items()}
    places = {size: {ids: n for n, ids in enumerate(circle)} for size, circle in circles.items()}
    drawn: list[list[Prompt]] = [list(encoded.prompts) for _ in range(ablation.draws)]
    sizes, turns = _sizes(encoded, position), defaultdict[_Size, int](int)
    for number in _shuffled(encoded.prompts, seed):
        size, ids = sizes[number], encoded.ids[number]
        circle, own = in_turn.get(size, []), places.get(size, {}).get(ids)
        others = len(circle) - (own is not None)
        if others < 1:
            there = len(encoded.positions(position)[number])
            raise MeasurementError(
                f"no other prompt of the reference has the {size[0]} tokens of "
                f"{encoded.prompts[number].text!r}, {there} of them at {position}, "
                "to take activations from"
            )
        start = turns[size] if own is None else own + 1
        turns[size] += 1
        for draw in range(ablation.draws):
            drawn[draw][number] = circle[(start + draw % others) % len(circle)]
    return drawn


def _parts(
    bench: Bench, encoded: Encoded, cells: Sequence[Cell], ablation: Ablation
) -> Iterator[Replacements]:
    """Means by position are of prompts that have the same tokens there, as a layout says."""
    position = cells[0].position
    sites = list(dict.fromkeys(site for cell in cells for site in cell.sites))
    everyone = list(range(len(encoded)))
    if ablation.kind == "zero":
        yield everyone, _zeros(bench.subject, sites, ablation.weights)
        return
    reference, subject = ablation.reference, bench.subject
    if ablation.by == "pooled":
        means = subject.means(reference, sites, position, pooled=True)
        yield everyone, dict(zip(sites, means, strict=True))
        return
    layouts, there = encoded.layouts(position), reference.layouts(position)
    for layout in dict.fromkeys(layouts):
        alike = [p for p, one in zip(reference.prompts, there, strict=True) if one == layout]
        numbers = [number for number in everyone if layouts[number] == layout]
        if not alike:
            count = len(encoded.positions(position)[numbers[0]])
            raise MeasurementError(
                f"{position} is {count} tokens in {encoded.prompts[numbers[0]].text!r}, "
                "and no prompt of the reference has as many: take the mean `by: pooled`"
            )
        means = subject.means(subject.encode(alike), sites, position, pooled=False)
        yield numbers, dict(zip(sites, means, strict=True))


def _zeros(subject: Subject, sites: Sequence[Site], weights: Weights) -> dict[Site, Floats]:
    """What each site is set to, [width], so that it is zero in the model of these ``weights``.

    Of folded weights only heads and values are other than in the model as it is, or differ from it
    in the stream's mean alone, which every norm that centres takes away.
    """
    zeros = {site: np.zeros(subject.shape.width(site.kind)) for site in sites}
    biased = [site for site in sites if site.kind in (Kind.HEAD, Kind.VALUE)]
    if weights == "raw" or not biased:
        return zeros
    return zeros | dict(zip(biased, subject.constant_parts(biased), strict=True))


def _sizes(encoded: Encoded, position: Position) -> list[_Size]:
    lengths = map(len, encoded.ids)
    return list(zip(lengths, encoded.layouts(position), strict=True))


def _shuffled(prompts: Sequence[Prompt], seed: int) -> list[int]:
    """The prompts by number, in an order that nothing but their words and the seed decide."""

    def key(number: int) -> bytes:
        return hashlib.sha256(f"{seed}/{prompts[number].text}".encode()).digest()

    return sorted(range(len(prompts)), key=key)
