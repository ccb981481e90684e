"""What the study reads from untouched runs, held to transformers alone: two claims of each check.

The plain side has code of its own (`plain.py`) for tokens, positions, activations and metrics.
Claims are measured on a few of their prompts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
import torch

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.check import unit_labels, units_of
from ppcheck.measure.probes.fitting import ProbeTask
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import Position
from tests.real.conftest import Agree, Ask
from tests.real.plain import Plain

pytestmark = pytest.mark.slow
both = pytest.mark.parametrize("number", [0, 1])


def chances(plain: Plain, prompts: Sequence[Prompt]) -> Floats:
    """Probability of each choice, whatever its number of tokens, [prompt, choice]."""
    rows = []
    for prompt in prompts:
        ids = plain.text(prompt).ids
        answers = [plain.answer(prompt, name) for name in prompt.choices]
        row = []
        for answer in answers:
            logits = plain.logits((*ids, *answer), every=True).log_softmax(-1)
            after = range(len(ids) - 1, len(ids) - 1 + len(answer))
            row.append(sum(float(logits[n, t]) for n, t in zip(after, answer, strict=True)))
        rows.append(row)
    return np.asarray(np.exp(rows))


def untouched(plain: Plain, metrics: Iterable[Metric], prompts: Sequence[Prompt]) -> Floats:
    """The metrics after each prompt, [metric, prompt]."""
    named, rows = list(metrics), []
    for prompt in prompts:
        logits = plain.logits(plain.text(prompt).ids)
        rows.append([float(plain.metric(metric, prompt, logits)[0]) for metric in named])
    return np.array(rows).T


@both
def test_choices_have_the_same_probabilities(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    said = ask("choice", number, units=3)
    found = chances(plainly, said.prompts)
    shares = found / found.sum(axis=1, keepdims=True)
    own = list(said.prompts[0].choices).index(said.claim.choice)
    agree(said.values("probability"), shares[:, own])
    agree(said.values("mass"), found.sum(axis=1))
    agree(said.values("rate"), shares.argmax(axis=1) == own)


@both
def test_contrasts_are_the_same(ask: Ask, plainly: Plain, agree: Agree, number: int) -> None:
    said = ask("contrast", number, units=3)
    metrics, pairs = said.claim.metric, said.pairs(plainly)
    clean = untouched(plainly, metrics, [pair.clean for pair in pairs])
    corrupted = untouched(plainly, metrics, [pair.corrupted for pair in pairs])
    for metric, differences in zip(metrics, clean - corrupted, strict=True):
        agree(said.values(metrics.name("difference", metric)), differences)
        agree(said.estimate(metrics.name("positive", metric)), (differences > 0).mean())


@both
def test_responses_to_doses_are_the_same(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    from scipy.stats import spearmanr

    said = ask("dose_response", number, units=2)
    curves: dict[tuple[str, ...], list[Prompt]] = defaultdict(list)
    for prompt in said.prompts:
        pieces = [piece for turn in prompt.turns for piece in turn.pieces]
        shown = (piece.text for piece in pieces if piece.variable != said.claim.dose)
        curves[tuple(shown)].append(prompt)
    metrics = said.claim.metric
    of_curves = [untouched(plainly, metrics, prompts) for prompts in curves.values()]
    for place, metric in enumerate(metrics):
        slopes, correlations = [], []
        for prompts, values in zip(curves.values(), of_curves, strict=True):
            doses = np.array([prompt.words[said.claim.dose].dose for prompt in prompts])
            moves = doses - doses.mean()
            slopes.append((moves * values[place]).sum() / (moves**2).sum())
            correlations.append(spearmanr(doses, values[place]).statistic)
        agree(said.values(metrics.name("slope", metric)), slopes)
        agree(said.values(metrics.name("spearman", metric)), correlations)


@both
def test_replies_have_the_same_outcomes(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    said = ask("reply", number, units=3)
    found = []
    for prompt in said.prompts:
        row = torch.tensor([plainly.text(prompt).ids])
        how = {"do_sample": False, "max_new_tokens": said.claim.tokens}
        whole = plainly.model.generate(row, attention_mask=torch.ones_like(row), **how)
        ends = plainly.tokenizer.eos_token_id
        kept = [token for token in whole[0, row.shape[1] :].tolist() if token != ends]
        text = plainly.tokenizer.decode(kept)
        places = {
            name: match.start()
            for name, pattern in said.claim.outcomes.items()
            if (match := re.search(pattern, text))
        }
        found.append(min(places, key=lambda name: places[name]) if places else "other")
    for name in (*said.claim.outcomes, "other"):
        agree(said.values(f"rate({name})"), [outcome == name for outcome in found])


def read(plain: Plain, site: str, position: Position, prompts: Sequence[Prompt]) -> Floats:
    """What stands at one token of each prompt, [prompt, width]."""
    rows = []
    for prompt in prompts:
        (token,) = plain.at(prompt, position)
        rows.append(plain.activations(plain.text(prompt).ids, [site])[site][token].numpy())
    return np.stack(rows)


def constant(features: Floats) -> Mask:
    """What differs between prompts by less than 1e-5 of its size, which is not standardised."""
    size = np.maximum(np.abs(features).max(axis=0), np.sqrt((features**2).mean()))
    return np.asarray(np.ptp(features, axis=0) <= 1e-5 * size)


def log_odds(features: Floats, task: ProbeTask) -> Floats:
    """Out-of-fold log-odds of the first class, by a regression of its own."""
    from sklearn.linear_model import LogisticRegression

    features = np.where(constant(features), 0, features)
    found = np.full(len(features), np.nan)
    for train, test in task.splits:
        middle, scale = features[train].mean(axis=0), features[train].std(axis=0)
        # A column without any spread over the training part is centred alone.
        standard = (features - middle) / np.where(scale > 1e-12, scale, 1)
        fit = LogisticRegression(C=1.0, max_iter=1000).fit(standard[train], task.labels[train])
        found[test] = fit.decision_function(standard[test])
    return found


@both
def test_probes_predict_the_same(ask: Ask, plainly: Plain, agree: Agree, number: int) -> None:
    from scipy.special import expit

    said = ask("probe", number, units=7, words=2, shuffles=1)
    ((variable, (first, second)),) = said.claim.separates.items()
    prompts = [p for p in said.prompts if p.words[variable].label in (first, second)]
    labels = np.array([float(p.words[variable].label == first) for p in prompts])
    held_out = said.claim.hold_out
    words = unit_labels([p.words[held_out].text for p in prompts]) if held_out else None
    task = ProbeTask(labels, units_of(prompts), True, said.claim.folds, 0, words)
    for train, test in task.splits:  # the folds are ppcheck's, and as they are documented
        assert not {prompts[n].unit for n in train} & {prompts[n].unit for n in test}
        assert words is None or not set(words[train]) & set(words[test])
    (position,) = said.claim.position
    odds = log_odds(read(plainly, str(said.claim.site), position, prompts), task)
    # As probabilities: log-odds are as sure as the end of a fit, which has a tolerance.
    agree(expit(said.values("auroc")), expit(odds))
    right = (odds > 0) == (labels == 1)
    agree(said.estimate("accuracy"), right.mean())
    texts = [re.findall(r"\w+|[^\w\s]", prompt.text) for prompt in prompts]
    known = sorted({word for text in texts for word in text})
    counts = np.array([[float(text.count(word)) for word in known] for text in texts])
    by_words = log_odds(counts, task)
    half = np.where(np.abs(by_words) > 1e-6, (by_words > 0) == (labels == 1), 0.5)
    agree(said.estimate("over_words"), right.mean() - half.mean())


def paid(plain: Plain, prompt: Prompt, head: str, query: Position, keys: Position) -> float | None:
    """What a head pays to some tokens, averaged over the queries that see any of them."""
    pattern = plain.attention(plain.text(prompt).ids, head)
    found = []
    for token in plain.at(prompt, query):
        named = [token - 1] if keys.kind == "previous" else plain.at(prompt, keys)
        if seen := [key for key in named if 0 <= key <= token]:
            found.append(float(pattern[token, seen].sum()))
    return float(np.mean(found)) if found else None


@both
def test_heads_attend_the_same(ask: Ask, plainly: Plain, agree: Agree, number: int) -> None:
    said = ask("attention", number, units=3)
    claim = said.claim
    for name, keys in (("attention", claim.to), ("against", claim.against)):
        for member in said.members(name) if keys else ():
            judged = said.judged(name, member)
            head = member or str(claim.site)
            found = [paid(plainly, prompt, head, claim.query, keys) for prompt in judged]
            agree(said.values(name, member), found)
            others = [prompt for prompt in said.prompts if prompt not in judged]
            assert claim.top or all(
                paid(plainly, prompt, head, claim.query, keys) is None for prompt in others[:1]
            )


def apart(scores: Floats, first: Mask) -> Floats:
    """How often a prompt of the first class is above one of the second, ties half, [neuron]."""
    gaps = scores[first][:, None] - scores[~first][None]
    return np.asarray(((gaps > 0) + (gaps == 0) / 2).mean(axis=(0, 1)))


@both
def test_neurons_have_the_same_activations_and_the_same_one_leads(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    said = ask("neuron", number, units=4, words=2)
    ((variable, classes),) = said.claim.separates.items()
    (member,) = said.result.facts.kept or ()
    judged = said.judged("auroc", member)
    units = {prompt.unit for prompt in judged}
    asked = [prompt for prompt in said.prompts if prompt.words[variable].label in classes]
    looked = [prompt for prompt in asked if prompt.unit not in units]
    layers = [f"L{layer}N*" for layer in range(plainly.layers)]

    def activations(prompts: Sequence[Prompt]) -> tuple[Floats, Mask]:
        rows = []
        for prompt in prompts:
            (token,) = plainly.at(prompt, said.claim.position)
            found = plainly.activations(plainly.text(prompt).ids, layers)
            rows.append(torch.cat([found[layer][token] for layer in layers]).numpy())
        labels = [prompt.words[variable].label == classes[0] for prompt in prompts]
        return np.stack(rows), np.array(labels)

    seen, sides = activations(looked)
    separated = 2 * apart(seen, sides) - 1
    leader = int(np.abs(separated).argmax())
    width = seen.shape[1] // plainly.layers
    assert member == f"L{leader // width}N{leader % width}"
    scores, sides = activations(judged)
    own = np.sign(separated[leader]) * scores[:, [leader]]
    agree(said.values("auroc", member), own[:, 0])
    agree(said.estimate("auroc", member), apart(own, sides)[0])
