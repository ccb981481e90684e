"""Data as checks that patch, ablate and steer would measure them; see `checks`."""

from __future__ import annotations

import numpy as np

from ppcheck.arrays import Floats, Labels, Mask
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.circuits.faithfulness import Beaten, Deviation, areas
from ppcheck.measure.core.metrics import least_gap
from ppcheck.measure.core.ranking import Margin, Participation, largest_share
from ppcheck.measure.core.selection import first_half, search
from ppcheck.measure.core.strength import Criterion, Strength, Strengths
from ppcheck.measure.directions.controls import beyond
from ppcheck.statistics.first_layer import FirstLayer
from ppcheck.statistics.statistics import Gap, Mean, Ratio, Statistic
from tests.calibration.trial import (
    HEADS,
    LAYERS,
    RANDOM,
    SITES,
    Trial,
    noisy,
    prompts_in,
)


def patch(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """All heads, their changes correlated; in the last one there may be an effect."""
    gaps, units = noisy(rng, n, 4, 3.0)
    shared = noisy(rng, n, 4)[0]
    found: list[Statistic] = []
    for head in range(HEADS):
        moved = (effect * gaps if head == HEADS - 1 else 0.0) + 0.5 * (shared + noisy(rng, n, 4)[0])
        found.append(Ratio(moved, gaps, units, "recovery", f"L0H{head}"))
    return Trial(tuple(found), {"recovery": "> 0"})


def small_gap(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """A site that carries all of a gap of so many standard deviations; without one, of nothing."""
    base, units = noisy(rng, n, 4)
    clean, corrupted = base + effect * np.sqrt(2), base + 0.1 * noisy(rng, n, 4)[0]
    gaps = clean - corrupted
    moved = effect * np.sqrt(2) + 0.1 * noisy(rng, n, 4)[0]
    gap = Gap("gap", abs(float(gaps.mean())), least_gap(clean, corrupted))
    share = Ratio(moved, gaps, units, "recovery", gap=gap)
    return Trial((share,), {"recovery": ">= 0.5"})


def path(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """All paths from some senders to some receivers; what one sender tells two of them is alike."""
    gaps, units = noisy(rng, n, 4, 3.0)
    sent = [noisy(rng, n, 4)[0] for _ in range(2)]
    found: list[Statistic] = []
    for sender, receiver in np.ndindex(2, 2):
        last = (sender, receiver) == (1, 1)
        moved = (effect * gaps if last else 0.0) + 0.5 * (sent[sender] + noisy(rng, n, 4)[0])
        found.append(Ratio(moved, gaps, units, "recovery", f"L0H{sender} → L1H{receiver}.q"))
    return Trial(tuple(found), {"recovery": "> 0"})


def ablate(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Drops of all sites, correlated by prompts that are hard; in the last there may be one."""
    hard = noisy(rng, n, 4)[0]
    found: list[Statistic] = []
    for site in range(SITES):
        noise, units = noisy(rng, n, 4, effect if site == SITES - 1 else 0.0)
        found.append(Mean(noise + hard, units, "drop", f"L0H{site}"))
    return Trial(tuple(found), {"drop": "> 0"})


def role(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Sites at the edge of the role, by attention and by effect; the best one is chosen by halves.

    With an effect one site is above the edge by this share of what is needed.
    """
    prompts = prompts_in(n)
    above = np.zeros((SITES, 1))
    above[-1] = effect
    attention = (1 + above) * rng.beta(2, 3, size=(SITES, len(prompts)))
    gaps = noisy(rng, n, 4, 3.0)[0]
    noise = np.array([noisy(rng, n, 4)[0] for _ in range(SITES)])
    criteria = [
        Criterion(attention, np.ones(len(prompts)), (prompts,), 0.4),
        # Only one of the two is at the edge: at both, the smaller one is below it.
        Criterion((0.4 + above) * gaps + 0.3 * noise, gaps, (prompts, prompts), 0.2),
    ]

    def score(looked: Mask) -> Floats:
        return Strengths.of(criteria, [looked, looked]).estimates

    found = search([f"L0H{site}" for site in range(SITES)], prompts, 1, 0, score)
    (best,) = found.kept
    masks = [found.evaluation_mask(*criterion.sides) for criterion in criteria]
    return Trial(
        (Strength(Strengths.of(criteria, masks), best, "strength", f"L0H{best}"),),
        {"strength": "> 1"},
    )


def flow(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """The origin's effect is the destination's in the layer before the last, and then is gone.

    Handover is in the last layer, so that a claim that it is one layer earlier must not hold. With
    an effect, the destination is ahead there by this share of the gap.
    """
    gaps, units = noisy(rng, n, 4, 3.0)
    ahead = np.array([-1.0] * (LAYERS - 2) + [effect, 1.0])
    noise = np.stack([noisy(rng, n, 4)[0] for _ in range(LAYERS)], axis=1)
    margins = gaps[:, None] * ahead + 0.5 * noise
    return Trial(
        (FirstLayer(margins, gaps, units, "handover"),),
        {"handover": f"<= {LAYERS - 2}"},
        wrong=frozenset({Verdict.HOLDS}),
    )


def localisation(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """One site has half of the effect, or more, and no other comes near."""
    return _largest_share(rng, n, (0.5 + effect, 0.3 - effect, 0.2, 0.0))


def localisation_tie(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Two sites share an effect equally: which of them is larger is chance."""
    return _largest_share(rng, n, (0.5 + effect, 0.5 - effect, 0.0, 0.0))


def _largest_share(rng: np.random.Generator, n: int, parts: tuple[float, ...]) -> Trial:
    changes, _, units = _shared(rng, n, parts)
    first = first_half(prompts_in(n), 0)
    return Trial(
        (largest_share(changes, units, first, "largest_share"),), {"largest_share": "> 0.5"}
    )


def localisation_participation(rng: np.random.Generator, n: int, effect: float) -> Trial:
    changes, _, units = _shared(rng, n, (0.5 + effect, 0.5 - effect, 0.0, 0.0))
    first = first_half(prompts_in(n), 0)
    return Trial((Participation(changes, first, units, "participation"),), {"participation": "< 2"})


def localisation_margin(rng: np.random.Generator, n: int, effect: float) -> Trial:
    changes, gaps, units = _shared(rng, n, (0.5 + effect, 0.5 - effect, 0.0, 0.0))
    return Trial((Margin(changes, gaps, units, "margin", (0,), 1),), {"margin": "> 0"})


def _shared(
    rng: np.random.Generator, n: int, parts: tuple[float, ...]
) -> tuple[Floats, Floats, Labels]:
    """Changes [site, example] that are these parts of the gap; the gap; units."""
    gaps, units = noisy(rng, n, 4, 3.0)
    noise = np.array([noisy(rng, n, 4)[0] for _ in parts])
    return np.multiply.outer(np.array(parts), gaps) + 0.3 * noise, gaps, units


def steer(rng: np.random.Generator, n: int, effect: float) -> Trial:
    effects, units = noisy(rng, n, 4, effect)
    return Trial((Mean(effects, units, "effect"),), {"effect": "> 0"})


def steer_excess(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Without an effect the direction is as good as any of the random ones; halves of n units."""
    true = rng.normal(size=RANDOM + 1) + np.r_[effect, np.zeros(RANDOM)]
    seen = true[:, None] + np.stack([noisy(rng, 2 * n, 4)[0] for _ in true])
    units = np.repeat(np.arange(2 * n), 4)
    looked = units % 2 == 0
    excess = beyond(seen[0], seen[1:], looked)[~looked]
    return Trial(
        (Mean(excess, units[~looked], "excess"),),
        {"excess": "> 0"},
        wrong=frozenset({Verdict.HOLDS}),
    )


def direction_ablation(rng: np.random.Generator, n: int, effect: float) -> Trial:
    drops, units = noisy(rng, n, 4, effect)
    untouched, _ = noisy(rng, n, 4, 3.0)
    return Trial((Ratio(drops, untouched, units, "drop_share"),), {"drop_share": "> 0"})


def circuit(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """What each node adds to a circuit; the last may add something."""
    gaps, units = noisy(rng, n, 4, 3.0)
    without = [noisy(rng, n, 4)[0] for _ in range(SITES)]
    found: list[Statistic] = []
    for node, lost in enumerate(without):
        added = (effect * gaps if node == SITES - 1 else 0.0) + 0.5 * lost
        found.append(Ratio(added, gaps, units, "minimality", f"L0H{node}"))
    return Trial(tuple(found), {"minimality": "> 0"})


def circuit_beats(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """Half of the random circuits are as far from the model as to be less faithful, or fewer."""
    own, units = noisy(rng, n, 4, 1.5 - effect)
    far = np.linspace(0.5, 2.5, 20)
    others = np.stack([noisy(rng, n, 4, each)[0] for each in far])
    return Trial((Beaten(own, others, units, "beats_random"),), {"beats_random": "> 0.5"})


def circuit_area(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """An area of |1 - f| of 0.3, or less by the effect; the points of the curve share errors."""
    gaps, units = noisy(rng, n, 4, 3.0)
    shared = noisy(rng, n, 4)[0]
    level = (0.3 - effect) / areas().sum()
    points = [level * gaps + 0.2 * (shared + noisy(rng, n, 4)[0]) for _ in areas()]
    return Trial((Deviation(np.stack(points), gaps, units, "cmd"),), {"cmd": "< 0.3"})
