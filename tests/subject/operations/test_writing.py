"""Replies, token by token: held to transformers' own, and to their distribution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import MeasurementError
from ppcheck.subject.interventions.writing import NOTHING, Writing
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.operations.writing import replies
from tests.subject.conftest import CONFIGS

PROMPTS = [(3, 4, 5), (9, 8, 7, 6, 5), (3, 4, 5, 6), (11, 2, 30), (5, 6, 7), (3, 4, 5)]
TOKENS = 7
Tiny = Callable[[str], LoadedSubject]


@pytest.mark.parametrize("model_type", CONFIGS)
def test_the_likeliest_tokens_are_those_that_transformers_writes(
    tiny: Tiny, saved: Callable[[str], Path], model_type: str
) -> None:
    auto: Any = AutoModelForCausalLM
    plain = auto.from_pretrained(saved(model_type)).eval()
    subject = tiny(model_type)
    found = subject.replies(PROMPTS, [0] * len(PROMPTS), Writing(TOKENS))
    for prompt, tokens in zip(PROMPTS, found.tolist(), strict=True):
        ids = torch.tensor([prompt])
        written = plain.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=TOKENS
        )
        kept = written[0, len(prompt) :].tolist()
        assert tokens == kept + [NOTHING] * (TOKENS - len(kept))


def test_only_a_model_without_keys_and_values_runs_all_again(tiny: Tiny) -> None:
    without = {kind for kind in CONFIGS if not tiny(kind)._engine.has_cache}
    assert without == {"mamba"}


def test_a_reply_stops_with_the_token_that_ends_it(tiny: Tiny) -> None:
    engine, numbers = tiny("llama")._engine, [0] * len(PROMPTS)
    whole = replies(engine, PROMPTS, numbers, Writing(TOKENS), [], lambda *_: None)
    assert (whole != NOTHING).all()
    end = int(whole[1, 3])
    cut = replies(engine, PROMPTS, numbers, Writing(TOKENS), [end], lambda *_: None)
    for before, after in zip(whole.tolist(), cut.tolist(), strict=True):
        length = before.index(end) + 1 if end in before else TOKENS
        assert after == before[:length] + [NOTHING] * (TOKENS - length)


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "mamba"])
def test_a_drawn_reply_goes_by_its_prompt_and_its_number_alone(tiny: Tiny, model_type: str) -> None:
    subject, writing = tiny(model_type), Writing(TOKENS, temperature=1.0, seed=3)
    prompts, numbers = [p for p in PROMPTS[:-1] for _ in range(20)], list(range(20)) * 5
    whole = subject.replies(prompts, numbers, writing)
    some = np.random.default_rng(0).permutation(len(prompts))[:30].tolist()
    again = subject.replies([prompts[row] for row in some], [numbers[row] for row in some], writing)
    np.testing.assert_array_equal(again, whole[some])
    other = subject.replies(prompts, numbers, Writing(TOKENS, temperature=1.0, seed=4))
    assert (other != whole).any()
    assert len({tuple(row) for row in whole.tolist()}) > 90


def test_what_is_computed_of_a_row_does_not_depend_on_the_others(tiny: Tiny) -> None:
    engine, seen = tiny("llama")._engine, list[set[bytes]]()

    class Seen(Writing):
        def drawn(self, logits: Floats, uniforms: Floats) -> Integers:
            seen[-1] |= {row.tobytes() for row in logits}
            return super().drawn(logits, uniforms)

    for prompts in (PROMPTS, PROMPTS[:3:-1]):
        seen.append(set())
        replies(engine, prompts, [0] * len(prompts), Seen(3, 1.0), [], lambda *_: None)
    assert len(seen[1]) == 6
    assert seen[1] <= seen[0]


def test_with_less_memory_the_same_is_written(tiny: Tiny) -> None:
    subject, writing = tiny("qwen3"), Writing(TOKENS, temperature=1.0)
    engine, numbers = subject._engine, list(range(len(PROMPTS)))
    before = engine.memory, subject.replies(PROMPTS, numbers, writing)
    engine.memory = 1
    try:
        assert engine.written_rows(12, drawn=True) == 1
        np.testing.assert_array_equal(subject.replies(PROMPTS, numbers, writing), before[1])
    finally:
        engine.memory = before[0]


def test_a_prompt_with_a_reply_beyond_the_context_is_an_error(tiny: Tiny) -> None:
    with pytest.raises(MeasurementError, match=r"up to 25 tokens .* takes 24: ask for fewer"):
        tiny("gpt2").replies([tuple(range(5))], [0], Writing(20))


@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=6),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.2, 3),
)
def test_a_token_is_drawn_where_the_cumulative_distribution_passes_the_number(
    odds: list[float], uniform: float, temperature: float
) -> None:
    chances = np.array(odds) ** (1 / temperature)
    ends = np.cumsum(chances / chances.sum())
    (token,) = Writing(1, temperature).drawn(np.log([odds]) + 5, np.array([uniform]))
    assert (ends[token - 1] if token else 0) <= uniform + 1e-9
    assert uniform <= ends[token] + 1e-9
