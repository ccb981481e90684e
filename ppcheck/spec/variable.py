"""What a template variable may become: plain words, classes of words, or words in order of dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ppcheck.spec.grammar import Parsed

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
            raise ValueError(f"a variable is {FORMS}; got {value!r}")
        if "ordered" in value:
            return cls._ordered(value)
        return cls(
            "classes",
            tuple(
                Word(word, str(label), rank)
                for label, words in value.items()
                for rank, word in enumerate(_words(words))
            ),
        )

    @classmethod
    def _ordered(cls, value: dict[Any, Any]) -> Variable:
        if unknown := set(value) - {"ordered", "doses"}:
            raise ValueError(f"beside `ordered` only `doses` may stand, not {sorted(unknown)}")
        words = _words(value["ordered"])
        doses = value.get("doses", list(range(1, len(words) + 1)))
        numeric = isinstance(doses, list) and all(
            isinstance(dose, int | float) and not isinstance(dose, bool) for dose in doses
        )
        if not numeric or len(doses) != len(words) or sorted(set(doses)) != doses:
            raise ValueError(
                f"`doses` must be {len(words)} rising numbers, one for each word; got {doses!r}"
            )
        dosed = zip(words, doses, strict=True)
        return cls("ordered", tuple(Word(word, word, 0, float(dose)) for word, dose in dosed))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word.label for word in self.words))

    def __str__(self) -> str:
        return ", ".join(word.text for word in self.words)


def plain_word(value: Any) -> str:
    """A word as text. Numbers are taken as written; YAML's booleans and nulls must be quoted."""
    if isinstance(value, bool) or value is None or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no word: put it in quotes if it is meant as one")
    return str(value)


def _words(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list of words, got {value!r}")
    if not value:
        raise ValueError("an empty list of words makes an empty grid: give at least one")
    words = [plain_word(word) for word in value]
    repeated = sorted({word for word in words if words.count(word) > 1})
    if repeated:
        raise ValueError(f"the words {repeated} stand more than once")
    return words


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
