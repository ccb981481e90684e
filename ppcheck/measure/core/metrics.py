"""Metrics: from logits at the final position to one number a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from ppcheck.arrays import Floats, Integers, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.loss import unrolled
from ppcheck.spec.expectations.metric import OF_CHOICES, Metric, Metrics, Reading
from ppcheck.spec.prompts.prompt_set import Pool
from ppcheck.subject.interventions.readout import Answers, Readout
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded


@dataclass(frozen=True, eq=False)
class ChoiceReadout:
    """A metric over the logits of choices alone.

    ``tokens`` [prompt, k] holds the tokens of all choices side by side, whichever the metric is
    about, so that metrics of one prompt set share what is measured; ``sizes`` says how many
    synonyms each choice has, and ``own`` which choices the metric names.
    """

    reading: Reading
    tokens: Integers
    sizes: tuple[int, ...]
    pool: Pool
    own: tuple[int, ...]

    def values(self, logits: Floats, rows: Integers) -> Floats:
        del rows
        pooled = pool_synonyms(logits, self.sizes, self.pool)
        if self.reading is Reading.LOGIT_DIFF:
            return pooled[:, self.own[0]] - pooled[:, self.own[1]]
        own: Floats = log_softmax(pooled)[:, self.own[0]]
        return own if self.reading is Reading.LOG_P else np.exp(own)


@dataclass(frozen=True, eq=False)
class VocabularyReadout:
    """A metric of one choice over the whole vocabulary; ``answers`` [prompt, synonym]."""

    reading: Reading
    answers: Integers
    pool: Pool
    tokens: None = None

    def values(self, logits: Floats, rows: Integers) -> Floats:
        answers = self.answers[rows]
        if self.reading is Reading.RANK:
            best = np.take_along_axis(logits, answers, axis=1).max(axis=1, keepdims=True)
            ranks: Floats = (logits > best).sum(axis=1).astype(np.float64)
            return ranks
        chosen = np.take_along_axis(log_softmax(logits), answers, axis=1)
        pooled = pool_synonyms(chosen, (chosen.shape[1],), self.pool)[:, 0]
        return pooled if self.reading is Reading.LOG_PROB else np.exp(pooled)


@dataclass(frozen=True, eq=False)
class DivergenceReadout:
    """Kullback-Leibler divergence, in nats, from ``reference`` to the distribution that is read.

    ``reference`` [prompt, vocabulary] holds log-probabilities.
    """

    reference: Floats
    tokens: None = None

    def values(self, logits: Floats, rows: Integers) -> Floats:
        reference = self.reference[rows]
        gaps = np.exp(reference) * (reference - log_softmax(logits))
        total: Floats = gaps.sum(axis=1)
        return total


def readout(
    metric: Metric, encoded: Encoded, pool: Pool, reference: Floats | None = None
) -> Readout:
    """The readout of a metric at the final position.

    Raises MeasurementError where a choice is several tokens, or one answer begins with another.
    """
    if metric.reading is Reading.LOSS:
        raise MeasurementError("`loss` is not read at the final token: see `Rows`")
    if metric.reading is Reading.KL:
        if reference is None:
            raise MeasurementError("`kl` compares with a clean run: use it in a patching claim")
        return DivergenceReadout(reference)
    names = _read_by(metric, encoded)
    check_exclusive(encoded, names)
    for name in names:
        _check_single(encoded, name, metric)
    if metric.reading in (Reading.PROB, Reading.LOG_PROB, Reading.RANK):
        return VocabularyReadout(metric.reading, _tokens(encoded, metric.choices[0]), pool)
    columns = _columns(encoded)
    sizes = tuple(column.shape[1] for column in columns.values())
    own = tuple(list(columns).index(name) for name in metric.choices)
    return ChoiceReadout(metric.reading, np.hstack(list(columns.values())), sizes, pool, own)


def own_readout(subject: Subject, encoded: Encoded, metric: Metric, pool: Pool) -> Readout:
    """The same; `kl` is the divergence from what the model itself outputs after each prompt."""
    if metric.reading is Reading.KL:
        return readout(metric, encoded, pool, subject.log_distribution(encoded))
    return readout(metric, encoded, pool)


def read(subject: Subject, encoded: Encoded, metric: Metric, pool: Pool) -> Floats:
    """The metric on untouched runs, [prompt].

    p, prob and their logarithms take choices of many tokens.
    """
    if metric.reading is Reading.LOSS:
        asked = unrolled(encoded, metric.variable)
        found = subject.read(asked.encoded, Answers(asked.following[:, None]))
        return asked.losses(found[:, 1])
    names = _read_by(metric, encoded)
    if metric.reading in (Reading.PROB, Reading.LOG_PROB):
        pooled: Floats = log_probs(subject, encoded, names, pool)[:, 0]
        return pooled if metric.reading is Reading.LOG_PROB else np.exp(pooled)
    if metric.reading not in OF_CHOICES or all(is_single(encoded, name) for name in names):
        return subject.read(encoded, readout(metric, encoded, pool))
    shares: Floats = log_softmax(log_probs(subject, encoded, names, pool))[:, 0]
    return shares if metric.reading is Reading.LOG_P else np.exp(shares)


def log_probs(subject: Subject, encoded: Encoded, names: Sequence[str], pool: Pool) -> Floats:
    """Log-probability in nats of each of these choices, of any number of tokens, [prompt, choice].

    Raises MeasurementError where one answer begins with another.
    """
    check_exclusive(encoded, names)
    synonyms = [_of_synonyms(subject, encoded, name) for name in names]
    return np.hstack([pool_synonyms(each, (each.shape[1],), pool) for each in synonyms])


def mass(subject: Subject, encoded: Encoded, names: Sequence[str]) -> Floats:
    """Probability of all these choices together, [prompt].

    It is of the synonyms' sum, however they are pooled. What begins with another answer is part of
    that one's probability, and is not counted again.
    """
    answers = [ids for name in names for ids in zip(*encoded.choices(name), strict=True)]
    chances = np.hstack([np.exp(_of_synonyms(subject, encoded, name)) for name in names])
    for (place, longer), (other, shorter) in permutations(enumerate(answers), 2):
        within = [
            long[: len(short)] == short and (len(short) < len(long) or other < place)
            for long, short in zip(longer, shorter, strict=True)
        ]
        chances[within, place] = 0
    whole: Floats = np.minimum(chances.sum(axis=1), 1.0)
    return whole


def counted_choices(encoded: Encoded, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The choices whose mass takes no further pass: those that metrics read, and of one token.

    None where no metric is of choices.
    """
    own = {name for metric in metrics if metric.choices for name in _read_by(metric, encoded)}
    names = encoded.prompts[0].choices if own else ()
    return tuple(name for name in names if name in own or is_single(encoded, name))


