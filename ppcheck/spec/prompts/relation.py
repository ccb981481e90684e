"""What drawn words have to be to each other: ``x != y``, ``stake < sure``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, as_text
from ppcheck.spec.prompts.variable import Word

FORMS = '"x != y", "x = y", "a < b", "a <= b", "a > b" or "a >= b", between two variables'
_RELATION = re.compile(r"([A-Za-z_]\w*)\s*(!=|<=|>=|=|<|>)\s*([A-Za-z_]\w*)")
_OF_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Relation:
    """Between the words of two variables: as texts for ``=`` and ``!=``, else as numbers."""

    first: str
    sign: str
    second: str

    @classmethod
    def parse(cls, value: Any) -> Relation:
        text = as_text(value, f"a relation: {FORMS}")
        match = _RELATION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a relation: write {FORMS}")
        if match[1] == match[3]:
            raise ValueError(f"{text!r} compares {match[1]!r} with itself")
        return cls(match[1], match[2], match[3])

    @property
    def names(self) -> tuple[str, str]:
        return self.first, self.second

    @property
    def of_numbers(self) -> bool:
        return self.sign in _OF_NUMBERS

    def accepts(self, words: Mapping[str, Word]) -> bool:
        """Whether these words meet it. Raises ValueError for a word that should be a number."""
        first, second = (words[name].text for name in self.names)
        if self.of_numbers:
            return _OF_NUMBERS[self.sign](float(first), float(second))
        return (first == second) == (self.sign == "=")

    def __str__(self) -> str:
        return f"{self.first} {self.sign} {self.second}"


@dataclass(frozen=True)
class Relations:
    """Relations that are all met, or a draw is none."""

    relations: tuple[Relation, ...]

    @classmethod
    def parse(cls, value: Any) -> Relations:
        given = value if isinstance(value, list) else [value]
        if not given:
            raise ValueError(f"expected a relation or a list of them: {FORMS}")
        return cls(tuple(map(Relation.parse, given)))

    def accepts(self, words: Mapping[str, Word]) -> bool:
        return all(relation.accepts(words) for relation in self.relations)

    def __str__(self) -> str:
        return " and ".join(map(str, self.relations))


EVERY = Relations(())
"""What every draw meets."""


def no_number(texts: Iterable[str]) -> str | None:
    """The first of the texts that is not a number, if there is one."""
    return next((text for text in texts if not _is_number(text)), None)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text) is not None


RelationsField = Annotated[
    Relations,
    Parsed(Relations.parse, f"What draws meet: {FORMS}, or a list.", TEXT_OR_LIST),
]
