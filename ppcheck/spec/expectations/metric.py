"""What is read from the logits at the final position: ``logit_diff(two, three)``, ``p(three)``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from ppcheck.spec.expectations.range import ANY, PROBABILITY, SIZE, UNIT, Range
from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, as_text, suggest

FORMS = (
    "logit_diff(a, b), p(a), log_p(a), prob(a), log_prob(a), rank(a), kl, loss, loss(x) or "
    "rate(o), where a and b are choices, x is a variable and o an outcome of replies"
)


class Reading(StrEnum):
    """The kinds of metric."""

    LOGIT_DIFF = "logit_diff"
    P = "p"
    LOG_P = "log_p"
    PROB = "prob"
    LOG_PROB = "log_prob"
    RANK = "rank"
    KL = "kl"
    LOSS = "loss"
    RATE = "rate"


OF_CHOICES = (Reading.P, Reading.LOG_P)
"""What is normalised over the choices, and so reads them all."""
_ARGUMENTS = {Reading.LOGIT_DIFF: 2, Reading.KL: 0, Reading.LOSS: 0}


@dataclass(frozen=True)
class Metric:
    """A reading, and what it reads: choices by name, a ``variable``, or an ``outcome``.

    logit_diff(a, b)  logit of a minus logit of b; linear in the logits
    p(a)              probability of a, normalised over the choices
    log_p(a)          natural logarithm of p(a), a classifier's cross-entropy with a minus
    prob(a)           probability of a over the vocabulary
    log_prob(a)       natural logarithm of prob(a)
    rank(a)           how many tokens are likelier than a; 0 is the top
    kl                divergence from the clean run's next-token distribution, in nats
    loss(x)           mean cross-entropy, in nats, of the tokens of x after what stands before each
    loss              the same of every token of the prompt but the first
    rate(o)           share of the replies to the prompt that have the outcome o
    """

    reading: Reading
    choices: tuple[str, ...] = ()
    variable: str | None = None
    outcome: str | None = None

    @classmethod
    def parse(cls, value: Any) -> Metric:
        text = as_text(value, f"a metric ({FORMS})")
        match = re.fullmatch(r"([a-z_]+)\s*(?:\(([^()]*)\))?", text)
        if match is None:
            raise ValueError(f"{text!r} is not a metric; write {FORMS}")
        known = [reading.value for reading in Reading]
        if match[1] not in known:
            raise ValueError(f"unknown metric {match[1]!r}: {suggest(match[1], known)}")
        reading = Reading(match[1])
        inside = (match[2] or "").strip()
        if reading is Reading.LOSS and re.fullmatch(r"[A-Za-z_]\w*", inside):
            return cls(reading, variable=inside)
        choices = tuple(word.strip() for word in inside.split(",")) if inside else ()
        wanted = _ARGUMENTS.get(reading, 1)
        if len(choices) != wanted or "" in choices:
            form = f"{reading}({', '.join('ab'[:wanted])})" if wanted else str(reading)
            raise ValueError(f"{text!r} names {len(choices)} choices: write {form}")
        if len(set(choices)) != len(choices):
            raise ValueError(f"{text!r} compares the choice {choices[0]!r} with itself")
        if reading is Reading.RATE:
            return cls(reading, outcome=choices[0])
        return cls(reading, choices)

    @property
    def linear(self) -> bool:
        """Whether the metric is linear in the logits (Heimersheim & Nanda 2024)."""
        return self.reading is Reading.LOGIT_DIFF

    @property
    def probability(self) -> bool:
        """Whether it is one, as a share of replies is."""
        return self.reading in (Reading.P, Reading.PROB, Reading.RATE)

    @property
    def range(self) -> Range:
        """What values it can have."""
        if self.probability:
            return PROBABILITY if self.outcome is None else UNIT
        if self.reading in (Reading.LOG_P, Reading.LOG_PROB):
            return Range(-math.inf, 0, open=True)
        return SIZE if self.reading in (Reading.RANK, Reading.KL, Reading.LOSS) else ANY

    @property
    def change(self) -> Range:
        """By how much it can differ between two runs."""
        return Range(-1, 1, open=self.outcome is None) if self.probability else ANY

    @property
    def change_size(self) -> Range:
        return Range(0, self.change.high)

    def __str__(self) -> str:
        inside = ", ".join(self.choices) or self.variable or self.outcome
        return f"{self.reading}({inside})" if inside else str(self.reading)


@dataclass(frozen=True)
class Metrics:
    """One metric or several.

    A statistic of the first is called by its plain name, and of another with an @: ``recovery`` and
    ``recovery@p(a)``.
    """

    metrics: tuple[Metric, ...]

    @classmethod
    def parse(cls, value: Any) -> Metrics:
        words = value if isinstance(value, list) else [value]
        if not words:
            raise ValueError(f"expected a metric or a list of metrics: {FORMS}")
        metrics = tuple(map(Metric.parse, words))
        if len(set(metrics)) != len(metrics):
            raise ValueError("the same metric stands twice")
        return cls(metrics)

    def __iter__(self) -> Iterator[Metric]:
        return iter(self.metrics)

    @property
    def first(self) -> Metric:
        return self.metrics[0]

    @property
    def linear(self) -> bool:
        return any(metric.linear for metric in self)

    def name(self, statistic: str, metric: Metric) -> str:
        """What ``statistic`` is called where it is read in ``metric``."""
        return statistic if metric == self.first else f"{statistic}@{metric}"

    def statistics(self, **of: Range | Callable[[Metric], Range]) -> dict[str, Range]:
        """Each statistic's name in each metric, and the values that it can have there."""
        return {
            self.name(each, metric): values if isinstance(values, Range) else values(metric)
            for metric in self
            for each, values in of.items()
        }

    def __str__(self) -> str:
        texts = list(map(str, self))
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


MetricsField = Annotated[
    Metrics,
    Parsed(Metrics.parse, f"A metric, or a list of metrics: {FORMS}", TEXT_OR_LIST),
]
