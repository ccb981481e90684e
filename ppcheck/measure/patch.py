"""`patch`: activation patching at heads, their q, k, v, the residual stream, outputs, neurons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.measure.check import Bench, Check, Measurement, measured, prompt_facts, unit_labels
from ppcheck.measure.effect import Effect, Mode, patch_effect
from ppcheck.measure.search import TopField, best, exploring, keep_all
from ppcheck.measure.statistics import Mean
from ppcheck.spec.claim import PairsField
from ppcheck.spec.metric import MetricField
from ppcheck.spec.position import FINAL, PositionField
from ppcheck.spec.prompts import PromptSet
from ppcheck.spec.site import SitesField
from ppcheck.subject.subject import Cell


class Patch(Check):
    """How much of the difference between clean and corrupted prompts passes through sites.

    recovery  mode denoise: (patched - corrupted) / (clean - corrupted), sums over pairs
    damage    mode noise: (clean - patched) / (clean - corrupted), sums over pairs
    gap       mean of clean - corrupted

    Several sites are each patched alone, and every one must meet the bound; with `together` they
    are patched at once, and with `top` only those with the largest effect are judged.
    """

    family: ClassVar[str] = "patching"
    check: Literal["patch"]
    site: SitesField
    position: PositionField = FINAL
    mode: Mode = Field(description="denoise tests sufficiency, noise necessity.")
    metric: MetricField
    pairs: PairsField = None
    together: bool = Field(False, description="Patch all the sites at once.")
    top: TopField = None

    def statistic_names(self) -> tuple[str, ...]:
        return (self.statistic, "gap")

    @property
    def statistic(self) -> str:
        return "recovery" if self.mode == "denoise" else "damage"

    def problems(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        yield from super().problems(prompt_set)
        yield from self.needs_pairs(prompt_set, self.pairs)
        if self.together and self.top is not None:
            yield "top", "`top` chooses among sites patched alone: leave out `together`"
        if self.position.kind == "previous" or self.position.label is not None:
            yield "position", f"the position {self.position} has a meaning for attention only"

    def measure(self, bench: Bench) -> Measurement:
        sites = bench.subject.sites(self.site)
        pairs = bench.pairs(self.on, self.pairs)
        groups = [sites] if self.together else [(site,) for site in sites]
        cells = [Cell(group, self.position) for group in groups]
        effect = patch_effect(bench, pairs, cells, self.metric, self.mode)
        names = [prompt.unit for prompt in pairs[0].prompts]
        search = keep_all(len(cells), len(names))
        if self.top is not None:
            explored = exploring(names, bench.seed)
            search = best(effect.shares(explored), self.top, explored)
        labels = [str(self.site)] if self.together else [str(site) for site in sites]
        units = unit_labels(names)
        texts = [
            f"{one.text}  |  {other.text}"
            for one, other in zip(pairs[0].prompts, pairs[1].prompts, strict=True)
        ]
        judged = [text for text, kept in zip(texts, search.judged, strict=True) if kept]
        ratios = [
            effect.ratio(
                cell,
                search.judged,
                units,
                self.statistic,
                labels[cell] if len(cells) > 1 else None,
            )
            for cell in search.kept
        ]
        gap = measured(Mean(effect.gap, units, "gap"), texts)
        return Measurement(
            (*(measured(ratio, judged) for ratio in ratios), gap),
            self._facts(effect, labels, search.kept) | prompt_facts(*(e.prompts for e in pairs)),
            search.notes(len(cells)),
        )

    def _facts(self, effect: Effect, labels: list[str], kept: tuple[int, ...]) -> dict[str, Any]:
        shares = effect.shares(np.ones(len(effect.gap), dtype=bool))
        return {
            "mode": self.mode,
            "metric": str(self.metric),
            "linear_in_logits": self.metric.linear,
            "position": str(self.position),
            "searched": len(labels),
            "kept": [labels[cell] for cell in kept],
            "effects": {label: float(share) for label, share in zip(labels, shares, strict=True)},
        }
