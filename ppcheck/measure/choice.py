"""`choice`: how often, and how strongly, the model takes one of the choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.measure.check import Bench, Check, Measurement, measured, prompt_facts, unit_labels
from ppcheck.measure.metrics import read
from ppcheck.measure.statistics import Mean, Proportion
from ppcheck.spec.grammar import suggest
from ppcheck.spec.metric import Metric, Reading
from ppcheck.spec.prompts import PromptSet


class Choice(Check):
    """How often one choice is the likeliest, and its mean probability.

    rate         share of prompts in which the choice is the likeliest of the choices
    probability  mean probability, normalised over the choices
    mass         mean probability of all choices together, over the whole vocabulary
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["choice"]
    choice: str = Field(description="The choice that the claim is about.")

    def statistic_names(self) -> tuple[str, ...]:
        return ("rate", "probability", "mass")

    def problems(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        yield from super().problems(prompt_set)
        if self.choice not in prompt_set.choices:
            advice = suggest(self.choice, prompt_set.choices)
            yield "choice", f"{self.choice!r} is no choice of {self.on.prompts!r}: {advice}"

    def measure(self, bench: Bench) -> Measurement:
        encoded = bench.prompts(self.on)
        pool = bench.grid.prompt_set.pool
        names = tuple(bench.grid.prompt_set.choices)

        def each(reading: Reading) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
            metrics = [Metric(reading, (name,)) for name in names]
            return np.stack([read(bench.subject, encoded, m, pool) for m in metrics], axis=1)

        shares = each(Reading.P)
        own = names.index(self.choice)
        units = unit_labels([prompt.unit for prompt in encoded.prompts])
        texts = [prompt.text for prompt in encoded.prompts]
        bounded = (0.0, 1.0)
        statistics = (
            Proportion(shares.argmax(axis=1) == own, units, "rate"),
            Mean(shares[:, own], units, "probability", support=bounded),
            Mean(each(Reading.PROB).sum(axis=1), units, "mass", support=bounded),
        )
        return Measurement(
            tuple(measured(statistic, texts) for statistic in statistics),
            prompt_facts(encoded.prompts),
        )
