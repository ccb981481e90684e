from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ppcheck.subject.engine.batches import batches


@given(st.lists(st.integers(1, 5).map(lambda length: (length,)), max_size=30), st.integers(1, 12))
def test_each_prompt_is_in_one_batch_with_others_of_its_length(
    keys: list[tuple[int]], limit: int
) -> None:
    found = list(batches(keys, lambda key: max(1, limit // key[0])))
    assert sorted(number for batch in found for number in batch) == list(range(len(keys)))
    for batch in found:
        assert batch == sorted(batch)
        assert len({keys[number] for number in batch}) == 1
        assert len(batch) == 1 or len(batch) * keys[batch[0]][0] <= limit
