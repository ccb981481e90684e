"""`property`: what every prompt of a declared kind meets, or the smallest that does not."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import (
    Bench,
    Check,
    CheckResult,
    StatisticResult,
    statistic_result,
    units_named,
)
from ppcheck.measure.core.drawing import Drawing
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.metrics import read
from ppcheck.measure.core.validation import behaviour_problems
from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.condition import ConditionsField
from ppcheck.spec.expectations.metric import Metric, Metrics
from ppcheck.spec.expectations.range import RATE, UNIT, Range
from ppcheck.spec.faults import of_related, of_relation
from ppcheck.spec.grammar import suggest
from ppcheck.spec.problem import Problem, Problems, problems_with, renamed
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.relation import EVERY, Relations, RelationsField
from ppcheck.spec.prompts.strategy import Strategy, StrategyField
from ppcheck.spec.prompts.template import token_ids
from ppcheck.statistics.sample import OfUnits
from ppcheck.statistics.statistics import Proportion
from ppcheck.subject.tokens.encoding import Encoded

MetricValues = Mapping[Metric, float]


@dataclass(frozen=True, eq=False)
class Counterexamples(OfUnits):
    """1 where a counterexample is known, else 0: a fact, which no resampling of others changes.

    Its examples are ``broken`` [example], each of them another prompt.
    """

    broken: Floats
    name: str
    member: None = None
    support = (0.0, 1.0)

    @property
    def n_units(self) -> int:
        return len(self.broken)

    def values(self) -> Floats:
        return self.broken

    def estimate(self, weights: Floats) -> Floats:
        return np.full(len(weights), self.broken.max())


class Property(Check):
    """Whether a condition is met by every prompt that strategies can make, not by most.

    counterexamples  1 where one that does not meet it was found, else 0
    violations       share of independent random draws that do not meet it

    `examples` prompts are drawn at random: of these `violations` is a share with an interval. Then
    hypothesis searches others, and shrinks what breaks the condition to the smallest prompt that
    still does; how many it read is in the notes.
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["property"]
    forall: dict[str, StrategyField] = Field(
        min_length=1, description="Variables, and what each may be; the others are as in `on`."
    )
    where: RelationsField | None = None
    always: ConditionsField
    examples: int = Field(
        100, ge=5, le=20_000, description="How many prompts are drawn at random, and then sought."
    )

    @property
    def looks(self) -> bool:
        return True

    def statistics(self) -> Mapping[str, Range]:
        return {"counterexamples": UNIT, "violations": RATE}

    @property
    def sampling(self) -> Iterator[str]:
        yield "check"

    def most_units(self, grid: Grid, name: str) -> int:
        del grid, name
        return self.examples

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        metrics = behaviour_problems(prompt_set, Metrics(self.always.metrics))
        yield from renamed("always", metrics)
        for condition in self.always.conditions:
            if condition.bound.accepts_all(condition.metric.range):
                message = f"{condition} is so whatever the model does, since {condition.metric} is "
                yield Problem("always", f"{message}{condition.metric.range}")
        chosen = {condition.variable for condition in self.on.conditions}
        for name in chosen & self.forall.keys():
            message = f"`on` selects by {name!r}, and `forall` puts other words in its place"
            yield Problem(f"forall.{name}", f"{message}: leave it out of one of them")
        for name, strategy in self.forall.items():
            yield from problems_with(f"forall.{name}", _of_strategy(name, strategy, prompt_set))
        for relation in self._relations.relations:
            names = None if prompt_set.rows is not None else prompt_set.selectable
            yield from problems_with("where", of_relation(relation, self.forall, names))
        counts = ("counterexamples", "violations")
        for name, bound in ((n, self.expect[n]) for n in counts if n in self.expect):
            key = f"expect.{name}"
            if not bound.low <= 0 <= bound.high < math.inf:
                yield Problem(
                    key, f'give how many there may be at most, such as "<= 0", not "{bound}"'
                )
            elif name == "violations" and not bound.high:
                yield Problem(key, "no number of draws shows that: expect it of `counterexamples`")
            elif name == "violations" and self.examples < (least := _least(bound.high)):
                yield Problem(
                    key, f"{self.examples} examples cannot show this: draw {least:,} or more"
                )

    @property
    def _relations(self) -> Relations:
        return self.where or EVERY

    def units(self, grid: Grid) -> int:
        """As many as there are draws or, where these are fewer, different prompts to draw.

        Of the latter some may not meet `where`, which the measurement counts.
        """
        kept = {tuple(words) for words in self._others(grid.select(self.on))}
        return min(self.examples, len(kept) * prod(s.size for s in self.forall.values()))

    def repeats(self, grid: Grid) -> int:
        """None that is known: prompts are drawn."""
        del grid
        return 0

    def _others(self, prompts: Sequence[Prompt]) -> Iterator[list[str]]:
        """The words of each prompt that are not drawn."""
        for prompt in prompts:
            yield [word.text for name, word in prompt.words.items() if name not in self.forall]

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        yield from problems_with("where", self._of_where(prompts, grid))
        units, bound = self.units(grid), self.expect.get("violations")
        if bound is not None and units < min(self.examples, least := _least(bound.high)):
            few = f"{units:,} different prompts can be drawn"
            yield Problem("expect.violations", f"{few}, and it takes {least:,} to show this")

    def _of_where(self, prompts: Sequence[Prompt], grid: Grid) -> Iterator[str]:
        """What is wrong with the words that are not drawn, and whether any draw meets `where`."""
        wrong = [
            fault
            for relation in self._relations.relations
            for name in relation.names
            if name not in self.forall
            for fault in of_related(name, relation, prompts, str(self.on))
        ]
        yield from wrong
        if not wrong and self.where is not None:
            try:
                Drawing(grid, prompts, self.forall, self.where).draws(1, 0)
            except MeasurementError as error:
                yield str(error)

    def measure(self, bench: Bench) -> CheckResult:
        prompts = bench.grid.select(self.on)
        drawing = Drawing(bench.grid, prompts, self.forall, self._relations)
        tried = _Tried(bench, self)
        drawn = drawing.draws(self.examples, bench.seed)
        broken = tried.broken(drawn)
        known = len(tried.values)
        tries = math.ceil(self.examples / 2)
        found = drawing.smallest(tried.broken, tries, bench.seed, self._database(bench))
        unshrunk = found is None and any(broken)
        if unshrunk:
            found = min((p for p, b in zip(drawn, broken, strict=True) if b), key=_length)
        encoded = bench.encode(drawn)
        forall = {name: str(strategy) for name, strategy in self.forall.items()}
        counterexample = None if found is None else self._fact(found, tried)
        where = {} if self.where is None else {"where": str(self.where)}
        facts = Facts(
            extras={"forall": forall, **where, "always": str(self.always), "drawn": len(drawn)},
            searched=len(tried.values) - known,
        ) | Facts(extras={"counterexample": counterexample})
        notes = [self._note(found, tried, known)]
        if unshrunk:
            notes.append("it was drawn at random, and the search did not find its like to shrink")
        results = _results(encoded, broken, found, tried)
        return self.result(bench, [encoded], results, facts, notes, tried.batches[:1])

    def _database(self, bench: Bench) -> Path | None:
        """Where counterexamples are kept: under no model's name, so that a new one meets them."""
        if bench.examples is None:
            return None
        said = [self.id, str(self.on), str(self.always), *map(str, self.forall.items())]
        said += [] if self.where is None else [str(self.where)]
        settings = bench.grid.prompt_set.model_dump_json()
        name = hashlib.sha256("\0".join([*said, settings]).encode()).hexdigest()
        return bench.examples / name[:32]

    def _fact(self, found: Prompt, tried: _Tried) -> dict[str, Any]:
        values = tried.values[found.key]
        return {
            "text": found.text,
            "words": {name: found.words[name].text for name in self.forall},
            "values": {str(metric): value for metric, value in values.items()},
        }

    def _note(self, found: Prompt | None, tried: _Tried, known: int) -> str:
        if found is None:
            more = len(tried.values) - known
            return f"no counterexample among {known:,} prompts drawn and {more:,} more searched"
        return f"smallest counterexample: {tried.shown(found)}"


