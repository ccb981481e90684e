"""Which prompts a claim is about: ``game``, ``game[feeling=pain, intensity=mild|strong]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from ppcheck.errors import SpecError
from ppcheck.spec.grammar import Parsed, as_text, suggest
from ppcheck.spec.prompts.variable import Word

FORMS = "game, game[feeling=pain] or game[feeling=pain|pleasure, intensity!=faint]"

_CONDITION = re.compile(r"([A-Za-z_]\w*)\s*(!?=)\s*(.+)")


@dataclass(frozen=True)
class LabelCondition:
    """A variable has (or, ``negated``, has not) one of these classes or words."""

    variable: str
    labels: tuple[str, ...]
    negated: bool = False

    def accepts(self, words: Mapping[str, Word]) -> bool:
        """Whether a prompt of these words meets it. Raises SpecError for an unknown variable."""
        word = words.get(self.variable)
        if word is None:
            raise SpecError(
                f"`{self}` selects by no known variable: {suggest(self.variable, words)}"
            )
        return (word.label in self.labels or word.text in self.labels) != self.negated

    def __str__(self) -> str:
        return f"{self.variable}{'!=' if self.negated else '='}{'|'.join(self.labels)}"


@dataclass(frozen=True)
class Selection:
    """Prompts of the set ``prompts`` that meet every condition."""

    prompts: str
    conditions: tuple[LabelCondition, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> Selection:
        text = as_text(value, f"prompts ({FORMS})")
        match = re.fullmatch(r"([A-Za-z_][\w-]*)\s*(?:\[(.*)\])?", text)
        if match is None:
            raise ValueError(f"{text!r} names no prompts; write {FORMS}")
        inside = (match[2] or "").strip()
        parts = inside.split(",") if inside else []
        return cls(match[1], tuple(_condition(part.strip()) for part in parts))

    def __str__(self) -> str:
        inside = ", ".join(map(str, self.conditions))
        return f"{self.prompts}[{inside}]" if inside else self.prompts


def _condition(text: str) -> LabelCondition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a condition; write {FORMS}")
    labels = tuple(label.strip() for label in match[3].split("|"))
    if "" in labels:
        raise ValueError(f"{text!r} leaves a class empty; write {FORMS}")
    return LabelCondition(match[1], labels, negated=match[2] == "!=")


SelectionField = Annotated[Selection, Parsed(Selection.parse, f"Prompts: {FORMS}")]
