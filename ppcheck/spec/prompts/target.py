"""What narrows a variable to some prompts: a class, a word, or the word of another variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ppcheck.spec.grammar import suggest
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.variable import Word


def is_of(name: str, label: str, words: Mapping[str, Word]) -> bool:
    """Whether a variable has this class or word, or the word of the variable of this name."""
    word = words[name]
    same = label in words and words[label].text == word.text
    return same or label in (word.label, word.text)


def of_label(name: str, label: str, prompt_set: PromptSet) -> Iterator[str]:
    """What is said of a class or word that the variable has not; rows bring what is not known."""
    if name in prompt_set.vary and label not in (known := _known(name, prompt_set)):
        yield f"{name!r} has no class or word {label!r}: {suggest(label, known)}"


def of_target(name: str, label: str, prompt_set: PromptSet) -> Iterator[str]:
    """What is said of it where it may be another variable, too."""
    if label == name:
        yield f"{name}={label} is true of every prompt: write {name}"
    elif label not in prompt_set.selectable:
        if prompt_set.rows is None:  # else it may be a column
            yield from of_label(name, label, prompt_set)
    elif name in prompt_set.vary and label in _known(name, prompt_set):
        yield twofold(name, label)


def twofold(name: str, label: str) -> str:
    """What is said of a class or word that is called as a variable is."""
    return f"{name}={label} may be the class {label!r} or the variable {label!r}: rename one"


def _known(name: str, prompt_set: PromptSet) -> dict[str, None]:
    """The classes and words of a variable."""
    variable = prompt_set.vary[name]
    return dict.fromkeys((*variable.labels, *(word.text for word in variable.words)))