def same(first: Floats, second: Floats, step: float) -> Mask:
    """Where two values of a metric differ by no more than rounding, ``step``."""
    close: Mask = np.abs(np.subtract(first, second)) <= step
    return close


def settled(values: Floats, reference: Floats, step: float) -> Floats:
    """The values, where they differ from the reference by more than rounding; else the reference.

    Both are broadcast against each other, [..., prompt].
    """
    return np.where(same(values, reference, step), reference, values)


def check_gap(metric: Metric, clean: Floats, corrupted: Floats, step: float) -> None:
    """Raises MeasurementError where the metric cannot tell clean from corrupted, [pair] each."""
    if same(clean, corrupted, step).all():
        raise MeasurementError(f"{metric} is the same on clean and corrupted prompts: no gap")


def leverage(doses: Floats) -> float:
    """By how much a least-squares slope over these changes where each value moves by 1 at most."""
    moves = doses - doses.mean()
    return float(np.abs(moves).sum() / (moves**2).sum())


LEAST = 0.05
"""The least gap of which a share is read, in standard deviations of the metric over the prompts."""


def least_gap(*values: Floats) -> float:
    """Below this a mean difference of the metric, whose values these are, is next to none.

    A twentieth of a standard deviation tells two groups of prompts apart no better than 51 in 100
    guesses; a share of so little is a quotient of two accidents.
    """
    return LEAST * float(np.std(np.concatenate(values)))


def beside(name: str, other: str) -> str:
    """What ``other`` is called in the metric in which a statistic is called ``name``."""
    _, at, metric = name.partition("@")
    return f"{other}{at}{metric}"


