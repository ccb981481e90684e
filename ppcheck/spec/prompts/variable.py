"""What a template variable may become: plain words, classes of words, or words in order of dose."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from ppcheck.spec.grammar import Parsed, as_word, shown

FORMS = (
    "a list of words, classes of words {pain: [ache], neutral: [hum]}, "
    "or {ordered: [mild, strong], doses: [1, 2]}"
)


@dataclass(frozen=True)
class Word:
    """One thing a variable can be.

    ``label`` is its class, or the word itself where there are no classes. ``rank`` is its place in
    its class: paired prompts swap words of equal rank. ``dose`` is None unless words are ordered.
    """

    text: str
    label: str
    rank: int = 0
    dose: float | None = None


@dataclass(frozen=True)
class Variable:
    """The words of one variable; ``role`` says what they are to each other."""

    role: Literal["plain", "classes", "ordered"]
    words: tuple[Word, ...]

    @classmethod
    def parse(cls, value: Any) -> Variable:
        """Raises ValueError for an empty list, a repeated word, or doses that do not fit."""
        if isinstance(value, list):
            return cls("plain", tuple(Word(word, word) for word in _words(value)))
        if not isinstance(value, dict) or not value:
            raise ValueError(f"a variable is {FORMS}; got {shown(value)}")
        if "ordered" in value:
            return cls._ordered(value)
        if near := get_close_matches("ordered", value, n=1, cutoff=0.8):
            raise ValueError(f"unknown key {near[0]!r}: did you mean 'ordered'?")
        classes = {label: _words(words, f"class {label!r}: ") for label, words in value.items()}
        _check_repeats(word for words in classes.values() for word in words)
        for label, words in classes.items():
            if other := next((w for w in words if w != label and w in classes), None):
                raise ValueError(f"{other!r} is a word of class {label!r} and itself a class")
        return cls(
            "classes",
            tuple(
                Word(word, label, rank)
                for label, words in classes.items()
                for rank, word in enumerate(words)
            ),
        )

    @classmethod
    def _ordered(cls, value: dict[str, Any]) -> Variable:
        if unknown := sorted(set(value) - {"ordered", "doses"}):
            raise ValueError(f"beside `ordered` only `doses` may stand, not {unknown[0]!r}")
        words = _words(value["ordered"])
        doses = value.get("doses", list(range(1, len(words) + 1)))
        numeric = isinstance(doses, list) and all(map(_is_number, doses))
        if not numeric or len(doses) != len(words) or sorted(set(doses)) != doses:
            raise ValueError(
                f"`doses` must be {len(words)} rising numbers, one for each word; "
                f"got {shown(doses)}"
            )
        dosed = zip(words, doses, strict=True)
        return cls("ordered", tuple(Word(word, word, 0, float(dose)) for word, dose in dosed))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word.label for word in self.words))


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _words(value: Any, where: str = "") -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{where}expected a list of words, got {shown(value)}")
    if not value:
        raise ValueError(f"{where}an empty list of words makes an empty grid: give at least one")
    words = [as_word(word) for word in value]
    _check_repeats(words)
    return words


def _check_repeats(words: Iterable[str]) -> None:
    if repeated := [word for word, times in Counter(words).items() if times > 1]:
        raise ValueError(f"the word {shown(repeated[0])} stands more than once")


_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1},
        {
            "type": "object",
            "additionalProperties": {
                "type": "array",
                "items": {"type": ["string", "number"]},
                "minItems": 1,
            },
        },
    ]
}
VariableField = Annotated[Variable, Parsed(Variable.parse, f"A variable is {FORMS}.", _SCHEMA)]
