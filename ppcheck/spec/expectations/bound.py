"""Bounds: what a claim expects of one number, written as a short text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ppcheck.spec.expectations.range import Range

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_COMPARISON = re.compile(rf"(<=|>=|<|>)\s*({_NUMBER})")
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})")
_TOLERANCE = re.compile(rf"({_NUMBER})\s*(?:±|\+-|\+/-)\s*({_NUMBER})")
_FORMS = 'write ">= 0.3", "> 1e-3", "<= -0.8", "< 0", "0.2..0.6" or "0.614 ± 0.01"'


@dataclass(frozen=True)
class Bound:
    """The numbers that an expectation accepts: those from `low` to `high`.

    An end that is open (`low_open`, `high_open`) is itself not accepted; an end that is infinite
    is not an edge. Edges are the decimal numbers as written: ``0.3 ± 0.1`` starts at exactly 0.2.
    """

    low: float
    high: float
    low_open: bool
    high_open: bool
    text: str

    @classmethod
    def parse(cls, text: str) -> Bound:
        """Read a comparison (``>= 0.3``), an inclusive range (``0.2..0.6``) or ``0.614 ± 0.01``.

        Raises ValueError, with the accepted forms, for anything else: no number, NaN, infinity,
        a range that runs backwards, a negative tolerance.
        """
        text = text.strip().replace("≥", ">=").replace("≤", "<=")
        if match := _COMPARISON.fullmatch(text):
            sign, edge = match[1], float(_number(match[2], text))
            is_open = len(sign) == 1
            if sign[0] == ">":
                return cls(edge, math.inf, is_open, False, text)
            return cls(-math.inf, edge, False, is_open, text)
        if match := _RANGE.fullmatch(text):
            low, high = _number(match[1], text), _number(match[2], text)
            if low > high:
                raise _rejected(text, f"the range is empty, for {low} is above {high}")
            return cls(float(low), float(high), False, False, text)
        if match := _TOLERANCE.fullmatch(text):
            centre, tolerance = _number(match[1], text), _number(match[2], text)
            if tolerance < 0:
                raise _rejected(text, f"the tolerance {tolerance} is negative")
            return cls(float(centre - tolerance), float(centre + tolerance), False, False, text)
        if re.search(r"nan|inf", text, re.IGNORECASE):
            raise _rejected(text, "a bound must be a finite number")
        raise _rejected(text, "it is not a bound" if text else "it is empty")

    def __str__(self) -> str:
        return self.text

    def contains(self, value: float) -> bool:
        """Whether the bound accepts `value`. Raises ValueError for NaN."""
        if math.isnan(value):
            raise ValueError(f'NaN cannot be compared with the bound "{self}"')
        return not self._is_below(value) and not self._is_above(value)

    def accepts_all(self, values: Range) -> bool:
        """Whether no value of the range is outside the bound."""
        return all(
            math.isinf(end) if math.isinf(value) else (values.open and end == value) or inside
            for value, end, inside in (
                (values.low, self.low, not self._is_below(values.low)),
                (values.high, self.high, not self._is_above(values.high)),
            )
        )

    def accepts_none(self, values: Range) -> bool:
        """Whether every value of the range is outside the bound."""
        below = self._is_below(values.high) or (values.open and values.high == self.low)
        return below or self._is_above(values.low) or (values.open and values.low == self.high)

    def verdict(self, low: float, high: float) -> Literal["holds", "fails", "inconclusive"]:
        """Judge the closed interval from `low` to `high`, which may be infinite.

        It holds when the bound accepts the whole interval, fails when it accepts no part of it,
        and is inconclusive otherwise. Raises ValueError for NaN and for `low` above `high`.
        """
        if low > high:
            raise ValueError(f"the interval {low}..{high} runs backwards")
        ends = self.contains(low), self.contains(high)
        if all(ends):
            return "holds"
        if self._is_below(high) or self._is_above(low):
            return "fails"
        return "inconclusive"

    @property
    def edges(self) -> tuple[float, ...]:
        """The finite ends, one or two of them."""
        return tuple(edge for edge in (self.low, self.high) if math.isfinite(edge))

    def nearest_edge(self, estimate: float) -> float:
        """The finite end that is closest to `estimate`: the one that it may yet cross."""
        return min(self.edges, key=lambda edge: abs(edge - estimate))

    def _is_below(self, value: float) -> bool:
        return value < self.low or (self.low_open and value == self.low)

    def _is_above(self, value: float) -> bool:
        return value > self.high or (self.high_open and value == self.high)


ANYTHING = Bound(-math.inf, math.inf, False, False, "anything")
"""What stands for a bound where it is to have no part."""


def _number(digits: str, text: str) -> Decimal:
    if not math.isfinite(float(digits)):
        raise _rejected(text, f"{digits} is too large: a bound must be a finite number")
    return Decimal(digits)


def _rejected(text: str, reason: str) -> ValueError:
    return ValueError(f'bound "{text}": {reason}; {_FORMS}')
