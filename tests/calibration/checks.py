"""Data as each check would measure them, on a model that has the effect or has not.

A new check is one function here: it takes a generator, the number of units and the size of the
effect (0 is none), and gives what the check would hand to the judge. Its first statistic's bound
must be just missed where there is no effect, so that every verdict is then a false alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.decoding import Classes, Doses, Trait
from ppcheck.measure.search import Mask, search
from ppcheck.measure.statistics import (
    Floats,
    Labels,
    Mean,
    Proportion,
    Ratio,
    StandardisedMean,
    Statistic,
)
from ppcheck.spec.grid import Grid, Prompt
from ppcheck.spec.prompts import PromptSet

HEADS = 16
NEURONS = 200
DOSES = np.arange(1.0, 9)


@dataclass(frozen=True)
class Trial:
    """What a check gives and what is expected of it; `wrong` are false alarms without an effect."""

    statistics: tuple[Statistic, ...]
    expect: Mapping[str, str]
    confidence: float = 0.95
    wrong: frozenset[Verdict] = frozenset({Verdict.HOLDS, Verdict.FAILS})


Make = Callable[[np.random.Generator, int, float], Trial]


@cache
def prompts_in(n: int, *, doses: bool = False) -> tuple[Prompt, ...]:
    """Four prompts a unit: two words of two classes, or four doses."""
    feeling = {"ordered": ["w", "x", "y", "z"]} if doses else {"a": ["w", "x"], "b": ["y", "z"]}
    vary = {"unit": [f"u{number}" for number in range(n)], "feeling": feeling}
    made = {"template": "{unit} {feeling}", "vary": vary, "choices": {"a": "A", "b": "B"}}
    return Grid(PromptSet.model_validate(made), Path()).prompts


def noisy(rng: np.random.Generator, n: int, per: int, effect: float = 0.0) -> tuple[Floats, Labels]:
    """Examples about `effect`, `per` of them a unit, half of the variance the unit's; units."""
    units = np.repeat(np.arange(n), per)
    return effect + rng.normal(size=n)[units] + rng.normal(size=n * per), units


def choice(rng: np.random.Generator, n: int, effect: float) -> Trial:
    odds, units = noisy(rng, n, 4, effect)
    shares = 1 / (1 + np.exp(-odds))
    return Trial(
        (
            Proportion(odds[::4] > 0, units[::4], "rate"),
            Mean(shares, units, "probability", support=(0.0, 1.0)),
        ),
        {"probability": "> 0.5"},
    )


def choice_rate(rng: np.random.Generator, n: int, effect: float) -> Trial:
    odds, units = noisy(rng, n, 1, effect)
    return Trial((Proportion(odds > 0, units, "rate"),), {"rate": "> 0.5"})


def contrast(rng: np.random.Generator, n: int, effect: float) -> Trial:
    gaps, units = noisy(rng, n, 4, effect)
    return Trial((Mean(gaps, units, "difference"),), {"difference": "> 0"})


def contrast_standardised(rng: np.random.Generator, n: int, effect: float) -> Trial:
    gaps, units = noisy(rng, n, 4, effect)
    return Trial((StandardisedMean(gaps, units, "standardised"),), {"standardised": "> 0"})


def dose_response(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """A curve a unit; its values are noise about a line."""
    from scipy.stats import spearmanr

    curves = effect * (DOSES - 4.5) / 4 + rng.normal(size=(n, 8))
    ranks = np.array([spearmanr(DOSES, curve).statistic for curve in curves])
    return Trial((Mean(ranks, np.arange(n), "spearman", support=(-1, 1)),), {"spearman": "> 0"})


def patch(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """All heads, their changes correlated; in the last one there may be an effect."""
    gaps, units = noisy(rng, n, 4, 3.0)
    shared = noisy(rng, n, 4)[0]
    found: list[Statistic] = []
    for head in range(HEADS):
        moved = (effect * gaps if head == HEADS - 1 else 0.0) + 0.5 * (shared + noisy(rng, n, 4)[0])
        found.append(Ratio(moved, gaps, units, "recovery", f"L0H{head}"))
    return Trial(tuple(found), {"recovery": "> 0"})


def attention(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """All heads, attention to one class less attention to another; skewed, as attention is."""
    found: list[Statistic] = []
    for head in range(HEADS):
        to, against = rng.beta(0.5, 3, size=(2, n))
        gaps = to - against + (effect if head == HEADS - 1 else 0.0)
        found.append(Mean(gaps, np.arange(n), "difference", f"L0H{head}", support=(-1, 1)))
    return Trial(tuple(found), {"difference": "> 0"})


def neuron(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """The best of many neurons by `top: 1`, chosen on one half of the units."""
    prompts = prompts_in(n)
    classes = Classes.of(prompts, "feeling", ("a", "b"))
    return _neuron(
        rng, prompts, classes, effect * classes.first.astype(np.float64), "auroc", "> 0.5"
    )


def neuron_dose(rng: np.random.Generator, n: int, effect: float) -> Trial:
    prompts = prompts_in(n, doses=True)
    doses = Doses.of(prompts, "feeling")
    return _neuron(rng, prompts, doses, effect / 4 * doses.doses, "correlation", "> 0")


def _neuron(
    rng: np.random.Generator,
    prompts: tuple[Prompt, ...],
    trait: Trait,
    signal: Floats,
    name: str,
    bound: str,
) -> Trial:
    columns = [noisy(rng, len(prompts) // 4, 4)[0] for _ in range(NEURONS)]
    activations = np.stack(columns, axis=1)
    activations[:, 0] += signal

    def score(looked: Mask) -> Floats:
        strength: Floats = np.abs(trait.follows(activations, looked))
        return strength

    found = search([f"L0N{k}" for k in range(NEURONS)], prompts, 1, 0, score)
    (best,) = found.kept
    one = trait.measured(activations[:, best], found.judged(prompts), "best")
    return Trial((one.statistic,), {name: bound})


def equivalence(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """TOST: the change lies on the edge of what is allowed, or this much further inside."""
    changes, units = noisy(rng, n, 4, 1.0 - effect)
    return Trial(
        (Mean(changes, units, "change"),),
        {"change": "-1..1"},
        confidence=0.9,
        wrong=frozenset({Verdict.HOLDS}),
    )


@dataclass(frozen=True)
class Study:
    """One check, or one of its statistics, and the effects at which its power is measured."""

    check: str
    make: Make
    effects: tuple[float, ...]
    family: bool = False


STUDIES: tuple[Study, ...] = (
    Study("choice: probability", choice, (0.5, 1.0)),
    Study("choice: rate", choice_rate, (0.5, 1.0)),
    Study("contrast: difference", contrast, (0.5, 1.0)),
    Study("contrast: standardised", contrast_standardised, (0.5, 1.0)),
    Study("dose_response: spearman", dose_response, (0.5, 1.0)),
    Study(f"patch: recovery of {HEADS} heads", patch, (0.1, 0.3), family=True),
    Study(f"attention: difference of {HEADS} heads", attention, (0.1, 0.2), family=True),
    Study(f"neuron: auroc, best of {NEURONS}", neuron, (1.0, 2.0)),
    Study(f"neuron: correlation, best of {NEURONS}", neuron_dose, (1.0, 2.0)),
    Study("equivalence: change", equivalence, (0.5, 1.0)),
)
