"""Measurements of the demo model on a whole grid, from which samples of units are drawn."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ppcheck.measure.core.check import Bench, Check
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import load_spec
from ppcheck.spec.prompts.grid import Grid
from ppcheck.statistics.statistics import Statistic
from ppcheck.subject.load import load, resolve
from tests.calibration.samples import Case

SPEC = Path(__file__).parents[2] / "specs" / "demo" / "mechanism.pp.yaml"
CLAIMS: tuple[dict[str, Any], ...] = (
    {"check": "choice", "choice": "felt", "expect": {"rate": "> 0", "probability": "> 0"}},
    {"check": "contrast", "metric": "p(felt)", "expect": {"difference": "> 0"}},
    {
        "check": "dose_response",
        "on": "game[feeling=pain]",
        "metric": "p(felt)",
        "dose": "intensity",
        "expect": {"slope": "> 0", "switch_point": "> 0"},
    },
    {
        "check": "patch",
        "site": "L1H1",
        "mode": "denoise",
        "metric": "logit_diff(felt, plain)",
        "expect": {"recovery": "> 0", "gap": "> 0"},
    },
    {
        "check": "attention",
        "site": "L2H0",
        "to": "feeling=pain",
        "against": "feeling=neutral",
        "expect": {"attention": "> 0", "difference": "> 0"},
    },
    {
        "check": "neuron",
        "site": "L1N7",
        "position": "feeling",
        "separates": {"feeling": ["pain", "neutral"]},
        "dose": "intensity",
        "expect": {"auroc": "> 0", "correlation": "> 0"},
    },
)


def populations(sample: int | None = None) -> list[Case]:
    """What the claims measure on the grid of the demo's mechanism spec, or on some of its units.

    The value over the whole grid is the truth about samples of its units, drawn with replacement.
    """
    (spec,) = (load_spec(SPEC, CHECKS),)
    prompt_set = spec.entries[0].grid.prompt_set  # type: ignore[union-attr]
    whole = prompt_set.model_copy(update={"half": None, "sample": sample})
    bench = Bench(load(resolve("demo")), Grid(whole, SPEC.parent), seed=0)
    return [case for claim in CLAIMS for case in _cases(claim, bench)]


def _cases(claim: dict[str, Any], bench: Bench) -> list[Case]:
    usual = {"id": "it", "says": "It does.", "on": "game"}
    check = CHECKS[claim["check"]]().model_validate({**usual, **claim})
    assert isinstance(check, Check)
    return [
        _case(claim["check"], one.statistic)
        for one in check.measure(bench).statistics
        if one.statistic.name in claim["expect"]
    ]


def _case(check: str, population: Statistic) -> Case:
    columns = {field.name: getattr(population, field.name) for field in fields(population)}  # type: ignore[arg-type]
    unit = np.unique(population.units, return_inverse=True)[1]
    rows = [np.flatnonzero(unit == number) for number in range(population.n_units)]
    arrays = [name for name, value in columns.items() if isinstance(value, np.ndarray)]

    def make(rng: np.random.Generator, n: int) -> Statistic:
        drawn = [rows[number] for number in rng.integers(len(rows), size=n)]
        index = np.concatenate(drawn)
        changed = {name: columns[name][index] for name in arrays}
        changed["units"] = np.repeat(np.arange(n), [len(own) for own in drawn])
        made: Statistic = replace(population, **changed)  # type: ignore[type-var]
        return made

    truth = float(population.estimate(np.ones((1, population.n_units)))[0])
    return Case(f"{check}: {population.name}", f"{population.n_units} units", make, truth)
