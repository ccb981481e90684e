"""Metrics: from logits at the final position to one number a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, logsumexp

from ppcheck.errors import MeasurementError
from ppcheck.measure.statistics import Floats
from ppcheck.spec.metric import Metric, Reading
from ppcheck.spec.prompts import Pool
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.readout import Integers, Readout
from ppcheck.subject.subject import Subject


@dataclass(frozen=True, eq=False)
class ChoiceReadout:
    """A metric over the logits of the choices alone.

    ``tokens`` [prompt, k] holds the tokens of all choices side by side; ``sizes`` says how many
    synonyms each choice has, ``read`` which choices the metric names.
    """

    reading: Reading
    tokens: Integers
    sizes: tuple[int, ...]
    read: tuple[int, ...]
    pool: Pool

    def values(self, logits: Floats, rows: Integers) -> Floats:
        del rows
        pooled = pool_synonyms(logits, self.sizes, self.pool)
        if self.reading is Reading.LOGIT_DIFF:
            return pooled[:, self.read[0]] - pooled[:, self.read[1]]
        probabilities: Floats = np.exp(log_softmax(pooled, axis=1))
        return probabilities[:, self.read[0]]


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
        chosen = np.take_along_axis(log_softmax(logits, axis=1), answers, axis=1)
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
        gaps = np.exp(reference) * (reference - log_softmax(logits, axis=1))
        total: Floats = gaps.sum(axis=1)
        return total


def readout(
    metric: Metric, encoded: Encoded, pool: Pool, reference: Floats | None = None
) -> Readout:
    """The readout of a metric at the final position.

    Raises MeasurementError where a choice is several tokens, or two choices share one.
    """
    if metric.reading is Reading.KL:
        if reference is None:
            raise MeasurementError("`kl` compares with a clean run: use it in a patching claim")
        return DivergenceReadout(reference)
    if metric.reading in (Reading.LOGIT_DIFF, Reading.P):
        names = tuple(encoded.prompts[0].choices)
        columns = [_single_tokens(encoded, name, metric) for name in names]
        _check_distinct(columns, names, encoded)
        sizes = tuple(column.shape[1] for column in columns)
        read = tuple(names.index(choice) for choice in metric.choices)
        return ChoiceReadout(metric.reading, np.hstack(columns), sizes, read, pool)
    return VocabularyReadout(
        metric.reading, _single_tokens(encoded, metric.choices[0], metric), pool
    )


def read(subject: Subject, encoded: Encoded, metric: Metric, pool: Pool) -> Floats:
    """The metric on untouched runs, [prompt]; p, prob and log_prob take choices of many tokens."""
    names = tuple(encoded.prompts[0].choices)
    wanted = names if metric.reading is Reading.P else metric.choices
    over_sequences = (Reading.P, Reading.PROB, Reading.LOG_PROB)
    if metric.reading not in over_sequences or all(is_single(encoded, name) for name in wanted):
        return subject.read(encoded, readout(metric, encoded, pool))
    pooled = np.stack([_log_prob(subject, encoded, name, pool) for name in wanted], axis=1)
    if metric.reading is Reading.P:
        shares: Floats = np.exp(log_softmax(pooled, axis=1))
        return shares[:, names.index(metric.choices[0])]
    return pooled[:, 0] if metric.reading is Reading.LOG_PROB else np.exp(pooled[:, 0])


def pool_synonyms(logits: Floats, sizes: tuple[int, ...], pool: Pool) -> Floats:
    """Synonyms side by side [row, k] to one column a choice [row, choice]."""
    stops = np.cumsum(sizes)
    columns = []
    for start, stop in zip(stops - np.asarray(sizes), stops, strict=True):
        part = logits[:, start:stop]
        if pool == "sum":
            columns.append(logsumexp(part, axis=1))
        else:
            columns.append(part.mean(axis=1) if pool == "mean" else part.max(axis=1))
    return np.stack(columns, axis=1)


def is_single(encoded: Encoded, choice: str) -> bool:
    """Whether every synonym of the choice is one token, after every prompt."""
    return all(len(ids) == 1 for synonyms in encoded.choices(choice) for ids in synonyms)


def _single_tokens(encoded: Encoded, choice: str, metric: Metric) -> Integers:
    rows = encoded.choices(choice)
    for prompt, synonyms in zip(encoded.prompts, rows, strict=True):
        for text, ids in zip(prompt.choices[choice], synonyms, strict=True):
            if len(ids) != 1:
                raise MeasurementError(
                    f"the choice {choice!r} ({text!r}) is {len(ids)} tokens, and {metric} reads "
                    "one position: give an answer of one token, or use log_prob in a behaviour "
                    "claim"
                )
    return np.array([[ids[0] for ids in synonyms] for synonyms in rows], dtype=np.int64)


def _check_distinct(columns: list[Integers], names: tuple[str, ...], encoded: Encoded) -> None:
    for i, first in enumerate(columns):
        for j in range(i):
            same = (first[:, :, None] == columns[j][:, None, :]).any(axis=(1, 2))
            if same.any():
                prompt = encoded.prompts[int(np.argmax(same))]
                raise MeasurementError(
                    f"the choices {names[j]!r} and {names[i]!r} begin with the same token after "
                    f"{prompt.text!r}"
                )


def _log_prob(subject: Subject, encoded: Encoded, choice: str, pool: Pool) -> Floats:
    rows = encoded.choices(choice)
    synonyms = [
        subject.log_probs(encoded, [row[number] for row in rows]) for number in range(len(rows[0]))
    ]
    return pool_synonyms(np.stack(synonyms, axis=1), (len(synonyms),), pool)[:, 0]
