"""Simulated samples of every class of statistic, with the value that each sample is drawn about."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ppcheck.arrays import Floats
from ppcheck.statistics.statistics import (
    Auroc,
    Correlation,
    Mean,
    Proportion,
    Ratio,
    StandardisedMean,
    Statistic,
)
from ppcheck.statistics.switch_point import SwitchPoint

Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Case:
    """`make(rng, n)` draws n units; `truth` is the statistic of infinitely many."""

    statistic: str
    data: str
    make: Callable[[np.random.Generator, int], Statistic]
    truth: float

    @property
    def title(self) -> str:
        return f"{self.statistic}, {self.data}"


def _mean(data: str, draw: Draw, truth: float, statistic: str = "mean", **more: object) -> Case:
    def make(rng: np.random.Generator, n: int) -> Statistic:
        return Mean(draw(rng, n), np.arange(n), "mean", **more)  # type: ignore[arg-type]

    return Case(statistic, data, make, truth)


def _clustered(rng: np.random.Generator, n: int) -> Statistic:
    """Units of 1 to 6 examples, which share half of their variance."""
    units = np.repeat(np.arange(n), rng.integers(1, 7, n))
    noise = rng.normal(size=n)[units] + rng.normal(size=len(units))
    return Mean(noise, units, "mean")


def _proportion(rate: float) -> Case:
    def make(rng: np.random.Generator, n: int) -> Statistic:
        return Proportion(rng.random(n) < rate, np.arange(n), "rate")

    return Case("proportion", f"rate {rate}", make, rate)


def _agreeing(share: float) -> Case:
    """Curves of which most have Spearman's correlation 1, and the others any from -1 to 1."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        odd = rng.random(n) < share
        return np.where(odd, rng.uniform(-1, 1, n), 1.0)

    data = f"1 in all units but {share:.0%}"
    return _mean(data, draw, 1 - share, "mean of correlations", support=(-1.0, 1.0))


def _ratio(data: str, spread: float) -> Case:
    """Half of a gap of 1 is recovered; gaps have this spread from pair to pair."""

    def make(rng: np.random.Generator, n: int) -> Statistic:
        gap = 1 + spread * rng.normal(size=n)
        return Ratio(0.5 * gap + 0.3 * rng.normal(size=n), gap, np.arange(n), "recovery")

    return Case("ratio", data, make, 0.5)


def _skewed_ratio(rng: np.random.Generator, n: int) -> Statistic:
    gap = rng.lognormal(0, 0.8, n)
    return Ratio(gap * rng.beta(2, 2, n), gap, np.arange(n), "recovery")


def _standardised(rng: np.random.Generator, n: int) -> Statistic:
    return StandardisedMean(rng.normal(0.8, 1, n), np.arange(n), "standardised")


def _correlation(rho: float) -> Case:
    def make(rng: np.random.Generator, n: int) -> Statistic:
        x = rng.normal(size=n)
        y = rho * x + math.sqrt(1 - rho**2) * rng.normal(size=n)
        return Correlation(x, y, np.arange(n), "correlation")

    return Case("correlation", f"normal, r = {rho}", make, 6 / math.pi * math.asin(rho / 2))


def _auroc(area: float, *, both: bool) -> Case:
    """Normal scores; units are of one class each, or have an example of both."""
    shift = math.sqrt(2) * float(norm.ppf(area))

    def make(rng: np.random.Generator, n: int) -> Statistic:
        if both:
            shared = np.tile(0.7 * rng.normal(size=n), 2)
            scores = shared + math.sqrt(0.51) * rng.normal(size=2 * n)
            positive = np.arange(2 * n) < n
            return Auroc(scores + shift * positive, positive, np.arange(2 * n) % n, "auroc")
        positive = np.arange(n) % 2 == 0
        return Auroc(rng.normal(size=n) + shift * positive, positive, np.arange(n), "auroc")

    where = "both classes in each unit" if both else "units of one class"
    return Case("AUROC", f"{area}, {where}", make, area)


def _switching(rng: np.random.Generator, n: int) -> Statistic:
    """Units of eight doses that switch about 4.5, each at its own."""
    doses = np.tile(np.arange(1.0, 9), n)
    at = np.repeat(4.5 + rng.normal(size=n), 8)
    return SwitchPoint(doses, 1 / (1 + np.exp(doses - at)), np.repeat(np.arange(n), 8), "switch")


CASES: tuple[Case, ...] = (
    _mean("normal", lambda rng, n: rng.normal(size=n), 0.0),
    _mean("exponential", lambda rng, n: rng.exponential(size=n), 1.0),
    _mean("lognormal", lambda rng, n: rng.lognormal(size=n), math.exp(0.5)),
    Case("mean", "units of unequal size", _clustered, 0.0),
    _mean(
        "beta(0.2, 2), near 0",
        lambda rng, n: rng.beta(0.2, 2, n),
        0.2 / 2.2,
        "mean of probabilities",
        support=(0.0, 1.0),
    ),
    _agreeing(0.03),
    _agreeing(0.1),
    *(_proportion(rate) for rate in (0.5, 0.9, 0.97)),
    _ratio("gap 1 ± 0.3", 0.3),
    _ratio("noisy gap, 1 ± 1", 1.0),
    Case("ratio", "lognormal gap", _skewed_ratio, 0.5),
    Case("standardised mean", "normal, 0.8", _standardised, 0.8),
    *(_correlation(rho) for rho in (0.0, 0.6, 0.9)),
    *(_auroc(area, both=both) for area in (0.5, 0.8, 0.95) for both in (False, True)),
    Case("switch point", "eight doses a unit", _switching, 4.5),
)
