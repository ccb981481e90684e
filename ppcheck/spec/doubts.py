"""What may be meant as it is written in a prompt set, and seldom is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ppcheck.errors import SpecError
from ppcheck.spec.grid import Grid
from ppcheck.spec.seam import is_doubled, with_answer
from ppcheck.spec.template import ROW

_ESCAPE = re.compile(r"\\[nt]")


def doubts(grid: Grid) -> Iterator[SpecError]:
    """A warning, with its place, for each thing about the prompts that is seldom meant."""
    yield from _doubled_seams(grid)
    yield from _escapes(grid)
    yield from _last_turn(grid)
    yield from _blanks(grid)


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
