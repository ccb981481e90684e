"""Which tokens of a prompt a claim reads or changes: ``final``, ``3..7``, ``all but feeling``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from ppcheck.spec.grammar import POSITIONS, TEXT_OR_NUMBER, Parsed, as_text

_ATOMS = "a number or range such as 3 or 3..7, or a variable such as feeling or feeling[-1]"
FORMS = f"{', '.join(POSITIONS)}, {_ATOMS}, a list of these, or all but some of them"
MOST = 100
"""How many tokens of one range are read one by one."""

_NUMBERS = r"(-?\d+)(?:\.\.(-?\d+))?"
_PLACE = re.compile(_NUMBERS)
_VARIABLE = re.compile(rf"([A-Za-z_]\w*)(?:\[{_NUMBERS}\])?(?:\s*=\s*([\w-]+))?")
_BUT = re.compile(r"all\s+but\b\s*(.*)")
_LIST = re.compile(r"\[\s*([^\[\s].*)\]")


@dataclass(frozen=True)
class Position:
    """Tokens of one prompt.

    ``index`` is a token of the prompt (kind ``index``) or of the variable (kind ``variable``; None
    for all its tokens), and ``last`` the last of a range that starts there. ``label`` narrows a
    variable to prompts where it has that class or word, or the word of the variable of that name.
    ``previous`` is the token before the one
    that attends, and so has a meaning for attention only. ``parts`` are what a ``list`` joins, and
    what a complement (kind ``but``) leaves out of all tokens: neither holds another.
    """

    kind: Literal["final", "all", "previous", "index", "variable", "list", "but"]
    index: int | None = None
    variable: str | None = None
    label: str | None = None
    last: int | None = None
    parts: tuple[Position, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> Position:
        if isinstance(value, list):
            return _joined(value)
        text = _text(value)
        if match := _BUT.fullmatch(text):
            return _complement(match[1])
        if match := _LIST.fullmatch(text):
            return _joined(match[1].split(","))
        return _atom(text)

    @property
    def atoms(self) -> tuple[Position, ...]:
        """The positions that it is made of: itself, where it is neither a list nor a complement."""
        return self.parts or (self,)

    @property
    def is_several(self) -> bool:
        """Whether it is made to be more than one token."""
        return self.kind in ("all", "list", "but") or self.last is not None

    @property
    def has_final(self) -> bool:
        """Whether the final token is of it, where no variable ends the prompt."""
        if self.kind == "but":
            return not any(part.has_final for part in self.parts)
        if self.kind == "list":
            return any(part.has_final for part in self.parts)
        ends = self.index if self.last is None else self.last
        return self.kind in ("final", "all") or (self.kind == "index" and ends == -1)

    def has_end(self, at: Position) -> bool:
        """Whether the token ``at`` is of it, where that is the last that is read."""
        if at.kind == "final":
            return self.has_final
        if self.kind == "but":
            return at not in self.parts and self.has_all_of(at.variable)
        return at in self.atoms or self.has_all_of(at.variable)

    def has_all_of(self, variable: str | None) -> bool:
        """Whether every token of the variable is of it, whatever the prompt."""
        if self.kind == "but":
            return all(part.variable not in (None, variable) for part in self.parts)
        if self.kind == "list":
            return any(part.has_all_of(variable) for part in self.parts)
        whole = self.index is None and self.label is None
        return self.kind == "all" or (self.variable == variable is not None and whole)

    def __str__(self) -> str:
        if self.parts:
            texts = list(map(str, self.parts))
            listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
            return f"all but {listed}" if self.kind == "but" else listed
        numbers = str(self.index) if self.last is None else f"{self.index}..{self.last}"
        if self.kind == "index":
            return numbers
        if self.kind != "variable":
            return self.kind
        index = "" if self.index is None else f"[{numbers}]"
        label = "" if self.label is None else f"={self.label}"
        return f"{self.variable}{index}{label}"


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_text(value, f"a position ({FORMS})")


def _atom(text: str) -> Position:
    if text in POSITIONS:
        return Position(text)  # type: ignore[arg-type]  # narrowed by the line above
    if match := _PLACE.fullmatch(text):
        return _ranged(Position("index"), text, match[1], match[2])
    if match := _VARIABLE.fullmatch(text):
        variable = Position("variable", variable=match[1], label=match[4])
        return variable if match[2] is None else _ranged(variable, text, match[2], match[3])
    raise ValueError(f"{text!r} is not a position; a position is {FORMS}")


def _ranged(position: Position, text: str, first: str, last: str | None) -> Position:
    """The position at these numbers, both included, as they stand in the text."""
    start, stop = int(first), int(last or first)
    if (start < 0) == (stop < 0) and stop < start:
        raise ValueError(f"{text!r} ends before it starts: write the lower number first")
    return replace(position, index=start, last=None if start == stop else stop)


def _joined(words: Sequence[Any]) -> Position:
    """The tokens of any of these."""
    if not words:
        raise ValueError(f"expected a position or a list of positions: {FORMS}")
    texts = [_text(word) for word in words]
    for text in texts:
        if text in ("all", "previous") or _BUT.fullmatch(text):
            raise ValueError(f"{text!r} stands by itself, not in a list of positions")
    parts = tuple(map(_atom, texts))
    if len(set(parts)) != len(parts):
        raise ValueError("the same position stands twice")
    return parts[0] if len(parts) == 1 else Position("list", parts=parts)


def _complement(text: str) -> Position:
    """All tokens but those of the positions in the text."""
    listed = _LIST.fullmatch(text)
    left_out = _joined(listed[1].split(",")) if listed else _atom(text)
    if left_out.kind in ("all", "previous"):
        raise ValueError(f"'all but {text}': what is left out is final, a number or a variable")
    for part in left_out.atoms:
        if part.label is not None:
            advice = f"select prompts in `on`, and write {replace(part, label=None)}"
            raise ValueError(f"'all but {text}' would be all tokens of other classes: {advice}")
    return Position("but", parts=left_out.atoms)


_SCHEMA: dict[str, Any] = {
    "anyOf": [TEXT_OR_NUMBER, {"type": "array", "items": TEXT_OR_NUMBER, "minItems": 1}]
}
PositionField = Annotated[Position, Parsed(Position.parse, f"Position: {FORMS}", _SCHEMA)]
FINAL = Position("final")


@dataclass(frozen=True)
class Positions:
    """One position or several, each by itself: what a list or a range joins is read one by one."""

    positions: tuple[Position, ...]

    @classmethod
    def parse(cls, value: Any) -> Positions:
        parts = value if isinstance(value, list) and value else [value]
        positions = tuple(
            each
            for part in map(Position.parse, parts)
            for atom in (part.parts if part.kind == "list" else (part,))
            for each in _one_by_one(atom)
        )
        if len(set(positions)) != len(positions):
            raise ValueError("the same position stands twice")
        return cls(positions)

    def __iter__(self) -> Iterator[Position]:
        return iter(self.positions)

    def __str__(self) -> str:
        texts = list(map(str, self))
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _one_by_one(position: Position) -> Sequence[Position]:
    """Each token of a range whose ends are counted from one end of the prompt."""
    first, last = position.index, position.last
    if first is None or last is None or (first < 0) != (last < 0):
        return [position]
    if last - first >= MOST:
        raise ValueError(f"{position} is more than {MOST} tokens to read one by one")
    return [replace(position, index=index, last=None) for index in range(first, last + 1)]


PositionsField = Annotated[
    Positions,
    Parsed(Positions.parse, f"A position, or several by themselves: {FORMS}", _SCHEMA),
]
