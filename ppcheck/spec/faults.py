"""What is wrong with a claim that only its prompts tell: what it names and none of them has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ppcheck.errors import SpecError
from ppcheck.spec.grammar import suggest
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.selection import LabelCondition, Selection
from ppcheck.spec.sites.position import Position


def of_selection(selection: Selection, grid: Grid) -> Iterator[str]:
    """What is said of columns, classes and words that no prompt has, else of an empty selection."""
    unknown = [m for condition in selection.conditions for m in _of_condition(condition, grid)]
    yield from unknown
    if unknown:
        return
    try:
        grid.select(selection)
    except SpecError as error:
        if error.path is not None:
            raise
        yield error.message


def _of_condition(condition: LabelCondition, grid: Grid) -> Iterator[str]:
    name, known = condition.variable, grid.labels(condition.variable)
    if known is None:
        yield f"there is no variable or column {name!r}: {suggest(name, grid.names)}"
        return
    for label in condition.labels:
        if label not in known:
            yield f"no prompt has {name}={label}: {suggest(label, known)}"


def of_place(
    position: Position, prompts: Sequence[Prompt], measured: Sequence[Prompt], on: str
) -> Iterator[str]:
    """What is said of a class that no prompt has, and of a prompt that does not show the variable.

    The position is neither a list nor a complement. Every one of the prompts that are ``measured``
    has to show the variable.
    """
    name = position.variable
    if name is None:
        return
    if position.label is not None:
        yield from lacking(prompts, name, [position.label], on)
    for prompt in measured:
        if not any(piece.variable == name for turn in prompt.turns for piece in turn.pieces):
            yield f"{name!r} stands nowhere in the prompt {prompt.text!r}"
            return


def lacking(
    prompts: Sequence[Prompt],
    name: str,
    labels: Sequence[str],
    where: str,
    *,
    classes_alone: bool = False,
) -> Iterator[str]:
    """What is said of a variable, or of its classes or words, that no prompt of ``where`` has."""
    some = next((prompt for prompt in prompts if name not in prompt.words), None)
    if some is not None:
        yield f"there is no variable or column {name!r}: {suggest(name, some.words)}"
        return
    words = [prompt.words[name] for prompt in prompts]
    known = dict.fromkeys(word.label for word in words)
    if not classes_alone:
        known |= dict.fromkeys(word.text for word in words)
    for label in labels:
        if label not in known:
            yield f"no prompt of `{where}` has {name}={label}: {suggest(label, known)}"
