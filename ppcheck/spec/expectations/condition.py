"""What must be so in every single prompt: ``logit_diff(a, b) > 0``, ``p(a) in 0.2..0.6``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, as_text

FORMS = '"logit_diff(a, b) > 0" or "p(a) in 0.2..0.6"'
_CONDITION = re.compile(r"([a-z_]+(?:\s*\([^)]*\))?)\s*(?:in\b)?\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """A metric and the bound that it meets, not on average but in each prompt."""

    metric: Metric
    bound: Bound

    @classmethod
    def parse(cls, value: Any) -> Condition:
        text = as_text(value, f"a condition: {FORMS}")
        match = _CONDITION.fullmatch(text)
        if match is None or not match[2]:
            raise ValueError(f"{text!r} is not a condition: write {FORMS}")
        return cls(Metric.parse(match[1]), Bound.parse(match[2]))

    def __str__(self) -> str:
        return f"{self.metric} {self.bound}"


@dataclass(frozen=True)
class Conditions:
    """Conditions that are all met, or the whole is not."""

    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, value: Any) -> Conditions:
        words = value if isinstance(value, list) else [value]
        if not words:
            raise ValueError(f"expected a condition or a list of them: {FORMS}")
        return cls(tuple(map(Condition.parse, words)))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Every metric that is read, each once."""
        return tuple(dict.fromkeys(condition.metric for condition in self.conditions))

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))


ConditionsField = Annotated[
    Conditions,
    Parsed(Conditions.parse, f"What every prompt meets: {FORMS}, or a list.", TEXT_OR_LIST),
]
