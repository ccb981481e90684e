"""Templates: text with ``{variables}``, token ids with variables among them, chat turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from string import Formatter
from typing import Literal

from ppcheck.spec.grammar import shown
from ppcheck.spec.prompts.variable import Word

Form = Literal["text", "ids", "chat"]

TEMPLATE = "template"
"""The name under which a prompt's template is one of its variables, where there are several."""
ROW = "row"
"""The name under which the number of a file's row is one of a prompt's variables."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt: fixed, or what ``variable`` became; ``ids`` in prompts of ids."""

    text: str
    variable: str | None = None
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Turn:
    """One chat turn, or the whole of a prompt that is not a chat (``role`` None)."""

    pieces: tuple[Piece, ...]
    role: str | None = None

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def parse_template(text: str) -> tuple[Piece, ...]:
    """Split at ``{variable}``; a literal brace is doubled. Raises ValueError for other braces."""
    pieces: list[Piece] = []
    try:
        for literal, name, spec, conversion in Formatter().parse(text):
            if literal:
                pieces.append(Piece(literal))
            if name is None:
                continue
            if not name.isidentifier() or spec or conversion:
                raise ValueError(f"{{{name}}} is not a variable")
            pieces.append(Piece("", name))
    except ValueError as error:
        problem = str(error)
        if "before end of string" in problem or "Single" in problem:
            problem = "a brace without its partner"
        advice = "write {name} for a variable, {{ and }} for braces"
        raise ValueError(f"in {shown(text)}: {problem}; {advice}") from None
    return tuple(pieces)


def parse_ids(items: Sequence[int | str]) -> tuple[Piece, ...]:
    """Token ids and ``"{variable}"`` entries. Raises ValueError for anything else."""
    pieces: list[Piece] = []
    for item in items:
        if isinstance(item, int):
            pieces.append(Piece(str(item), None, (item,)))
            continue
        parsed = parse_template(item)
        if len(parsed) != 1 or parsed[0].variable is None:
            raise ValueError(f"{shown(item)} is neither a token id nor one {{variable}}")
        pieces.extend(parsed)
    return tuple(pieces)


def token_ids(text: str) -> tuple[int, ...]:
    """``"5 6"`` to (5, 6). Raises ValueError where a word of an ids prompt is not token ids."""
    parts = text.split()
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"{shown(text)} is not a token id, or several separated by spaces")
    return tuple(map(int, parts))


def variables(pieces: tuple[Piece, ...]) -> Iterator[str]:
    return (piece.variable for piece in pieces if piece.variable is not None)


def filler(form: Form, words: Mapping[str, Word]) -> Callable[[Piece], Piece]:
    """The function that puts a prompt's words in place of its variables."""

    def fill(piece: Piece) -> Piece:
        if piece.variable is None:
            return piece
        return _filled(form, piece.variable, words[piece.variable].text)

    return fill


@lru_cache(2**10)  # a prompt differs from the one before in few words
def _filled(form: Form, variable: str, text: str) -> Piece:
    return Piece(text, variable, token_ids(text) if form == "ids" else ())


def without_gaps(turn: Turn) -> Turn:
    """The turn without empty pieces, and without the second of two spaces that they leave."""
    pieces: list[Piece] = []
    gap = False
    for piece in turn.pieces:
        if not piece.text:
            gap = True
            continue
        if gap and piece.text[0] == " " and (not pieces or pieces[-1].text[-1] == " "):
            piece = replace(piece, text=piece.text[1:])  # noqa: PLW2901
        gap = False
        if piece.text:
            pieces.append(piece)
    return replace(turn, pieces=tuple(pieces))
