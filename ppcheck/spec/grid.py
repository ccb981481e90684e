"""A prompt set expanded: prompts, the pairs among them, and the units that are independent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from pathlib import Path

from ppcheck.errors import SpecError
from ppcheck.spec.grammar import suggest
from ppcheck.spec.prompts import MAX_PROMPTS, TEMPLATE, PromptSet, check_labels
from ppcheck.spec.rows import ROW, read_rows, resolve_inside
from ppcheck.spec.selection import Condition, Selection
from ppcheck.spec.template import Form, Piece, Turn, filler, parse_template
from ppcheck.spec.variable import Word

Words = Mapping[str, Word]
Contrast = Mapping[str, tuple[str, str] | str]


@dataclass(frozen=True, eq=False)
class Prompt:
    """One prompt. ``words`` gives what each variable became; ``unit`` names what is resampled."""

    form: Form
    turns: tuple[Turn, ...]
    words: Words
    unit: str
    choices: Mapping[str, tuple[str, ...]]
    choice_prefix: str

    @property
    def key(self) -> str:
        """The prompt's name in records: its words, so that it is the same in every run."""
        return ", ".join(f"{name}={word.text}" for name, word in self.words.items()) or "only"

    @property
    def text(self) -> str:
        """The prompt as a person reads it."""
        if self.form == "chat":
            return "\n".join(f"{turn.role}: {turn.text}" for turn in self.turns)
        separator = " " if self.form == "ids" else ""
        return separator.join(piece.text for turn in self.turns for piece in turn.pieces)


@dataclass(frozen=True)
class Pair:
    """Two prompts that differ in one variable only (Zhang & Nanda 2023)."""

    clean: Prompt
    corrupted: Prompt


