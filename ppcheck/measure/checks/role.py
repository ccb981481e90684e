"""`role`: which component does something, whatever its number, and who was expected to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.attention import links, uniform
from ppcheck.measure.core.charts import site_map
from ppcheck.measure.core.check import (
    Bench,
    Check,
    CheckResult,
    StatisticResult,
    statistic_result,
    texts,
    units_of,
)
from ppcheck.measure.core.doubts import of_all_that_is_read
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import Search, search
from ppcheck.measure.core.strength import Criterion, Players, Strength, Strengths
from ppcheck.measure.core.validation import (
    attending_problems,
    heads_problems,
    metric_problems,
    patch_problems,
    whole_problems,
)
from ppcheck.measure.interventions.effect import OF_GAP, Effect, Mode, patch_effect
from ppcheck.spec.base import Model
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import PROBABILITY, SHARE, SIZE, Range
from ppcheck.spec.problem import Problem, Problems, within
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, PositionField
from ppcheck.spec.sites.site import Site, Sites, SitesField
from ppcheck.statistics.identity import Identity
from ppcheck.statistics.statistics import Mean
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.tokens.encoding import Encoded

MET = Bound.parse(">= 1")
"""The strength at which a role is played."""


class Attends(Model):
    """Attention from one position to others, as the check `attention` measures it."""

    model_config = ConfigDict(**Model.model_config, populate_by_name=True)

    query: PositionField = Field(FINAL, alias="from", description="The position that attends.")
    to: PositionField = Field(description="The tokens that are attended to.")
    at_least: float = Field(gt=0, le=1, description="Mean attention that the role takes.")


class Acts(Model):
    """An effect on a metric, as the check `patch` measures it."""

    metric: MetricsField = Field(description="Where there are several, the first is judged.")
    mode: Mode = Field(description="denoise tests sufficiency, noise necessity.")
    position: PositionField = FINAL
    at_least: float = Field(gt=0, description="Recovery, or damage, that the role takes.")

    def statistics(self) -> dict[str, Range]:
        share = {OF_GAP[self.mode]: SHARE}
        return self.metric.statistics(**share, gap=lambda metric: metric.change)


class Role(Check):
    """Whether some component plays a role: it attends as it must, acts as it must, or both.

    players     how many of the sites found on one half of the units play it on the other
    strength    of the best one found: measured / `at_least`, the smaller where there are two
    played_by   the strength of each site that is expected to play it
    attention   mean attention of the best one found
    recovery, damage  effect of patching the best one found alone (damage in mode noise)
    gap         mean of clean - corrupted

    A site plays the role where its strength is 1 or more. Sites are found, and the best of them
    chosen, on one half of the units; every statistic is of the other half.
    """

    family: ClassVar[str] = "roles"
    check: Literal["role"]
    site: SitesField = Field(Sites.parse("L*H*"), description="Where to look for players.")
    attends: Attends | None = None
    effect: Acts | None = None
    pairs: PairsField = None
    played_by: SitesField | None = Field(None, description="Who is expected to play the role.")
    identity: Literal["loose", "strict"] = Field(
        "loose", description="Whether the role may move to another site than those expected."
    )

    def statistics(self) -> Mapping[str, Range]:
        return {
            "players": SIZE,
            "strength": self._strength,
            **({"played_by": self._strength} if self.played_by else {}),
            **({"attention": PROBABILITY} if self.attends else {}),
            **(self.effect.statistics() if self.effect else {}),
        }

    @property
    def _strength(self) -> Range:
        """Attention over what is needed, or the smaller of that and an effect over its own."""
        most = 1 / self.attends.at_least if self.attends else inf
        return Range(-inf if self.effect else 0, most, open=self.attends is not None)

    @property
    def halves(self) -> bool:
        return True

    def problems(self, prompt_set: PromptSet) -> Problems:
        if self.attends is None and self.effect is None:
            yield Problem(
                "check", "a role is what a component does: it needs `attends`, `effect` or both"
            )
        yield from super().problems(prompt_set)
        if self.attends is not None:
            for key, sites in (("site", self.site), ("played_by", self.played_by)):
                yield from heads_problems(key, sites or Sites(()))
            positions = attending_problems(self.attends.query, to=self.attends.to)
            yield from within("attends", positions)
        if self.effect is not None:
            yield from self.needs_pairs(prompt_set, self.pairs)
            yield from within("effect", metric_problems(prompt_set, self.effect.metric))
            yield from within("effect", patch_problems(self.effect.position))
            yield from whole_problems(
                prompt_set, self.site, self.effect.position, self.pairs, one_decides=True
            )
        elif self.pairs is not None:
            yield Problem(
                "pairs", "pairs are patched: give the `effect` that patching them must have"
            )
        if self.identity == "strict" and self.played_by is None:
            yield Problem("identity", "strict about whom? Name them in `played_by`")

    @property
    def is_paired(self) -> bool:
        return self.effect is not None

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        sites = bench.subject.sites(self.site)
        if self.effect is not None:
            where = self.effect.position
            yield from of_all_that_is_read(bench.subject.shape, sites, where, one_decides=True)
        players = len(result.facts.players or ())
        if len(sites) > 2 and players > len(sites) / 2:
            yield f"{players} of {len(sites)} sites play the role: `at_least` asks for little"

    def measure(self, bench: Bench) -> CheckResult:
        searched = bench.subject.sites(self.site)
        expected = () if self.played_by is None else bench.subject.sites(self.played_by)
        sites = tuple(dict.fromkeys((*searched, *expected)))
        encoded = None if self.attends is None else bench.prompts(self.on)
        pairs = None if self.effect is None else bench.pairs(self.on, self.pairs, encoded)
        deeds: list[_Attention | _Acting] = []
        deeds += self._attending(bench, encoded, sites)
        deeds += self._acting(bench, pairs, sites)
        (prompts, *_) = (encoded.prompts,) if encoded else deeds[0].criterion.sides
        found = _found(searched, prompts, [deed.criterion for deed in deeds], bench.seed)
        masks = [found.evaluation_mask(*deed.criterion.sides) for deed in deeds]
        strengths = Strengths.of([deed.criterion for deed in deeds], masks)
        best = found.kept[0]
        results = [
            _of_units(Players(strengths.only(found.kept), "players")),
            _of_units(Strength(strengths, best, "strength", str(sites[best]))),
        ]
        for site in expected:
            own = Strength(strengths, sites.index(site), "played_by", str(site))
            results.append(_of_units(own))
        for deed, mask in zip(deeds, masks, strict=True):
            results += deed.results(best, mask, str(sites[best]))
        players = tuple(str(sites[n]) for n in found.kept if strengths.estimates[n] >= 1)
        facts = self._facts(deeds, sites, found, players)
        notes = list(found.notes)
        if missing := [str(site) for site in expected if str(site) not in players]:
            notes.append(f"expected and not among the players found: {', '.join(missing)}")
        sides = [side for deed in deeds for side in deed.sides]
        result = self.result(bench, sides, results, facts, notes, pairs)
        if self.played_by is None:
            return result
        name = self.id.replace("-", " ")
        identity = Identity(name, "played_by", MET, players, strict=self.identity == "strict")
        return replace(result, identity=identity)

    def _attending(
        self, bench: Bench, encoded: Encoded | None, sites: Sequence[Site]
    ) -> Iterator[_Attention]:
        if self.attends is None or encoded is None:
            return
        pairs = links(encoded, self.attends.query, self.attends.to)
        attention = bench.subject.attention(encoded, sites, pairs)
        here = np.isfinite(attention).all(axis=1)
        if not here.any():
            raise MeasurementError(
                f"none of {len(encoded)} prompts has tokens at {self.attends.to} "
                "that the query can see"
            )
        if self.attends.at_least <= (even := float(uniform(pairs)[here].mean())):
            raise MeasurementError(
                f"`at_least: {self.attends.at_least:g}` is no more than uniform attention pays to "
                f"{self.attends.to}, {even:.3g}: a head that looks at nothing would play the role"
            )
        seen, ones = encoded.part(np.flatnonzero(here).tolist()), np.ones(here.sum())
        needed, step = self.attends.at_least, bench.subject.rounding.attention
        criterion = Criterion(attention[here].T, ones, (seen.prompts,), needed, step)
        yield _Attention(criterion, (seen,))

    def _acting(
        self, bench: Bench, pairs: tuple[Encoded, Encoded] | None, sites: Sequence[Site]
    ) -> Iterator[_Acting]:
        if self.effect is None or pairs is None:
            return
        act = self.effect
        cells = [Cell((site,), act.position) for site in sites]
        effects = {m: patch_effect(bench, pairs, cells, m, act.mode) for m in act.metric}
        first = effects[act.metric.first]
        sides = tuple(side.prompts for side in pairs)
        share = act.metric.name(OF_GAP[act.mode], act.metric.first)
        gap = first.gap_of(share)
        changes = Criterion(first.changes, first.gaps, sides, act.at_least, first.step, gap)
        yield _Acting(changes, pairs, act, effects)

    def _facts(
        self,
        deeds: Sequence[_Attention | _Acting],
        sites: Sequence[Site],
        found: Search,
        players: Sequence[str],
    ) -> Facts:
        maps = {deed.name: site_map(sites, deed.criterion.shares()) for deed in deeds}
        facts = found.facts | Facts(players=tuple(players), maps=maps)
        if self.played_by is not None:
            facts |= Facts(played_by=str(self.played_by), identity=self.identity)
        if self.effect is not None:
            facts |= Facts(extras={"mode": self.effect.mode})
        return facts


@dataclass(frozen=True, eq=False)
class _Attention:
    criterion: Criterion
    sides: tuple[Encoded, ...]
    name: ClassVar[str] = "attention"

    def results(self, site: int, judged: Mask, member: str) -> Iterator[StatisticResult]:
        (prompts,) = self.criterion.sides
        some = [prompts[number] for number in np.flatnonzero(judged).tolist()]
        shown = self.criterion.shown[site, judged]
        units, step = units_of(some), self.criterion.step
        attention = Mean(shown, units, self.name, member, (0.0, 1.0), step)
        yield statistic_result(attention, texts(some))


@dataclass(frozen=True, eq=False)
class _Acting:
    criterion: Criterion
    sides: tuple[Encoded, ...]
    act: Acts
    effects: dict[Metric, Effect]

    @property
    def name(self) -> str:
        return OF_GAP[self.act.mode]

    def results(self, site: int, judged: Mask, member: str) -> Iterator[StatisticResult]:
        for metric, effect in self.effects.items():
            share, gap = (self.act.metric.name(each, metric) for each in (self.name, "gap"))
            yield effect.share(site, judged, share, member)
            yield effect.gap(gap)


def _found(
    sites: Sequence[Site], prompts: Sequence[Prompt], criteria: Sequence[Criterion], seed: int
) -> Search:
    """The sites that play the role on one half of the units, best first; if none, the best."""

    def strengths(units: set[str]) -> Floats:
        masks = [criterion.within(units) for criterion in criteria]
        return Strengths.of(criteria, masks).estimates[: len(sites)]

    def score(looked: Mask) -> Floats:
        return strengths({prompts[number].unit for number in np.flatnonzero(looked).tolist()})

    ranked = search(list(map(str, sites)), prompts, len(sites), seed, score)
    looked = strengths({prompt.unit for prompt in ranked.looked_at})
    met = tuple(number for number in ranked.kept if looked[number] >= 1)
    return replace(ranked, kept=met or ranked.kept[:1])


def _of_units(statistic: Strength | Players) -> StatisticResult:
    return statistic_result(statistic, statistic.of.units)
