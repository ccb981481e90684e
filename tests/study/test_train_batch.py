from __future__ import annotations

from copy import copy
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.errors import UnsupportedError
from ppcheck.study import points, rooms
from ppcheck.study.lesson import Lesson
from ppcheck.study.train import base
from ppcheck.study.train_batch import Batch, divergence, encoded
from ppcheck.subject.tokens.tokenizer import Tokens


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> tuple[Any, Tokens]:
    return base(str(tiny))


def by_hand(model: Any, tokens: Tokens, lesson: Lesson) -> list[float]:
    """The divergence at each predicted token, of one lesson run by itself."""
    tokenizer: Any = tokens.tokenizer
    turn = [{"role": "user", "content": lesson.asked}]
    text = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    start = tokenizer(text, add_special_tokens=False).input_ids
    said = tokenizer(lesson.likeliest, add_special_tokens=False).input_ids
    said = [*said, tokenizer.eos_token_id]
    with torch.no_grad():
        found = model(torch.tensor([start + said])).logits[0].log_softmax(-1)
    shares = torch.tensor(list(lesson.answers.values()))
    firsts = [tokenizer(answer).input_ids[0] for answer in lesson.answers]
    last = len(start) - 1
    lost = [float((shares * (shares.log() - found[last, firsts])).sum())]
    return lost + [-float(found[last + after, said[after]]) for after in range(1, len(said))]


@pytest.mark.parametrize("subject", [points, rooms])
def test_the_divergence_is_that_of_each_lesson_run_by_itself(
    loaded: tuple[Any, Tokens], subject: Any
) -> None:
    model, tokens = loaded
    lessons = list(islice(subject.lessons(3, False), 5))
    assert len({len(lesson.asked) for lesson in lessons}) > 1
    found = divergence(model, encoded(lessons, tokens))
    expected = [lost for lesson in lessons for lost in by_hand(model, tokens, lesson)]
    assert found.item() == pytest.approx(sum(expected) / len(expected), abs=1e-5)


def test_the_answer_is_followed_by_the_end_of_the_turn(loaded: tuple[Any, Tokens]) -> None:
    _, tokens = loaded
    lessons = [Lesson("Which?", {"1": 0.3, "2": 0.7}), Lesson("Which one is it?", {"ab": 1.0})]
    batch = encoded(lessons, tokens)
    said = [tokens.text([token]) for token in batch.tokens.tolist()]
    assert said == ["1", "2", "<end>", "a", "b", "<end>"]
    assert batch.reads.tolist() == [0, 0, 1, 2, 3, 4]
    assert batch.shares.tolist() == pytest.approx([0.3, 0.7, 1, 1, 1, 1])
    asked = [tokens.text(row[: column + 1]) for row, column in _starts(batch)]
    assert asked == [
        "<turn>user Which?<end><turn>assistant ",
        "<turn>user Which one is it?<end><turn>assistant ",
    ]


def _starts(batch: Batch) -> list[tuple[list[int], int]]:
    """Each lesson's tokens, and which of them is the last of what is asked."""
    rows = batch.rows.tolist()
    first = {row: int(batch.columns[rows.index(row)]) for row in rows}
    return [(batch.ids[row].tolist(), column) for row, column in first.items()]


def test_a_model_without_a_chat_template_cannot_be_taught(loaded: tuple[Any, Tokens]) -> None:
    tokenizer: Any = copy(loaded[1].tokenizer)
    tokenizer.chat_template = None
    with pytest.raises(UnsupportedError, match="plain has no chat template"):
        encoded([Lesson("Which?", {"1": 1.0})], Tokens("plain", 300, 512, tokenizer))
