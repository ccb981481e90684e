"""`attention`: how much heads attend from one position to others, and how evenly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.attended import Attended, attended, difference, difference_apart
from ppcheck.measure.core.attention import patterns
from ppcheck.measure.core.check import Bench, Check, CheckResult, StatisticResult
from ppcheck.measure.core.evenness import evenness_results
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import Search, TopField, search
from ppcheck.measure.core.validation import attending_problems, heads_problems
from ppcheck.spec.base import Model
from ppcheck.spec.expectations.range import DIFFERENCE, PROBABILITY, SIZE, UNIT, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import SelectionField
from ppcheck.spec.sites.position import FINAL, Position, PositionField
from ppcheck.spec.sites.site import SitesField
from ppcheck.subject.tokens.encoding import Encoded


class Attention(Check):
    """Attention probability from one position, summed over the tokens it goes to.

    attention     mean attention from `from` to `to`
    against       mean attention from `from` to `against`
    difference    the first minus the second, within prompts that have both, else within units;
                  with `against_on` between the means of two groups of prompts
    entropy       without `to`: mean entropy of attention over the tokens that can be seen, in nats
    from_uniform  without `to`: mean distance from attention that pays each of these the same

    `to: feeling=pain` looks at the prompts in which feeling is pain; `to: previous` is the token
    before the one that attends. A query counts where it can see one of the keys. The distance is
    half the sum of absolute differences: the share of attention that would have to move.
    """

    model_config = ConfigDict(**Model.model_config, populate_by_name=True)

    family: ClassVar[str] = "attention"
    check: Literal["attention"]
    site: SitesField
    query: PositionField = Field(FINAL, alias="from", description="The position that attends.")
    to: PositionField | None = Field(
        None,
        description="The tokens that are attended to. Without it the claim is about how evenly "
        "heads attend.",
    )
    against: PositionField | None = Field(None, description="The tokens to compare with.")
    against_on: SelectionField | None = Field(
        None,
        description="Other prompts of the set, in which attention to `against` (default: to `to`) "
        "is read. They need have no unit in common with those of `on`.",
    )
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        if self.to is None:
            return {"entropy": SIZE, "from_uniform": UNIT}
        if self._other is None:
            return {"attention": PROBABILITY}
        return {"attention": PROBABILITY, "against": PROBABILITY, "difference": DIFFERENCE}

    @property
    def _other(self) -> Position | None:
        """The tokens to compare with: those of `to`, where other prompts are compared."""
        return self.to if self.against is None and self.against_on is not None else self.against

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from heads_problems("site", self.site)
        yield from attending_problems(self.query, to=self.to, against=self.against)
        if self.to is None:
            for key in ("against", "against_on", "top"):
                if getattr(self, key) is not None:
                    yield Problem(
                        key, f"`{key}` is about attention to some tokens: name them, `to`"
                    )

    def sides(self, grid: Grid) -> tuple[tuple[Prompt, ...], ...]:
        others = () if self.against_on is None else grid.select(self.against_on)
        return ((*grid.select(self.on), *others),)

    def examples_in(self, grid: Grid) -> Sequence[Prompt]:
        return self.sides(grid)[0]

    def measure(self, bench: Bench) -> CheckResult:
        return self._evenly(bench) if self.to is None else self._paid(bench, self.to)

    def _evenly(self, bench: Bench) -> CheckResult:
        """How evenly heads attend over all that the queries can see."""
        heads, encoded = bench.subject.sites(self.site), bench.prompts(self.on)
        results = list(evenness_results(bench, encoded, heads, self.query))
        shown = next(n for n, each in enumerate(encoded.positions(self.query)) if each)
        rows = patterns(bench, encoded, heads, self.query, shown)
        return self.result(bench, [encoded], results, Facts(patterns=rows, from_=str(self.query)))

    def _prompts(self, bench: Bench) -> tuple[Encoded, Mask]:
        """All prompts, and which of them are those of `on`."""
        own = len(bench.grid.select(self.on))
        encoded = bench.encode(self.sides(bench.grid)[0])
        return encoded, np.arange(len(encoded)) < own

    def _paid(self, bench: Bench, keys: Position) -> CheckResult:
        """How much heads attend to some tokens, and to others."""
        heads = bench.subject.sites(self.site)
        encoded, here = self._prompts(bench)
        prompts = encoded.prompts
        to = attended(bench, encoded, heads, (self.query, keys), here)
        against, there = None, here if self.against_on is None else ~here
        if (other := self._other) is not None:
            against = attended(bench, encoded, heads, (self.query, other), there)

        def score(looked: Mask) -> Floats:
            means = to.means(looked)
            return means if against is None else means - against.means(looked)

        found = search([str(head) for head in heads], prompts, self.top, bench.seed, score)
        judged = found.evaluation_mask(prompts)
        everywhere = score(np.ones(len(prompts), dtype=bool)).tolist()
        shown = int(np.flatnonzero(judged & to.present)[0])
        kept = [heads[head] for head in found.kept]
        facts = found.facts | Facts(
            patterns=patterns(bench, encoded, kept, self.query, shown),
            from_=str(self.query),
            to=str(keys),
            uniform=float(to.even[judged & to.present].mean()),
            effects=dict(zip(found.sites, everywhere, strict=True)),
        )
        results = self._results(to, against, found, judged)
        return self.result(bench, [encoded], results, facts, found.notes)

    def _results(
        self, to: Attended, against: Attended | None, found: Search, judged: Mask
    ) -> Iterator[StatisticResult]:
        gap = difference if self.against_on is None else difference_apart
        for head in found.kept:
            member = found.member(head)
            yield to.mean("attention", head, judged, member)
            if against is not None:
                yield against.mean("against", head, judged, member)
                yield gap(to, against, head, judged, member)

    def doubts_of_bounds(self, result: CheckResult) -> Iterator[str]:
        even = result.facts.uniform or 0.0
        bound = self.expect.get("attention")
        if bound is not None and -math.inf < bound.low < even:
            yield (
                f'"{bound}" is less than uniform attention pays to {self.to}, {even:.3g}: '
                "a head that looks at nothing meets it"
            )
