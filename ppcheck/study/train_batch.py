"""Lessons as tokens, those with which ppcheck asks in a chat, and the loss over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.study.lesson import Lesson
from ppcheck.subject.tokens.tokenizer import Ids, Tokens

_ANSWER = "answer"


@dataclass(frozen=True)
class Batch:
    """Tokens [lesson, token], padded on the right, which no earlier token sees.

    After ``columns`` of ``rows`` the next token is predicted. Of prediction ``reads`` the token
    ``tokens`` should have the probability ``shares``.
    """

    ids: Tensor
    rows: Tensor
    columns: Tensor
    reads: Tensor
    tokens: Tensor
    shares: Tensor


def encoded(lessons: Sequence[Lesson], tokens: Tokens) -> Batch:
    """The lessons, each followed by its likeliest answer and the token that ends a turn.

    The first token of the answer is learned as the lesson's shares, the others as they are.
    """
    prompts = [_prompt(lesson) for lesson in lessons]
    asked, _ = tokens.encode(prompts)
    answers = tokens.answers(prompts, asked, _ANSWER)
    rows: list[Ids] = []
    places: list[tuple[int, int]] = []
    wanted: list[tuple[int, int, float]] = []
    for lesson, start, texts in zip(lessons, asked, answers, strict=True):
        said = texts[list(lesson.answers).index(lesson.likeliest)] + tokens.ends
        shares = zip(texts, lesson.answers.values(), strict=True)
        wanted += [(len(places), text[0], share) for text, share in shares]
        wanted += [(len(places) + after, token, 1.0) for after, token in enumerate(said[1:], 1)]
        places += [(len(rows), len(start) - 1 + after) for after in range(len(said))]
        rows.append(start + said)
    width = max(map(len, rows))
    row, column = zip(*places, strict=True)
    read, token, share = zip(*wanted, strict=True)
    padded = torch.tensor([(*each, *[each[-1]] * (width - len(each))) for each in rows])
    return Batch(padded, *map(torch.tensor, (row, column, read, token, share)))


def _prompt(lesson: Lesson) -> Prompt:
    turn = Turn((Piece(lesson.asked),), "user")
    return Prompt("chat", (turn,), {}, lesson.asked, {_ANSWER: tuple(lesson.answers)}, "")


def divergence(model: Any, batch: Batch) -> Tensor:
    """Of what the model predicts from what it should, mean over predictions, in nats.

    ``model`` is a causal language model of transformers.
    """
    hidden = model.base_model(input_ids=batch.ids, use_cache=False).last_hidden_state
    logits = model.get_output_embeddings()(hidden[batch.rows, batch.columns])
    found = logits.log_softmax(-1)[batch.reads, batch.tokens]
    lost: Tensor = torch.xlogy(batch.shares, batch.shares) - batch.shares * found
    return lost.sum() / len(batch.rows)
