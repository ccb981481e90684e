"""`dose_response`: a metric along an ordered variable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.errors import MeasurementError
from ppcheck.measure.check import Bench, Check, Measurement, measured, prompt_facts, unit_labels
from ppcheck.measure.metrics import read
from ppcheck.measure.statistics import Floats, Mean
from ppcheck.measure.switch_point import SwitchPoint
from ppcheck.spec.grammar import suggest
from ppcheck.spec.grid import Prompt
from ppcheck.spec.metric import MetricField
from ppcheck.spec.prompts import PromptSet


class DoseResponse(Check):
    """How a metric changes with the dose.

    A *curve* is the prompts that differ in nothing but the dose.

    spearman      mean over curves of Spearman's correlation of dose and metric; a flat curve is 0
    slope         mean over curves of the least-squares slope, metric for one step of dose
    switch_point  dose at which the probability crosses one half, by logistic fit (-b0/b1, Keeling
                  et al. 2024); given for p and prob only
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["dose_response"]
    metric: MetricField
    dose: str = Field(description="The ordered variable.")

    def statistic_names(self) -> tuple[str, ...]:
        switch = ("switch_point",) if self.metric.probability else ()
        return ("spearman", "slope", *switch)

    def problems(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        yield from super().problems(prompt_set)
        ordered = [name for name, words in prompt_set.vary.items() if words.role == "ordered"]
        if prompt_set.rows is None and self.dose not in ordered:
            yield "dose", f"{self.dose!r} is no ordered variable: {suggest(self.dose, ordered)}"

    def measure(self, bench: Bench) -> Measurement:
        encoded = bench.prompts(self.on)
        doses = np.array([_dose(prompt, self.dose) for prompt in encoded.prompts])
        values = read(bench.subject, encoded, self.metric, bench.grid.prompt_set.pool)
        curves = _curves(encoded.prompts, self.dose)
        if any(len(np.unique(doses[curve])) < 2 for curve in curves.values()):
            raise MeasurementError(f"`{self.on}` leaves curves with fewer than two doses")
        prompts = [encoded.prompts[rows[0]] for rows in curves.values()]
        # Where no variable makes units, the curves themselves are what is independent.
        shared = bench.grid.prompt_set.unit_names or bench.grid.prompt_set.rows
        names = [p.unit if shared else key for p, key in zip(prompts, curves, strict=True)]
        units = unit_labels(names)
        spearmans = np.array([_spearman(doses[rows], values[rows]) for rows in curves.values()])
        slopes = np.array([np.polyfit(doses[rows], values[rows], 1)[0] for rows in curves.values()])
        results = [
            measured(Mean(spearmans, units, "spearman", support=(-1.0, 1.0)), list(curves)),
            measured(Mean(slopes, units, "slope"), list(curves)),
        ]
        if self.metric.probability:
            unit_of = dict(zip(curves, names, strict=True))
            owners = [unit_of[_curve(prompt, self.dose)] for prompt in encoded.prompts]
            switch = SwitchPoint(doses, values, unit_labels(owners), "switch_point")
            results.append(measured(switch, [prompt.text for prompt in encoded.prompts]))
        facts = prompt_facts(encoded.prompts) | {
            "metric": str(self.metric),
            "linear_in_logits": self.metric.linear,
            "curves": len(curves),
            "curve": _mean_curve(doses, values),
        }
        return Measurement(tuple(results), facts)


def _dose(prompt: Prompt, variable: str) -> float:
    word = prompt.words.get(variable)
    if word is None or word.dose is None:
        raise MeasurementError(f"the prompt {prompt.text!r} has no dose of {variable!r}")
    return word.dose


def _curve(prompt: Prompt, dose: str) -> str:
    return ", ".join(f"{n}={w.text}" for n, w in prompt.words.items() if n not in (dose, "row"))


def _curves(prompts: Sequence[Prompt], dose: str) -> dict[str, list[int]]:
    curves: dict[str, list[int]] = defaultdict(list)
    for number, prompt in enumerate(prompts):
        curves[_curve(prompt, dose)].append(number)
    return dict(curves)


def _spearman(doses: Floats, values: Floats) -> float:
    from scipy.stats import spearmanr

    return 0.0 if np.ptp(values) == 0 else float(spearmanr(doses, values).statistic)


def _mean_curve(doses: Floats, values: Floats) -> list[dict[str, Any]]:
    return [
        {"dose": float(dose), "mean": float(values[doses == dose].mean())}
        for dose in np.unique(doses)
    ]
