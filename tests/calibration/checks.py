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
from ppcheck.measure.control import beyond
from ppcheck.measure.decoding import Classes, Doses, Trait
from ppcheck.measure.faithfulness import Beaten, Deviation, areas
from ppcheck.measure.first_layer import FirstLayer, Settled
from ppcheck.measure.probing import Task
from ppcheck.measure.ranking import Margin, Participation, largest_share
from ppcheck.measure.search import Mask, first_half, search
from ppcheck.measure.skill import Skill
from ppcheck.measure.statistics import (
    Floats,
    Labels,
    Mean,
    Proportion,
    Ratio,
    StandardisedMean,
    Statistic,
)
from ppcheck.measure.strength import Criterion, Strength, Strengths
from ppcheck.spec.grid import Grid, Prompt
from ppcheck.spec.prompts import PromptSet

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


def attention(rng: np.random.Generator, n: int, effect: float) -> Trial:
    """All heads, attention to one class less attention to another; skewed, as attention is."""
    found: list[Statistic] = []
    for head in range(HEADS):
        to, against = rng.beta(0.5, 3, size=(2, n))
        gaps = to - against + (effect if head == HEADS - 1 else 0.0)
        found.append(Mean(gaps, np.arange(n), "difference", f"L0H{head}", support=(-1, 1)))
    return Trial(tuple(found), {"difference": "> 0"})


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
    one = trait.measured(activations[:, best], found.judged(prompts), "best")
    return Trial((one.statistic,), {name: bound})


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
    masks = [found.judged(*criterion.sides) for criterion in criteria]
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
    skill = Skill(Task(labels, units, labels.max() == 1, folds=5, seed=0), units)
    told = skill.task.tell(features, labels[None]).values
    statistic = skill.of(skill.merits(labels[None], told)[0], skill.name)
    return Trial((statistic,), {skill.name: bound}, wrong=frozenset({Verdict.HOLDS}))


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
    Study("contrast: difference", contrast, (0.5, 1.0)),
    Study("contrast: standardised", contrast_standardised, (0.5, 1.0)),
    Study("dose_response: spearman", dose_response, (0.5, 1.0)),
    Study(f"patch: recovery of {HEADS} heads", patch, (0.1, 0.3), family=True),
    Study(f"attention: difference of {HEADS} heads", attention, (0.1, 0.2), family=True),
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
