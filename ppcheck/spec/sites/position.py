"""Which tokens of a prompt a claim reads or changes: ``final``, ``all``, ``3``, ``feeling[-1]``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ppcheck.spec.grammar import POSITIONS, TEXT_OR_NUMBER, Parsed, as_text

FORMS = f"{', '.join(POSITIONS)}, a number, or a template variable such as feeling or feeling[-1]"

_VARIABLE = re.compile(r"([A-Za-z_]\w*)(?:\[(-?\d+)\])?(?:\s*=\s*([\w-]+))?")


@dataclass(frozen=True)
class Position:
    """Tokens of one prompt.

    ``index`` is a token of the prompt (kind ``index``) or of the variable (kind ``variable``; None
    for all its tokens). ``label`` narrows a variable to prompts where it has that class or word.
    ``previous`` is the token before the one that attends, and so has a meaning for attention only.
    """

    kind: Literal["final", "all", "previous", "index", "variable"]
    index: int | None = None
    variable: str | None = None
    label: str | None = None

    @classmethod
    def parse(cls, value: Any) -> Position:
        if isinstance(value, int) and not isinstance(value, bool):
            return cls("index", index=value)
        text = as_text(value, f"a position ({FORMS})")
        if text in POSITIONS:
            return cls(text)  # type: ignore[arg-type]  # narrowed by the line above
        if re.fullmatch(r"-?\d+", text):
            return cls("index", index=int(text))
        match = _VARIABLE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a position; a position is {FORMS}")
        index = int(match[2]) if match[2] else None
        return cls("variable", index=index, variable=match[1], label=match[3])

    def __str__(self) -> str:
        if self.kind == "index":
            return str(self.index)
        if self.kind != "variable":
            return self.kind
        index = "" if self.index is None else f"[{self.index}]"
        label = "" if self.label is None else f"={self.label}"
        return f"{self.variable}{index}{label}"


PositionField = Annotated[Position, Parsed(Position.parse, f"Position: {FORMS}", TEXT_OR_NUMBER)]
FINAL = Position("final")


@dataclass(frozen=True)
class Positions:
    """One position or several, each by itself."""

    positions: tuple[Position, ...]

    @classmethod
    def parse(cls, value: Any) -> Positions:
        words = value if isinstance(value, list) else [value]
        if not words:
            raise ValueError(f"expected a position or a list of positions: {FORMS}")
        positions = tuple(map(Position.parse, words))
        if len(set(positions)) != len(positions):
            raise ValueError("the same position stands twice")
        return cls(positions)

    def __iter__(self) -> Iterator[Position]:
        return iter(self.positions)

    def __str__(self) -> str:
        texts = list(map(str, self))
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


_SCHEMA: dict[str, Any] = {
    "anyOf": [TEXT_OR_NUMBER, {"type": "array", "items": TEXT_OR_NUMBER, "minItems": 1}]
}
PositionsField = Annotated[
    Positions,
    Parsed(Positions.parse, f"A position, or a list of positions: {FORMS}", _SCHEMA),
]
