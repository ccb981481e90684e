"""A prompt set expanded: prompts, the pairs among them, and the units that are independent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress, product
from math import prod
from operator import not_
from pathlib import Path

from ppcheck.errors import SpecError
from ppcheck.spec.grammar import suggest
from ppcheck.spec.prompts.prompt_set import MAX_PROMPTS, Contrast, PromptSet, check_size
from ppcheck.spec.prompts.rows import read_rows, resolve_inside
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.prompts.template import (
    ROW,
    TEMPLATE,
    Form,
    Turn,
    filler,
    parse_template,
    without_gaps,
)
from ppcheck.spec.prompts.unit import halves
from ppcheck.spec.prompts.variable import Word

Words = Mapping[str, Word]
MAX_CHARACTERS = 50_000_000
"""How long the prompts of one set may be, taken together."""


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


def unplaced(message: str, *_keys: str) -> SpecError:
    """The error without file and line."""
    return SpecError(message)


class Grid:
    """The prompts of one set, expanded once.

    ``place`` makes the SpecError from a message and the keys of the set that it is about, and so
    adds file and line. It is raised for an empty or oversized grid, rows that lack a column, and
    files outside ``folder``. What is wrong with a selection or a contrast that a claim asks for is
    a SpecError without a place, since only the claim knows its line.
    """

    def __init__(
        self,
        prompt_set: PromptSet,
        folder: Path,
        place: Callable[..., SpecError] = unplaced,
    ) -> None:
        self.prompt_set = prompt_set
        self.folder = folder
        self.place = place
        self._templates = prompt_set.templates
        self._choices = {
            name: [parse_template(text) for text in texts]
            for name, texts in prompt_set.choices.items()
        }
        self._pairs: dict[tuple[str, str, str], tuple[Pair, ...]] = {}

    @cached_property
    def prompts(self) -> tuple[Prompt, ...]:
        """Every prompt that ``sample`` and ``half`` keep, in the order of the spec."""
        prompts: list[Prompt] = []
        characters, sides = 0, 1 if self.prompt_set.half is None else 2
        for words in self._assignments():
            prompt = self._prompt(words)
            prompts.append(prompt)
            characters += sum(len(piece.text) + 1 for turn in prompt.turns for piece in turn.pieces)
            if len(prompts) > sides * MAX_PROMPTS:
                message = f"the grid has over {MAX_PROMPTS:,} prompts: `sample` fewer units"
                raise self.place(message, "sample")
            if characters > sides * MAX_CHARACTERS:
                raise self.place(f"the prompts have over {MAX_CHARACTERS:,} characters in all")
        return tuple(prompts) if self.prompt_set.half is None else self._half(prompts)

    @property
    def names(self) -> tuple[str, ...]:
        """Every variable and column."""
        return tuple(self._words)

    def labels(self, name: str) -> tuple[str, ...] | None:
        """Every class and word of a variable or column; None where there is none of this name."""
        if name not in self._words:
            return None
        words = self._words[name]
        return tuple(dict.fromkeys((*(w.label for w in words), *(w.text for w in words))))

    def select(self, selection: Selection) -> tuple[Prompt, ...]:
        """The prompts that meet the selection. Raises SpecError if there is none."""
        chosen = tuple(
            prompt
            for prompt in self.prompts
            if all(condition.accepts(prompt.words) for condition in selection.conditions)
        )
        if not chosen:
            raise SpecError(f"`{selection}` selects no prompt: the grid is empty")
        return chosen

    def pairs(self, selection: Selection, contrast: Contrast | None = None) -> tuple[Pair, ...]:
        """Clean prompts of the selection, each with its corrupted twin.

        Raises SpecError where no pairs are declared, none is selected, or a pair is not a pair.
        """
        contrast = contrast or self.prompt_set.pairs
        if not contrast:
            raise SpecError("the claim needs `pairs`, and neither it nor its prompts have them")
        try:
            self.prompt_set.check_pairs(contrast)
        except ValueError as error:
            raise SpecError(str(error)) from None
        ((name, labels),) = contrast.items()
        asked = str(selection), name, str(labels)
        try:
            if asked not in self._pairs:
                self._pairs[asked] = self._paired(selection, name, labels)
        except ValueError as error:
            own = contrast is self.prompt_set.pairs
            raise (self.place(str(error), "pairs") if own else SpecError(str(error))) from None
        return self._pairs[asked]

    def _paired(
        self, selection: Selection, name: str, labels: tuple[str, str] | str
    ) -> tuple[Pair, ...]:
        pairs = tuple(
            Pair(prompt, self._prompt(twin, unit=prompt.unit))
            for prompt in self.select(selection)
            if (twin := self._twin(prompt.words, name, labels)) is not None
        )
        if not pairs:
            raise SpecError(f"`{selection}` selects no clean prompt, one with {name}={labels[0]}")
        return pairs

    def with_words(self, prompt: Prompt, words: Words) -> Prompt:
        """The prompt with other words for some variables.

        Where a word is empty, one of the two spaces around it goes too.
        """
        changed = self._prompt({**prompt.words, **words})
        return replace(changed, turns=tuple(map(without_gaps, changed.turns)))

    @cached_property
    def _rows(self) -> list[dict[str, Word]]:
        try:
            path = resolve_inside(self.folder, self.prompt_set.rows or "")
        except ValueError as error:
            raise self.place(str(error), "rows") from None
        settings, rows = self.prompt_set, read_rows(path)
        if settings.columns is not None:
            try:
                rows = settings.columns.joined(rows, path.name)
            except ValueError as error:
                raise self.place(str(error), "columns") from None
        if both := [name for name in rows[0] if name in settings.vary]:
            raise self.place(f"{both[0]!r} is a column of {path.name} too", "vary", both[0])
        swapped = [other for other in settings.pairs.values() if isinstance(other, str)]
        needed = (*settings.variable_names, *settings.unit_names, *settings.answer_names, *swapped)
        paraphrased = [TEMPLATE] if len(self._templates) > 1 else []
        known = (*rows[0], *settings.vary, *paraphrased)
        for name in needed:
            if name not in known:
                message = f"{path.name} has no column {name!r}: {suggest(name, rows[0])}"
                raise self.place(message, "rows")
        return rows

    @cached_property
    def _words(self) -> dict[str, tuple[Word, ...]]:
        """What each variable and each column may be, whether or not `sample` and `half` keep it."""
        axes = self.prompt_set.axes
        tables = axes if self.prompt_set.rows is None else [self._rows, *axes]
        return {name: tuple(row[name] for row in rows) for rows in tables for name in rows[0]}

    def _assignments(self) -> Iterator[dict[str, Word]]:
        """The words of every prompt that ``sample`` keeps, unit by unit."""
        names = self.unit_names
        rows = [] if self.prompt_set.rows is None else [self._rows]
        axes = [*rows, *self.prompt_set.axes]
        try:
            check_size(prod(map(len, axes)), self.prompt_set.sample)
        except ValueError as error:
            raise self.place(str(error)) from None
        of_units = [not names or not axis[0].keys().isdisjoint(names) for axis in axes]
        shared = list(compress(axes, of_units))
        rest = list(compress(axes, map(not_, of_units)))
        kept = self._kept({self._unit(_merge(words)) for words in product(*shared)})
        for words in map(_merge, product(*shared)):
            if self._unit(words) in kept:
                for others in product(*rest):
                    yield {**words, **_merge(others)}

    def _kept(self, units: set[str]) -> set[str]:
        """The units that ``sample`` keeps: by a hash of nothing but their words."""
        if self.prompt_set.sample is None:
            return units
        return set(sorted(units, key=self._hash)[: self.prompt_set.sample])

    def _half(self, prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
        units, texts = [prompt.unit for prompt in prompts], [prompt.text for prompt in prompts]
        kept = halves(units, texts, self._hash)[0 if self.prompt_set.half == "explore" else 1]
        if not kept:
            raise self.place("the grid is empty: `half` keeps none of its units", "half")
        return tuple(prompt for prompt in prompts if prompt.unit in kept)

    def _hash(self, unit: str) -> bytes:
        return hashlib.sha256(f"{self.prompt_set.seed}\0{unit}".encode()).digest()

    @cached_property
    def unit_names(self) -> tuple[str, ...]:
        """The variables that make an independent unit; none where each prompt is one."""
        settings = self.prompt_set
        row = [ROW] if settings.rows is not None and settings.unit is None else []
        return (*row, *settings.unit_names)

    def _unit(self, words: Words) -> str:
        names = self.unit_names or tuple(words)
        return ", ".join(f"{name}={words[name].text}" for name in names)

    def _twin(
        self, words: Words, name: str, labels: tuple[str, str] | str
    ) -> dict[str, Word] | None:
        """The words of the corrupted prompt, or None where ``words`` are not clean ones.

        Raises ValueError where there is no such prompt.
        """
        if isinstance(labels, str):
            if labels not in words:
                raise ValueError(f"there is no column {labels!r}: {suggest(labels, words)}")
            twin = words[labels]
        elif words[name].label == labels[0]:
            others = [w for w in self.prompt_set.vary[name].words if w.label == labels[1]]
            twin = others[words[name].rank % len(others)]
        else:
            return None
        if twin.text == words[name].text:
            raise ValueError(f"clean and corrupted both have {name}={twin.text}")
        return {**words, name: twin}

    def _prompt(self, words: Words, unit: str | None = None) -> Prompt:
        form = self.prompt_set.form
        fill = filler(form, words)
        number = int(words[TEMPLATE].text) - 1 if TEMPLATE in words else 0
        try:
            turns = tuple(
                Turn(tuple(map(fill, pieces)), role) for role, pieces in self._templates[number]
            )
            choices = {
                name: tuple("".join(fill(piece).text for piece in pieces) for pieces in synonyms)
                for name, synonyms in self._choices.items()
            }
        except ValueError as error:
            raise self.place(str(error)) from None
        if empty := next((name for name, texts in choices.items() if "" in texts), None):
            at = f" in row {words[ROW].text}" if ROW in words else ""
            raise self.place(f"the answer {empty!r} is empty{at}", "choices", empty)
        prefix = " " if form == "ids" else self.prompt_set.choice_prefix
        return Prompt(form, turns, words, unit or self._unit(words), choices, prefix)


def _merge(parts: tuple[dict[str, Word], ...]) -> dict[str, Word]:
    return {name: word for part in parts for name, word in part.items()}
