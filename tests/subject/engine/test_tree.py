from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppcheck.subject.engine.tree import Tree
from ppcheck.subject.operations.reading import grown
from tests.subject.conftest import CONFIGS

PROMPTS = st.lists(
    st.lists(st.integers(0, 2), min_size=1, max_size=6).map(tuple), min_size=1, max_size=12
)
OWN_MASK = {"gpt_neo"}
"""Their blocks make the mask of a whole prompt themselves."""
NOT_REPLAYED = {"bloom", "mamba"}


@given(PROMPTS)
def test_a_tree_has_a_node_for_each_distinct_beginning(prompts: list[tuple[int, ...]]) -> None:
    tree = Tree.of(prompts)
    beginnings = {ids[: end + 1] for ids in prompts for end in range(len(ids))}
    assert len(tree) == len(beginnings)
    assert {tree.ids(node) for node in range(len(tree))} == beginnings
    assert [tree.ids(int(node)) for node in tree.ends] == prompts
    assert tree.height == max(map(len, prompts))


@given(PROMPTS)
def test_a_node_sees_the_beginnings_of_its_own(prompts: list[tuple[int, ...]]) -> None:
    tree = Tree.of(prompts)
    every = np.arange(len(tree))
    sees = tree.sees(every, every)
    for query in every:
        own = tree.ids(int(query))
        seen = [tree.ids(int(key)) for key in every[sees[query]]]
        assert sorted(seen) == [own[: end + 1] for end in range(len(own))]
        assert [*tree.above(int(query)), query] == list(every[sees[query]])


@given(PROMPTS, st.data())
def test_rows_place_each_token_at_its_depth(prompts: list[tuple[int, ...]], data: Any) -> None:
    tree = Tree.of(prompts)
    start = data.draw(st.integers(0, len(tree) - 1))
    nodes = np.arange(start, data.draw(st.integers(start + 1, len(tree))))
    ids, rows = tree.rows(nodes)
    np.testing.assert_array_equal(ids[rows, tree.depths[nodes]], tree.tokens[nodes])
    assert len(set(zip(rows, tree.depths[nodes], strict=True))) == len(nodes)


@st.composite
def branching(draw: Any) -> list[tuple[int, ...]]:
    """Prompts of a few lengths that start alike, and some with which others begin."""
    token = st.integers(0, 49)
    found: list[list[int]] = [draw(st.lists(token, min_size=1, max_size=9))]
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.sampled_from(found))
        kept = draw(st.integers(0, len(start)))
        more = draw(st.lists(token, min_size=0 if kept else 1, max_size=10 - kept))
        found.append([*start[:kept], *more])
    return [tuple(ids) for ids in found]


@pytest.mark.parametrize("model_type", sorted(CONFIGS.keys() - OWN_MASK - NOT_REPLAYED))
@given(prompts=branching(), size=st.integers(1, 12))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_tree_equals_whole_passes_however_few_tokens_run_together(
    deep: Any, model_type: str, prompts: list[tuple[int, ...]], size: int
) -> None:
    engine = deep(model_type)._engine
    assert engine.no_tree is None
    seen = []
    for rows, hidden in grown(engine, engine.replay, prompts, lambda *_: None, size):
        with engine.running():
            logits = engine.replay.frame.unembed(hidden[:, None], None)[:, 0]
        for row, found in zip(rows.tolist(), logits.numpy(), strict=True):
            whole = engine.forward(np.array([prompts[row]]), [])[0, -1].numpy()
            np.testing.assert_allclose(found, whole, rtol=0, atol=1e-4)
            seen.append(row)
    assert sorted(seen) == list(range(len(prompts)))


def test_a_model_whose_blocks_make_their_own_mask_runs_prompts_of_equal_length(
    deep: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = deep("gpt_neo")
    assert "differs from a whole pass" in subject._engine.no_tree
    prompts = [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 9], [1, 2]]
    read = subject.read(subject.encode(ids_prompts(prompts)), logit_diff(4))
    for ids, found in zip(prompts, read, strict=True):
        logits = subject._engine.forward(np.array([ids]), [])[0, -1].numpy()
        np.testing.assert_allclose(found, logits[7] - logits[11], rtol=0, atol=1e-5)
