"""Data as each check would measure them, on a model that has the effect or has not.

A new check is one function here or, where it reads activations or intervenes, in the file of that
name. It takes a generator, the number of units and the size of the effect (0 is none), and gives
what the check would hand to the judge. Its first statistic's bound must be just missed where there
is no effect, so that every verdict is then a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppcheck.judge.verdict import Verdict
from ppcheck.statistics.counted import CountedMean
from ppcheck.statistics.statistics import Mean, Proportion, StandardisedMean, Statistic
from tests.calibration.activations import (
    attention,
    attention_apart,
    attribution,
    logit_lens,
    neuron,
    neuron_dose,
    probe,
    probe_dose,
)
from tests.calibration.interventions import (
    ablate,
    circuit,
    circuit_area,
    circuit_beats,
    direction_ablation,
    flow,
    localisation,
    localisation_margin,
    localisation_participation,
    localisation_tie,
    patch,
    path,
    role,
    small_gap,
    steer,
    steer_excess,
)
from tests.calibration.trial import (
    DOSES,
    HEADS,
    NEURONS,
    RANDOM,
    SITES,
    Make,
    Trial,
    noisy,
)


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


def reply_rate(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Of each unit four replies, which are as often of the outcome as the unit's odds say."""
    odds, units = noisy(rng, n, 4, effect)
    said = rng.random(len(odds)) < 1 / (1 + np.exp(-odds))
    return Trial((Proportion(said, units, "rate(a)"),), {"rate(a)": "> 0.5"})


def contrast(rng: np.random.Generator, n: int, effect: float) -> Trial:
    gaps, units = noisy(rng, n, 4, effect)
    return Trial((Mean(gaps, units, "difference"),), {"difference": "> 0"})


def contrast_rates(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """One reply to either prompt of a pair, of an outcome that one in ten has."""
    first, second = (rng.random(n) < share for share in (0.1 + effect, 0.1))
    gaps = first.astype(np.float64) - second
    found = CountedMean(gaps, np.arange(n), "difference", support=(-1, 1))
    return Trial((found,), {"difference": "> 0"})


def contrast_standardised(rng: np.random.Generator, n: int, effect: float) -> Trial:
    gaps, units = noisy(rng, n, 4, effect)
    return Trial((StandardisedMean(gaps, units, "standardised"),), {"standardised": "> 0"})


def dose_response(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """A curve a unit; its values are noise about a line."""
    from scipy.stats import spearmanr

    curves = effect * (DOSES - 4.5) / 4 + rng.normal(size=(n, 8))
    ranks = np.array([spearmanr(DOSES, curve).statistic for curve in curves])
    return Trial((Mean(ranks, np.arange(n), "spearman", support=(-1, 1)),), {"spearman": "> 0"})


def equivalence(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """TOST: the change lies on the edge of what is allowed, or this much further inside."""
    changes, units = noisy(rng, n, 4, 1.0 - effect)
    return Trial(
        (Mean(changes, units, "change"),),
        {"change": "-1..1"},
        confidence=0.9,
        wrong=frozenset({Verdict.HOLDS}),
    )


def violations(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Independent draws of which a fifth break the condition, or fewer."""
    broken = rng.random(n) < 0.2 - effect
    return Trial((Proportion(broken, np.arange(n), "violations"),), {"violations": "< 0.2"})


def invariance(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Every edit moves the metric as far as is allowed, or this much less."""
    shared = noisy(rng, n, 1)[0]
    found: list[Statistic] = []
    for edit in range(SITES):
        changes, units = noisy(rng, n, 1, 1.0 - effect)
        found.append(Mean(changes + shared, units, "largest", f"wording={edit}"))
    return Trial(
        tuple(found), {"largest": "-1..1"}, confidence=0.9, wrong=frozenset({Verdict.HOLDS})
    )


@dataclass(frozen=True)
class Study:
    """One check, or one of its statistics, and the effects at which its power is measured.

    A `family` is judged with every correction, other statistics of several members by max-T alone.
    """

    check: str
    make: Make
    effects: tuple[float, ...]
    family: bool = False


STUDIES: tuple[Study, ...] = (
    Study("choice: probability", choice, (0.5, 1.0)),
    Study("choice: rate", choice_rate, (0.5, 1.0)),
    Study("reply: rate", reply_rate, (0.5, 1.0)),
    Study("contrast: difference", contrast, (0.5, 1.0)),
    Study("contrast: difference of rates", contrast_rates, (0.3, 0.6)),
    Study("contrast: standardised", contrast_standardised, (0.5, 1.0)),
    Study("dose_response: spearman", dose_response, (0.5, 1.0)),
    Study(f"patch: recovery of {HEADS} heads", patch, (0.1, 0.3), family=True),
    Study("patch: recovery where the gap is small", small_gap, (0.1, 0.3)),
    Study(f"attention: difference of {HEADS} heads", attention, (0.1, 0.2), family=True),
    Study("attention: difference of two groups", attention_apart, (0.1, 0.2)),
    Study(f"neuron: auroc, best of {NEURONS}", neuron, (1.0, 2.0)),
    Study(f"neuron: correlation, best of {NEURONS}", neuron_dose, (1.0, 2.0)),
    Study("logit_lens: decided_at", logit_lens, (0.5, 1.0)),
    Study(f"attribution: share of {SITES} heads", attribution, (0.1, 0.3)),
    Study("probe: accuracy", probe, (1.0, 2.0)),
    Study("probe: r2", probe_dose, (0.5, 1.0)),
    Study("equivalence: change", equivalence, (0.5, 1.0)),
    Study("property: violations", violations, (0.1, 0.15)),
    Study(f"invariance: largest of {SITES} edits", invariance, (0.5, 1.0)),
    Study(f"ablate: drop of {SITES} heads", ablate, (0.5, 1.0)),
    Study(f"role: strength, best of {SITES}", role, (0.2, 0.4)),
    Study("flow: handover", flow, (0.1, 0.3)),
    Study("localisation: largest_share, one site ahead", localisation, (0.05, 0.1)),
    Study("localisation: largest_share, a tie", localisation_tie, (0.05, 0.1)),
    Study("localisation: participation", localisation_participation, (0.2, 0.3)),
    Study("localisation: margin", localisation_margin, (0.05, 0.1)),
    Study("path: recovery of 4 paths", path, (0.1, 0.3)),
    Study("steer: effect", steer, (0.5, 1.0)),
    Study(f"steer: excess over {RANDOM} random directions", steer_excess, (4.0, 8.0)),
    Study("direction_ablation: drop_share", direction_ablation, (0.5, 1.0)),
    Study(f"circuit: minimality of {SITES} nodes", circuit, (0.1, 0.3)),
    Study("circuit: beats_random", circuit_beats, (0.3, 0.6)),
    Study("circuit: cmd", circuit_area, (0.05, 0.1)),
)
