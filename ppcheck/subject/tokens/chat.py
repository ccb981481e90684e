"""Chat turns through the tokenizer's own chat template."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.prompts.template import Turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


Frames = dict[tuple[str, ...], list[str]]
"""By the roles of the turns, what a template puts before, between and after them."""


def render(
    turns: Sequence[Turn], tokenizer: PreTrainedTokenizerBase, model: str, known: Frames
) -> tuple[str, tuple[int, ...]]:
    """The chat as text up to where the assistant speaks, and where each turn's own text starts.

    ``known`` takes note of what does not depend on the texts of the turns. A template may strip the
    spaces around a turn; a start then counts the missing spaces, as though they stood there. Raises
    UnsupportedError where ``model`` has no chat template or it rejects the roles, MeasurementError
    where it changes a turn's text.
    """
    if tokenizer.chat_template is None:
        raise UnsupportedError(f"{model} has no chat template: it cannot be asked in `turns`")
    rendered = _apply(turns, [turn.text for turn in turns], tokenizer, model)
    roles = tuple(str(turn.role) for turn in turns)
    if roles not in known:
        # Private-use characters, which no template looks for, show where it puts each turn.
        marks = [f"\ue000{number}\ue001" for number in range(len(turns))]
        known[roles] = _split(_apply(turns, marks, tokenizer, model), marks)
    fixed = known[roles]
    for strip in (False, True):
        texts = [turn.text.strip() if strip else turn.text for turn in turns]
        parts = [part for pair in zip(fixed, [*texts, ""], strict=True) for part in pair]
        if "".join(parts) == rendered:
            starts = list(accumulate(map(len, parts)))[0 : 2 * len(turns) : 2]
            return rendered, tuple(
                start - (len(turn.text) - len(turn.text.lstrip()) if strip else 0)
                for start, turn in zip(starts, turns, strict=True)
            )
    raise MeasurementError(f"the chat template of {model} changes the text of a turn: {rendered!r}")


def _apply(
    turns: Sequence[Turn], texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, model: str
) -> str:
    from jinja2 import TemplateError

    messages: list[dict[str, Any]] = [
        {"role": turn.role, "content": text} for turn, text in zip(turns, texts, strict=True)
    ]
    try:
        return str(
            tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        )
    except TemplateError as error:
        roles = ", ".join(str(turn.role) for turn in turns)
        raise UnsupportedError(
            f"the chat template of {model} rejects turns of {roles}: {error}"
        ) from None


def _split(text: str, marks: Sequence[str]) -> list[str]:
    """The fixed text before, between and after the marks."""
    fixed = []
    for mark in marks:
        before, _, text = text.partition(mark)
        fixed.append(before)
    return [*fixed, text]
