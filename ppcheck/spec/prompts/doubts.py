"""What may be meant as it is written in a prompt set, and seldom is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ppcheck.errors import SpecError
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.seam import is_doubled, with_answer
from ppcheck.spec.prompts.template import ROW, TEMPLATE

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ESCAPE = re.compile(r"\\[nt]")


def doubts(grid: Grid) -> Iterator[SpecError]:
    """A warning, with its place, for each thing about the prompts that is seldom meant."""
    yield from _doubled_seams(grid)
    yield from _escapes(grid)
    yield from _last_turn(grid)
    yield from _blanks(grid)
    yield from _doubled_braces(grid)
    yield from _contradictions(grid)
    yield from _numbers(grid)
    yield from _units(grid)
    yield from _explored(grid)


def _doubled_seams(grid: Grid) -> Iterator[SpecError]:
    """A warning for each choice that some prompt is parted from by more than one space."""
    for name in grid.prompt_set.choices if grid.prompt_set.form != "ids" else ():
        prompt = next((prompt for prompt in grid.prompts if is_doubled(prompt, [name])), None)
        if prompt is not None:
            yield grid.place(
                f"white space meets white space before the choice {name!r}, as in "
                f"{with_answer(prompt, name)}, and a tokenizer may make other tokens of two than "
                "of one: leave one out of the answer, `choice_prefix` or the end of the template",
                "choices",
                name,
            )


def _escapes(grid: Grid) -> Iterator[SpecError]:
    """Line breaks and tabs that are a backslash and a letter, since no double quotes hold them."""
    settings = grid.prompt_set
    turns = [turn.content for turn in settings.turns or ()]
    answers = [text for texts in settings.choices.values() for text in texts]
    written = {
        "template": settings.template or (),
        "turns": turns,
        "choices": answers,
        "choice_prefix": [settings.choice_prefix],
    }
    for key, texts in written.items():
        if found := next(filter(None, map(_ESCAPE.search, texts)), None):
            yield grid.place(
                f"{found[0]} is a backslash and a letter here: put the text in double quotes if it "
                "stands for a line break or a tab",
                key,
            )


def _last_turn(grid: Grid) -> Iterator[SpecError]:
    turns = grid.prompt_set.turns
    if turns and turns[-1].role != "user":
        yield grid.place(
            f"the last turn is the {turns[-1].role}'s, and the answer begins another turn after it",
            "turns",
            len(turns) - 1,
        )


def _blanks(grid: Grid) -> Iterator[SpecError]:
    """Variables that have no word in some prompt."""
    for name in grid.prompt_set.variable_names:
        is_varied = name in grid.prompt_set.vary
        for prompt in grid.prompts:
            if name in prompt.words and not prompt.words[name].text.strip():
                where = "a word" if is_varied else f"row {prompt.words[ROW].text}"
                keys = ("vary", name) if is_varied else ("rows",)
                yield grid.place(f"{where} leaves the place of {{{name}}} empty", *keys)
                break


def _doubled_braces(grid: Grid) -> Iterator[SpecError]:
    """Variables in doubled braces, which stand for themselves."""
    settings = grid.prompt_set
    turns = [turn.content for turn in settings.turns or ()]
    for key, texts in {"template": settings.template or (), "turns": turns}.items():
        for name in grid.names:
            if any(f"{{{{{name}}}}}" in text for text in texts):
                said = f"{{{{{name}}}}} is the text {{{name}}}: write one brace for the variable"
                yield grid.place(said, key)


def _contradictions(grid: Grid) -> Iterator[SpecError]:
    """Words to which rows give two doses, and classes that differ by case."""
    for name in grid.prompt_set.variable_names if grid.prompt_set.rows is not None else ():
        words = {prompt.words[name] for prompt in grid.prompts if name in prompt.words}
        doses: dict[str, set[float | None]] = {}
        for word in words:
            doses.setdefault(word.text, set()).add(word.dose)
        if twice := sorted(text for text, some in doses.items() if len(some) > 1):
            yield grid.place(f"rows give {twice[0]!r} two doses as {name!r}", "rows")
        labels = {word.label for word in words}
        if len({label.casefold() for label in labels}) < len(labels):
            yield grid.place(f"classes of {name!r} differ by upper and lower case alone", "rows")


def _numbers(grid: Grid) -> Iterator[SpecError]:
    """Classes of a pair whose words have other numbers in them."""
    for name, labels in grid.prompt_set.pairs.items():
        variable = grid.prompt_set.vary.get(name)
        if variable is None or isinstance(labels, str):
            continue
        if all(_NUMBER.fullmatch(word.text) for word in variable.words):
            continue  # the number is what the classes are about
        one, other = (
            set(_NUMBER.findall(" ".join(w.text for w in variable.words if w.label == label)))
            for label in labels
        )
        if one ^ other:
            yield grid.place(
                f"{labels[0]} and {labels[1]} differ in the number {min(one ^ other)}, too: what a "
                "claim shows may be about that",
                "vary",
                name,
            )


def _units(grid: Grid) -> Iterator[SpecError]:
    """Prompts that no wording sets apart."""
    settings = grid.prompt_set
    roles = {settings.vary[name].role for name in grid.unit_names if name in settings.vary}
    is_plain = "plain" in roles or TEMPLATE in grid.unit_names or settings.rows is not None
    if not (is_plain or settings.unit or settings.is_fixed) and len(grid.prompts) > 1:
        yield grid.place(
            "all prompts have one wording, and each counts as an independent unit: give a plain "
            "list of words, so that claims are about more than these",
            "unit" if settings.unit is not None else "vary",
        )


def _explored(grid: Grid) -> Iterator[SpecError]:
    if grid.prompt_set.half == "explore":
        yield grid.place("`explore` is the half to set bounds on: judge on the other one", "half")