@dataclass(frozen=True, eq=False)
class _Tried:
    """Every prompt that was tried, by its words, and the metrics there: none is read twice.

    ``batches`` are those that were read together, the drawn ones first.
    """

    bench: Bench
    claim: Property
    values: dict[str, MetricValues] = field(default_factory=dict)
    batches: list[Encoded] = field(default_factory=list)

    def broken(self, prompts: Sequence[Prompt]) -> list[bool]:
        """Whether each prompt breaks a condition."""
        fresh = list({p.key: p for p in prompts if p.key not in self.values}.values())
        if fresh:
            encoded, pool = self.bench.encode(fresh), self.bench.grid.prompt_set.pool
            self.batches.append(encoded)
            metrics = self.claim.always.metrics
            columns = [read(self.bench.subject, encoded, m, pool).tolist() for m in metrics]
            for prompt, *row in zip(fresh, *columns, strict=True):
                self.values[prompt.key] = dict(zip(metrics, row, strict=True))
        return [not self._meets(prompt) for prompt in prompts]

    def shown(self, prompt: Prompt) -> str:
        values = self.values[prompt.key].items()
        found = ", ".join(f"{metric} = {value:.3g}" for metric, value in values)
        return f"{prompt.text!r} ({found})"

    def _meets(self, prompt: Prompt) -> bool:
        """Whether it meets every condition by more than rounding."""
        values = self.values[prompt.key]
        return all(
            self._accepts(one.metric, one.bound, values[one.metric])
            for one in self.claim.always.conditions
        )

    def _accepts(self, metric: Metric, bound: Bound, value: float) -> bool:
        step, reach = self.bench.step(metric), metric.range
        low, high = max(value - step, reach.low), min(value + step, reach.high)
        return bound.verdict(low, high) == "holds"


