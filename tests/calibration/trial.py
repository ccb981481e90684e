"""What a study of a check is made of: a trial, prompts in units, and noise about an effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ppcheck.arrays import Floats, Labels
from ppcheck.judge.verdict import Verdict
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.statistics.statistics import Statistic

HEADS = 16


SITES = 4


LAYERS = 4


NEURONS = 200


WIDTH = 8


DOSES = np.arange(1.0, 9)


RANDOM = 20


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
