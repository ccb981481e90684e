"""Data as checks that read attention, neurons, probes and logits measure them; see `checks`."""

from __future__ import annotations

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.selection import search
from ppcheck.measure.probes.fitting import ProbeTask
from ppcheck.measure.probes.separation import Classes, Doses, Trait
from ppcheck.measure.probes.skill import Skill
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.statistics.first_layer import Settled
from ppcheck.statistics.means_apart import MeansApart
from ppcheck.statistics.statistics import Mean, Ratio, Statistic
from tests.calibration.trial import (
    HEADS,
    NEURONS,
    SITES,
    WIDTH,
    Trial,
    noisy,
    prompts_in,
)


def attention(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """All heads, attention to one class less attention to another; skewed, as attention is."""
    found: list[Statistic] = []
    for head in range(HEADS):
        to, against = rng.beta(0.5, 3, size=(2, n))
        gaps = to - against + (effect if head == HEADS - 1 else 0.0)
        found.append(Mean(gaps, np.arange(n), "difference", f"L0H{head}", support=(-1, 1)))
    return Trial(tuple(found), {"difference": "> 0"})


def attention_apart(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Attention in units of one class less that in as many units of another; skewed."""
    paid, first = rng.beta(0.5, 3, size=n), np.arange(n) < n // 2
    gap = MeansApart(paid + effect * first, first, np.arange(n), "difference", None, (0.0, 1.0))
    return Trial((gap,), {"difference": "> 0"})


def logit_lens(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """After the block before the last the margin is 0, or this much: 0 is not decided yet."""
    final, units = noisy(rng, n, 4, 3.0)
    edge = noisy(rng, n, 4, effect)[0]
    margins = np.stack([edge - final, edge, final], axis=1)
    return Trial(
        (Settled(margins, final, units, "decided_at"),),
        {"decided_at": "<= 1"},
        wrong=frozenset({Verdict.HOLDS}),
    )


def attribution(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """All heads, each adding noise to a metric; the last one may add some of it."""
    total, units = noisy(rng, n, 4, 3.0)
    found: list[Statistic] = []
    for head in range(SITES):
        added = (effect * total if head == SITES - 1 else 0.0) + 0.5 * noisy(rng, n, 4)[0]
        found.append(Ratio(added, total, units, "share", f"L0H{head}"))
    return Trial(tuple(found), {"share": "> 0"})


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
    one = trait.result(activations[:, best], found.evaluation_mask(prompts), "best")
    return Trial((one.statistic,), {name: bound})


def probe(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Out-of-fold accuracy of two classes in `WIDTH` coordinates, of which the first may tell.

    Most units are right in one half of their prompts, and an interval may end at 1/2 itself, which
    is not above 1/2: only a claim that holds is false.
    """
    classes = Classes.of(prompts_in(n), "feeling", ("a", "b"))
    return _probe(rng, n, classes.first.astype(np.float64), effect, "> 0.5")


def probe_dose(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Out-of-fold R2, which chance alone makes negative: only a claim that holds is false."""
    doses = Doses.of(prompts_in(n, doses=True), "feeling")
    return _probe(rng, n, doses.doses, effect, "> 0")


def _probe(rng: np.random.Generator, n: int, labels: Floats, effect: float, bound: str) -> Trial:
    features = np.stack([noisy(rng, n, 4)[0] for _ in range(WIDTH)], axis=1)
    features[:, 0] += effect * labels
    units = np.repeat(np.arange(n), 4)
    skill = Skill(ProbeTask(labels, units, labels.max() == 1, folds=5, seed=0), units)
    told = skill.task.predict(features, labels[None]).values
    statistic = skill.of(skill.merits(labels[None], told)[0], skill.name)
    return Trial((statistic,), {skill.name: bound}, wrong=frozenset({Verdict.HOLDS}))
