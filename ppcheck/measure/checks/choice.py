"""`choice`: how often, and how strongly, the model takes one of the choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.measure.core.check import Bench, CheckResult, statistic_result, texts, units_of
from ppcheck.measure.core.metrics import log_probs, same
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.spec.expectations.metric import Metric, Reading
from ppcheck.spec.expectations.range import PROBABILITY, RATE, Range
from ppcheck.spec.grammar import suggest
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.statistics.statistics import Mean, Proportion
from ppcheck.subject.tokens.encoding import Encoded


class Choice(ReadsAt):
    """How often one choice is the likeliest, and its mean probability.

    rate         share of prompts in which the choice is likelier than every other; a tie is not
    probability  mean probability, normalised over the choices
    mass         mean probability of all choices together, over the whole vocabulary
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["choice"]
    choice: str = Field(description="The choice that the claim is about.")

    def statistics(self) -> Mapping[str, Range]:
        return {"rate": RATE, "probability": PROBABILITY, "mass": PROBABILITY}

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        if self.choice not in prompt_set.choices:
            advice = suggest(self.choice, prompt_set.choices)
            yield Problem(
                "choice", f"{self.choice!r} is not a choice of {self.on.prompts!r}: {advice}"
            )
        elif len(prompt_set.choices) == 1:
            yield Problem(
                "choice", f"{self.on.prompts!r} has no other choice: give one to choose from"
            )

    def counted(self, encoded: Encoded) -> tuple[str, ...]:
        return tuple(encoded.prompts[0].choices)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        encoded = bench.prompts(self.on)
        names = tuple(bench.grid.prompt_set.choices)
        own = names.index(self.choice)
        chances = log_probs(bench.subject, encoded, names, bench.grid.prompt_set.pool)
        odds = np.exp(chances - chances.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        rival = np.delete(shares, own, axis=1).max(axis=1)
        step = bench.step(Metric(Reading.P, (self.choice,)))
        taken = (shares[:, own] > rival) & ~same(shares[:, own], rival, step)
        units, bounded = units_of(encoded.prompts), (0.0, 1.0)
        statistics = (
            Proportion(taken, units, "rate"),
            Mean(shares[:, own], units, "probability", support=bounded, step=step),
        )
        found = [statistic_result(statistic, texts(encoded.prompts)) for statistic in statistics]
        return self.result(bench, [encoded], found)
