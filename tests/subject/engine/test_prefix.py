from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.subject.engine.prefix import branches

PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=6), min_size=1, max_size=20)


@given(PROMPTS, st.integers(1, 12))
def test_each_prompt_is_in_one_batch_with_others_that_start_like_it(
    ids: list[list[int]], most: int
) -> None:
    found = list(branches(ids, [1] * len(ids), lambda _length, _shared: most))
    assert sorted(number for batch, _ in found for number in batch) == list(range(len(ids)))
    for batch, shared in found:
        assert len(batch) <= most
        assert len({len(ids[number]) for number in batch}) == 1
        assert shared < len(ids[batch[0]])
        assert len({tuple(ids[number][:shared]) for number in batch}) == 1


def test_a_long_common_start_is_found_among_other_prompts() -> None:
    one, other = [1] * 300, [2] * 300
    ids = [[*start, end] for end in range(10) for start in (one, other)]
    found = list(branches(ids, [1] * len(ids), lambda _length, _shared: 100))
    assert [(sorted(n % 2 for n in batch), shared) for batch, shared in found] == [
        ([0] * 10, 300),
        ([1] * 10, 300),
    ]


@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_shared_start_changes_no_reading(
    deep: Any, ids_prompts: Any, logit_diff: Any, data: Any
) -> None:
    subject = deep(data.draw(st.sampled_from(["gpt2", "mistral", "gemma2", "gpt_neo"])))
    start = data.draw(st.lists(st.integers(0, 49), min_size=1, max_size=8))
    ends = data.draw(st.lists(st.integers(0, 49), min_size=1, max_size=6))
    more = [data.draw(st.lists(st.integers(0, 49), min_size=1, max_size=3)) for _ in ends]
    prompts = ids_prompts([[*start, end] for end in ends])
    together = subject.encode(prompts)
    read = subject.read(together, logit_diff(len(ends)))
    answered = subject.log_probs(together, more)
    for number, prompt in enumerate(prompts):
        alone = subject.encode([prompt])
        np.testing.assert_allclose(read[number], subject.read(alone, logit_diff(1)), atol=1e-5)
        np.testing.assert_allclose(
            answered[number], subject.log_probs(alone, [more[number]]), atol=1e-5
        )
