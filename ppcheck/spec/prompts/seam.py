"""Where a prompt and its answer meet: two spaces there are seldom meant, and make other tokens."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ppcheck.spec.prompts.grid import Prompt

_SHOWN = 12


def is_doubled(prompt: Prompt, names: Iterable[str], end: str | None = None) -> bool:
    """Whether white space meets white space before some answer of these choices.

    ``end`` is what the prompt's text ends with where that is known better: a chat template's.
    """
    before = end_of(prompt) if end is None else end
    return any(
        _meets(before, prompt.choice_prefix, text) for n in names for text in prompt.choices[n]
    )


def end_of(prompt: Prompt) -> str:
    """The last few characters of the text that an answer follows; nothing where a chat template, or
    no text at all, stands there.
    """
    return prompt.text[-_SHOWN:] if prompt.form == "text" else ""


def with_answer(prompt: Prompt, name: str) -> str:
    """The end of the prompt with the first answer of a choice, as a message shows it."""
    return repr(f"{end_of(prompt)}{prompt.choice_prefix}{prompt.choices[name][0]}")


def _meets(before: str, prefix: str, answer: str) -> bool:
    parts = [part for part in (before, prefix, answer) if part]
    return any(left[-1].isspace() and right[0].isspace() for left, right in pairwise(parts))