def pool_synonyms(logits: Floats, sizes: Sequence[int], pool: Pool) -> Floats:
    """Synonyms side by side [row, k] to one column a choice [row, choice]."""
    from scipy.special import logsumexp

    stops = np.cumsum(sizes)
    columns = []
    for start, stop in zip(stops - np.asarray(sizes), stops, strict=True):
        part = logits[:, start:stop]
        if pool == "sum":
            columns.append(logsumexp(part, axis=1))
        else:
            columns.append(part.mean(axis=1) if pool == "mean" else part.max(axis=1))
    return np.stack(columns, axis=1)


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities of each row of [row, k]."""
    from scipy import special

    log_probabilities: Floats = special.log_softmax(logits, axis=1)
    return log_probabilities


def is_single(encoded: Encoded, choice: str) -> bool:
    """Whether every synonym of the choice is one token, after every prompt."""
    return all(len(ids) == 1 for synonyms in encoded.choices(choice) for ids in synonyms)


def check_exclusive(encoded: Encoded, names: Sequence[str]) -> None:
    """Raises MeasurementError where one answer begins with another: it would count twice."""
    answers = [
        (name, ids)
        for name in names
        for ids in zip(*encoded.choices(name), strict=True)  # of one synonym, [prompt]
    ]
    for (name, ids), (other, others) in combinations(answers, 2):
        for prompt, a, b in zip(encoded.prompts, ids, others, strict=True):
            shared = min(len(a), len(b))
            if a[:shared] == b[:shared]:
                which = f"two answers of {name!r}" if name == other else f"{name!r} and {other!r}"
                raise MeasurementError(
                    f"{which} begin with the same token(s) after {prompt.text!r}, and one of them "
                    "with the whole other: they would be counted twice"
                )


def metric_facts(metrics: Metrics) -> Facts:
    """``metric`` is the first; ``linear_in_logits`` says whether any of them is."""
    named = tuple(map(str, metrics))
    return Facts(metric=named[0], metrics=named, linear_in_logits=metrics.linear)


def metric_notes(metrics: Metrics) -> tuple[str, ...]:
    """What to mind where no metric is linear in the logits (Heimersheim & Nanda 2024)."""
    of_logits = [metric for metric in metrics if metric.outcome is None]
    if metrics.linear or not of_logits:
        return ()
    *others, last = map(str, of_logits)
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    hides = f"{names} not linear in the logits and can hide what works against an effect"
    return (f"{hides}: name a logit_diff beside {'them' if others else 'it'}",)


def _read_by(metric: Metric, encoded: Encoded) -> tuple[str, ...]:
    """The choices whose logits the metric needs, its own first."""
    if metric.reading not in OF_CHOICES:
        return metric.choices
    return tuple(dict.fromkeys((*metric.choices, *encoded.prompts[0].choices)))


def _check_single(encoded: Encoded, choice: str, metric: Metric) -> None:
    for prompt, synonyms in zip(encoded.prompts, encoded.choices(choice), strict=True):
        for text, ids in zip(prompt.choices[choice], synonyms, strict=True):
            if len(ids) != 1:
                raise MeasurementError(
                    f"the choice {choice!r} ({text!r}) is {len(ids)} tokens, and {metric} reads "
                    "one position: give an answer of one token, or use log_prob in a behaviour "
                    "claim"
                )


def _tokens(encoded: Encoded, choice: str) -> Integers:
    """The token of each synonym of a choice of single tokens, [prompt, synonym]."""
    rows = encoded.choices(choice)
    return np.array([[ids[0] for ids in synonyms] for synonyms in rows], dtype=np.int64)


def _columns(encoded: Encoded) -> dict[str, Integers]:
    """The same of every choice of single tokens, whichever is asked for: they are read together."""
    names = [name for name in encoded.prompts[0].choices if is_single(encoded, name)]
    return {name: _tokens(encoded, name) for name in names}


def _of_synonyms(subject: Subject, encoded: Encoded, choice: str) -> Floats:
    """Log-probability in nats of each synonym of a choice, [prompt, synonym]."""
    if not is_single(encoded, choice):
        synonyms = zip(*encoded.choices(choice), strict=True)
        return np.stack([subject.log_probs(encoded, ids) for ids in synonyms], axis=1)
    columns = _columns(encoded)
    found = subject.read(encoded, Answers(np.hstack(list(columns.values()))))
    known = np.split(found, 2, axis=1)[1]
    stops = np.cumsum([column.shape[1] for column in columns.values()])
    return np.split(known, stops[:-1], axis=1)[list(columns).index(choice)]
