"""Does the answer follow a dose, and where does it switch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import ceil, factorial, floor

import numpy as np

from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.phases.contrast import plain
from ppcheck.discover.predict import Prediction, at_least, at_most, number, within
from ppcheck.discover.seen import Seen
from ppcheck.discover.study import Study, claim, figures, three
from ppcheck.discover.trace import Trace
from ppcheck.measure.core.facts import Curve

PHASE = "dose"
WORTH = 0.3
"""The least rank correlation that is a dose-response."""
CHANCE = 0.01
FEW = 8
"""Doses up to which all their orders are counted."""
FLAT = 0.2
"""A slope that is so small a part of another class's is none."""


def follows(study: Study, trace: Trace, words: int) -> Prediction | Nothing:
    """The rank correlation of dose and answer, or why there is none."""
    seen = _seen(study, trace)
    spearman = study.predicted(seen, "spearman")
    edge = spearman.low if spearman.estimate > 0 else -spearman.high
    if edge < WORTH:
        said = f"{plain(study.choices)} follows {trace.what} loosely at most"
        return Nothing(PHASE, f"{said}: {figures(spearman=spearman)}")
    if (chance := _chance(seen)) > max(CHANCE, 2 / factorial(words)):
        said = f"{plain(study.choices)} moves with {trace.what}, but not in its order"
        return Nothing(PHASE, f"{said}: p = {three(chance)} over {words} doses")
    return spearman


def look(study: Study, trace: Trace) -> Iterator[Finding | Nothing]:
    """The claim that the answer follows the dose, and where it switches."""
    metric, seen = plain(study.choices), _seen(study, trace)
    spearman = study.predicted(seen, "spearman")
    up = spearman.estimate > 0
    expect = {"spearman": at_least(spearman.low) if up else at_most(spearman.high)}
    shown = {"spearman": spearman}
    if seen.has("switch_point"):
        switch = study.predicted(seen, "switch_point")
        if (bound := _between(switch, study, trace)) is not None:
            expect["switch_point"], shown["switch_point"] = bound, switch
    how = "likelier" if up else "less likely"
    says = f"The greater {trace.what}, the {how} the answer {study.choices[0]}."
    if "switch_point" in expect:
        says += f" It switches between {expect['switch_point'].replace('..', ' and ')}."
    keys = {"metric": metric, "dose": trace.variable}
    raw = claim(slug(trace.id, "has-a-dose"), says, "dose_response", trace.on, keys, expect)
    yield Finding(PHASE, raw, figures(**shown))


def flat(study: Study, trace: Trace, steepest: float) -> Finding | None:
    """The claim that the dose means nothing here, where it means much elsewhere."""
    slope = study.predicted(_seen(study, trace), "slope")
    if slope.largest > FLAT * steepest:
        return None
    says = f"{trace.what[:1].upper()}{trace.what[1:]} hardly moves the answer."
    keys = {"metric": plain(study.choices), "dose": trace.variable}
    raw = claim(
        slug(trace.id, "has-no-dose"),
        says,
        "dose_response",
        trace.on,
        keys,
        {"slope": within(slope.largest)},
    )
    return Finding(PHASE, raw, figures(slope=slope))


def slope(study: Study, trace: Trace) -> float:
    return abs(_seen(study, trace).estimate("slope").estimate)


def _seen(study: Study, trace: Trace) -> Seen:
    metric = plain(study.choices)
    expect = ["spearman", "slope"]
    return study.look("dose_response", trace.on, expect, metric=metric, dose=trace.variable)


def _chance(seen: Seen) -> float:
    """The p-value of the rank correlation of the doses and the mean answer at each."""
    from scipy.stats import spearmanr

    (curve,) = (one for one in seen.result.facts.curves.values() if isinstance(one, Curve))
    found = spearmanr(curve.x, curve.y)
    if len(curve.x) <= FEW:
        return _exact(len(curve.x), float(found.statistic))
    return float(found.pvalue)


def _exact(n: int, rho: float) -> float:
    """The share of all orders of ``n`` doses that correlate as much."""
    ranks = np.arange(n)
    orders = np.array(list(permutations(range(n))))
    rhos = 1 - 6 * ((orders - ranks) ** 2).sum(axis=1) / (n * (n**2 - 1))
    return float(np.mean(np.abs(rhos) >= abs(rho) - 1e-9))


def _between(switch: Prediction, study: Study, trace: Trace) -> str | None:
    """The doses between which the answer switches; None where that is outside, or says nothing."""
    doses = [word.dose or 0.0 for word in study.prompts.prompt_set.vary[trace.variable].words]
    first, last = min(doses), max(doses)
    low, high = floor(10 * switch.low) / 10, ceil(10 * switch.high) / 10
    if low < first or high > last or high - low > (last - first) / 2:
        return None
    return f"{number(low)}..{number(high)}"
