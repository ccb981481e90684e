"""`attention`: how much heads attend from one position to the tokens of one class or another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.attention import links, patterns, uniform
from ppcheck.measure.core.check import (
    Bench,
    Check,
    CheckResult,
    StatisticResult,
    statistic_result,
    texts,
    unit_labels,
    units_of,
)
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import TopField, search
from ppcheck.measure.core.validation import attending_problems, heads_problems
from ppcheck.spec.base import Model
from ppcheck.spec.expectations.range import DIFFERENCE, PROBABILITY, Range
from ppcheck.spec.problem import Problems
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, Position, PositionField
from ppcheck.spec.sites.site import SitesField
from ppcheck.statistics.statistics import Mean
from ppcheck.subject.tokens.encoding import Encoded


class Attention(Check):
    """Attention probability from one position, summed over the tokens it goes to.

    attention   mean attention from `from` to `to`
    against     mean attention from `from` to `against`
    difference  the first minus the second, within prompts that have both, else within units

    `to: feeling=pain` looks at the prompts in which feeling is pain; `to: previous` is the token
    before the one that attends. A query counts where it can see one of the keys.
    """

    model_config = ConfigDict(**Model.model_config, populate_by_name=True)

    family: ClassVar[str] = "attention"
    check: Literal["attention"]
    site: SitesField
    query: PositionField = Field(FINAL, alias="from", description="The position that attends.")
    to: PositionField = Field(description="The tokens that are attended to.")
    against: PositionField | None = Field(None, description="The tokens to compare with.")
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        if self.against is None:
            return {"attention": PROBABILITY}
        return {"attention": PROBABILITY, "against": PROBABILITY, "difference": DIFFERENCE}

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from heads_problems("site", self.site)
        yield from attending_problems(self.query, to=self.to, against=self.against)

    def measure(self, bench: Bench) -> CheckResult:
        heads = bench.subject.sites(self.site)
        encoded = bench.prompts(self.on)
        prompts = encoded.prompts
        to = _attended(bench, encoded, self, self.to)
        against = None if self.against is None else _attended(bench, encoded, self, self.against)

        def score(looked: Mask) -> Floats:
            means = to.means(looked)
            return means if against is None else means - against.means(looked)

        found = search([str(head) for head in heads], prompts, self.top, bench.seed, score)
        judged = found.evaluation_mask(prompts)
        results: list[StatisticResult] = []
        for head in found.kept:
            member = found.member(head)
            results.append(to.mean("attention", head, judged, member))
            if against is not None:
                results.append(against.mean("against", head, judged, member))
                results.append(_difference(to, against, head, judged, member))
        everywhere = score(np.ones(len(prompts), dtype=bool)).tolist()
        shown = int(np.flatnonzero(judged & to.present)[0])
        kept = [heads[head] for head in found.kept]
        facts = found.facts | Facts(
            patterns=patterns(bench, encoded, kept, self.query, shown),
            from_=str(self.query),
            to=str(self.to),
            uniform=float(to.even[judged & to.present].mean()),
            effects=dict(zip(found.sites, everywhere, strict=True)),
        )
        return self.result(bench, [encoded], results, facts, found.notes)

    def doubts_of_bounds(self, result: CheckResult) -> Iterator[str]:
        even = result.facts.uniform or 0.0
        bound = self.expect.get("attention")
        if bound is not None and -inf < bound.low < even:
            yield (
                f'"{bound}" is less than uniform attention pays to {self.to}, {even:.3g}: '
                "a head that looks at nothing meets it"
            )


@dataclass(frozen=True, eq=False)
class _Attended:
    """Attention to ``keys``, [prompt, head]: NaN in prompts that do not have them.

    ``even`` [prompt] is what a head pays that looks at all tokens alike. Rounding may move each
    value by ``step``.
    """

    keys: Position
    prompts: tuple[Prompt, ...]
    attention: Floats
    even: Floats
    step: float

    @property
    def present(self) -> Mask:
        return np.asarray(np.isfinite(self.attention).all(axis=1))

    def means(self, looked: Mask) -> Floats:
        """The mean over some of the prompts, [head]."""
        means: Floats = self.attention[self._present_in(looked)].mean(axis=0)
        return means

    def mean(self, name: str, head: int, judged: Mask, member: str | None) -> StatisticResult:
        here = self._present_in(judged)
        units = units_of(self.prompts)[here]
        paid = self.attention[here, head]
        statistic = Mean(paid, units, name, member, (0.0, 1.0), self.step)
        return statistic_result(statistic, np.array(texts(self.prompts), dtype=object)[here])

    def _present_in(self, mask: Mask) -> Mask:
        here: Mask = mask & self.present
        if not here.any():
            raise MeasurementError(
                f"none of {mask.sum()} prompts has tokens at {self.keys} that the query can see"
            )
        return here


def _attended(bench: Bench, encoded: Encoded, claim: Attention, keys: Position) -> _Attended:
    """Raises MeasurementError where the keys are all tokens that the query can see."""
    heads = bench.subject.sites(claim.site)
    pairs = links(encoded, claim.query, keys)
    even = uniform(pairs)
    if (even[np.isfinite(even)] == 1).all() and np.isfinite(even).any():
        raise MeasurementError(
            f"{keys} is all that {claim.query} can see: attention to it is 1 by definition"
        )
    paid = bench.subject.attention(encoded, heads, pairs)
    return _Attended(keys, encoded.prompts, paid, even, bench.subject.rounding.attention)


def _difference(
    to: _Attended, against: _Attended, head: int, judged: Mask, member: str | None
) -> StatisticResult:
    """The gap within each prompt that has both or, where none has, between each unit's means."""
    within_prompts = bool((to.present & against.present).any())
    groups: dict[str, list[int]] = defaultdict(list)
    for number in np.flatnonzero(judged).tolist():
        prompt = to.prompts[number]
        groups[f"{number}" if within_prompts else prompt.unit].append(number)
    gaps, units, names = [], [], []
    for rows in groups.values():
        mine, other = ([n for n in rows if side.present[n]] for side in (to, against))
        if mine and other:
            gaps.append(to.attention[mine, head].mean() - against.attention[other, head].mean())
            prompt = to.prompts[rows[0]]
            units.append(prompt.unit)
            names.append(prompt.text if within_prompts else prompt.unit)
    if not gaps:
        raise MeasurementError(
            f"no prompt and no unit has both {to.keys} and {against.keys}: "
            "let `unit` name what prompts to be compared have in common"
        )
    labels, support = unit_labels(units), (-1.0, 1.0)
    statistic = Mean(np.array(gaps), labels, "difference", member, support, to.step)
    return statistic_result(statistic, names)