def _results(
    drawn: Encoded, broken: Sequence[bool], found: Prompt | None, tried: _Tried
) -> Iterator[StatisticResult]:
    """A counterexample stands first, and before those that were drawn: of equal ones the first."""
    texts, units = list(map(tried.shown, drawn.prompts)), units_named(drawn.prompts)
    distinct = dict(zip(reversed(units), reversed(texts), strict=True))
    in_turn = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    known = [] if found is None else [tried.shown(found)]
    values = np.array([1.0] * len(known) + [0.0] * len(in_turn))
    examples = [*known, *(distinct[unit] for unit in in_turn)]
    yield statistic_result(Counterexamples(values, "counterexamples"), examples)
    numbers = np.array([in_turn[unit] for unit in units])
    yield statistic_result(Proportion(np.array(broken), numbers, "violations"), texts)


def _of_strategy(name: str, strategy: Strategy, prompt_set: PromptSet) -> Iterator[str]:
    names = (*prompt_set.variable_names, *prompt_set.answer_names)
    if name not in names:
        yield f"no template has {name!r}: {suggest(name, names)}"
    if any(name in group for group in prompt_set.together):
        yield f"{name!r} goes in step with others, and would not if it were drawn"
    if prompt_set.form == "ids":
        if strategy.kind in ("subset", "filler") and not strategy.least:
            yield "an empty text is not an id: draw `at_least: 1`"
        for word in strategy.words:
            try:
                token_ids(word)
            except ValueError as error:
                yield str(error)


def _least(share: float) -> int:
    """How many draws without a violation show, with 95 %, that no larger share violates.

    They must do so by the exact interval and by Wilson's, of which the number of draws decides.
    """
    if share >= 1:
        return 0
    exact = math.log(0.025) / math.log(1 - share)
    wilson = 1.96**2 * (1 - share) / share
    return math.ceil(max(exact, wilson))


def _length(prompt: Prompt) -> int:
    return len(prompt.text)