class Grid:
    """The prompts of one set, expanded once.

    Raises SpecError (without a line; the loader adds it) for an empty or oversized grid, rows that
    lack a column, and files outside ``folder``.
    """

    def __init__(self, prompt_set: PromptSet, folder: Path) -> None:
        self.prompt_set = prompt_set
        self.folder = folder
        self._templates = prompt_set.templates
        self._choices = {
            name: [parse_template(text) for text in texts]
            for name, texts in prompt_set.choices.items()
        }

    @cached_property
    def prompts(self) -> tuple[Prompt, ...]:
        """Every prompt that ``sample`` and ``half`` keep, in the order of the spec."""
        words = list(islice(self._assignments(), MAX_PROMPTS + 1))
        if not words:
            raise SpecError("the grid is empty: `sample` and `half` keep no unit")
        if len(words) > MAX_PROMPTS:
            raise SpecError(f"the grid has over {MAX_PROMPTS:,} prompts: `sample` fewer units")
        return tuple(self._prompt(assignment) for assignment in words)

    def select(self, selection: Selection) -> tuple[Prompt, ...]:
        """The prompts that meet the selection. Raises SpecError if there is none."""
        chosen = tuple(
            prompt
            for prompt in self.prompts
            if all(_meets(prompt.words, condition) for condition in selection.conditions)
        )
        if not chosen:
            raise SpecError(f"`{selection}` selects no prompt: the grid is empty")
        return chosen

    def pairs(self, selection: Selection, contrast: Contrast | None = None) -> tuple[Pair, ...]:
        """Clean prompts of the selection, each with its corrupted twin.

        Raises SpecError where no pairs are declared or none is selected.
        """
        contrast = contrast or self.prompt_set.pairs
        if not contrast:
            raise SpecError("the claim needs `pairs`, and neither it nor its prompt set has them")
        ((name, labels),) = contrast.items()
        try:
            check_labels(name, self.prompt_set.vary.get(name), labels)
        except ValueError as error:
            raise SpecError(str(error)) from None
        pairs = [
            Pair(prompt, self._prompt(twin, unit=prompt.unit))
            for prompt in self.select(selection)
            if (twin := self._twin(prompt.words, name, labels)) is not None
        ]
        if not pairs:
            raise SpecError(f"`{selection}` has no prompt to pair by {name}: {labels}")
        return tuple(pairs)

    @cached_property
    def _rows(self) -> list[dict[str, Word]]:
        if self.prompt_set.rows is None:
            return []
        try:
            path = resolve_inside(self.folder, self.prompt_set.rows)
        except ValueError as error:
            raise SpecError(str(error)) from None
        rows = read_rows(path)
        columns = [*rows[0], *self.prompt_set.vary]
        for name in (*self.prompt_set.variable_names, *self.prompt_set.unit_names):
            if name not in (*columns, TEMPLATE):
                raise SpecError(f"{path.name} has no column {name!r}: {suggest(name, columns)}")
        return rows

    def _assignments(self) -> Iterator[dict[str, Word]]:
        """The words of every kept prompt, unit by unit."""
        names = self._unit_names
        axes = self._axes()
        shared = [axis for axis in axes if not names or not axis[0].keys().isdisjoint(names)]
        rest = [axis for axis in axes if axis not in shared]
        groups = [_merge(words) for words in product(*shared)]
        kept = self._kept({self._unit(words) for words in groups})
        for words in groups:
            if self._unit(words) in kept:
                for others in product(*rest):
                    yield {**words, **_merge(others)}

    def _axes(self) -> list[list[dict[str, Word]]]:
        numbers = [str(number) for number in range(1, len(self._templates) + 1)]
        axes = [[{TEMPLATE: Word(number, number)} for number in numbers]] if numbers[1:] else []
        if self.prompt_set.rows is not None:
            axes.append(self._rows)
        return [*axes, *self.prompt_set.axes]

    def _kept(self, units: set[str]) -> set[str]:
        """The units that ``sample`` and ``half`` keep: by hash, so that new words move no old."""
        settings = self.prompt_set
        if settings.sample is None and settings.half is None:
            return units
        ordered = sorted(units, key=lambda unit: _hash(settings.seed, unit))[: settings.sample]
        if settings.half is not None:
            ordered = ordered[0 if settings.half == "explore" else 1 :: 2]
        return set(ordered)

    @property
    def _unit_names(self) -> tuple[str, ...]:
        names = self.prompt_set.unit_names
        if self.prompt_set.rows is not None and self.prompt_set.unit is None:
            return (ROW, *names)
        return names

    def _unit(self, words: Words) -> str:
        names = self._unit_names or tuple(words)
        return ", ".join(f"{name}={words[name].text}" for name in names)

    def _twin(
        self, words: Words, name: str, labels: tuple[str, str] | str
    ) -> dict[str, Word] | None:
        """The words of the corrupted prompt, or None where ``words`` are not clean ones."""
        if isinstance(labels, str):
            if labels not in words:
                raise SpecError(f"`pairs` names {labels!r}: {suggest(labels, words)}")
            return {**words, name: words[labels]}
        if words[name].label != labels[0]:
            return None
        variable = self.prompt_set.vary.get(name)
        candidates = [] if variable is None else variable.words
        others = [word for word in candidates if word.label == labels[1]]
        if not others:
            raise SpecError(f"{name!r} has no class {labels[1]!r} to pair with {labels[0]!r}")
        return {**words, name: others[words[name].rank % len(others)]}

    def _prompt(self, words: Words, unit: str | None = None) -> Prompt:
        form = self.prompt_set.form
        fill = filler(form, words)
        number = int(words[TEMPLATE].text) - 1 if TEMPLATE in words else 0
        try:
            turns = tuple(
                Turn(tuple(map(fill, pieces)), role) for role, pieces in self._templates[number]
            )
            choices = {
                name: tuple(_render(pieces, words) for pieces in synonyms)
                for name, synonyms in self._choices.items()
            }
        except ValueError as error:
            raise SpecError(str(error)) from None
        prefix = " " if form == "ids" else self.prompt_set.choice_prefix
        return Prompt(form, turns, words, unit or self._unit(words), choices, prefix)


def _render(pieces: tuple[Piece, ...], words: Words) -> str:
    for piece in pieces:
        if piece.variable is not None and piece.variable not in words:
            raise ValueError(f"a choice names {piece.variable!r}: {suggest(piece.variable, words)}")
    return "".join(words[p.variable].text if p.variable else p.text for p in pieces)


def _meets(words: Words, condition: Condition) -> bool:
    if condition.variable not in words:
        raise SpecError(
            f"the selection names {condition.variable!r}: {suggest(condition.variable, words)}"
        )
    word = words[condition.variable]
    return (word.label in condition.labels or word.text in condition.labels) != condition.negated


def _merge(parts: tuple[dict[str, Word], ...]) -> dict[str, Word]:
    return {name: word for part in parts for name, word in part.items()}


def _hash(seed: int, unit: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{unit}".encode()).digest()
