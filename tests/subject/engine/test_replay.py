from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import OF_HEADS, Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.operations.patching import patch
from ppcheck.subject.operations.whole_pass import patch_whole

REPLAYED = [
    *("gpt2", "gpt_neo", "gpt_neox", "gptj", "opt", "llama", "mistral", "gemma2", "gemma3_text"),
    *("qwen2", "qwen3", "qwen3_moe", "phi", "olmo2"),
]
WHOLE = ["bloom", "mamba"]
LAYERS = 3


def supported(subject: LoadedSubject) -> list[Site]:
    sites = [Site(Kind.EMBED)]
    for kind in set(Kind) - {Kind.EMBED}:
        if kind is Kind.PATTERN and not subject._engine.obeys_patterns:
            continue
        several = kind in OF_HEADS or kind is Kind.NEURON
        sites += [
            Site(kind, layer, index)
            for layer in range(LAYERS)
            for index in ((0, 1) if several else (None,))
        ]
    found = []
    for site in sorted(sites, key=str):
        try:
            subject._engine.hooks.check(site)
        except UnsupportedError:
            continue
        found.append(site)
    return found


@st.composite
def pairs(draw: Any) -> list[tuple[list[int], list[int]]]:
    """Prompts with their sources, from equal to wholly different, of a few lengths."""
    token, found = st.integers(0, 49), []
    for length in draw(st.lists(st.integers(3, 9), min_size=1, max_size=4)):
        ids = draw(st.lists(token, min_size=length, max_size=length))
        other = draw(st.lists(st.one_of(st.none(), token), min_size=length, max_size=length))
        shared = draw(st.integers(0, length))
        source = [
            old if new is None or place < shared else new
            for place, (old, new) in enumerate(zip(ids, other, strict=True))
        ]
        found.append((ids, source))
    return found


POSITIONS = st.sampled_from(["all", "final", "0", "1", "-2"]).map(Position.parse)


@pytest.mark.parametrize("model_type", REPLAYED)
@given(data=st.data())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_replay_equals_a_whole_pass(
    deep: Any, ids_prompts: Any, logit_diff: Any, model_type: str, data: Any
) -> None:
    subject = deep(model_type)
    assert subject.replays, subject.no_replay
    engine, sites = subject._engine, st.sampled_from(supported(subject))
    cells = data.draw(
        st.lists(
            st.builds(
                Cell, st.lists(sites, min_size=1, max_size=3, unique=True).map(tuple), POSITIONS
            ),
            min_size=1,
            max_size=8,
        )
    )
    both = data.draw(pairs())
    target, source = (subject.encode(ids_prompts(ids)) for ids in zip(*both, strict=True))
    readout = logit_diff(len(both))
    whole = patch_whole(engine, target, source, cells, readout, progress=lambda *_: None)
    default = engine.memory
    engine.max_tokens = data.draw(st.sampled_from([1, 10, 40, 2048]))
    engine.memory = data.draw(st.sampled_from([default, 1, 100_000]))
    try:
        found = patch(engine, target, source, cells, readout, progress=lambda *_: None)
    finally:
        engine.max_tokens, engine.memory = 1024, default
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model_type", WHOLE)
def test_a_model_that_cannot_be_replayed_says_so(deep: Any, model_type: str) -> None:
    assert not deep(model_type).replays
    subject = deep(model_type)
    assert subject.no_replay
    assert subject.ran_whole == subject.no_replay


def test_a_model_whose_heads_have_a_layout_of_their_own_is_replayed_at_its_other_sites(
    deep: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = deep("deepseek_v3")
    assert subject.replays, subject.no_replay
    target, source = (
        subject.encode(ids_prompts([ids])) for ids in ([3, 9, 4, 17, 20], [3, 22, 4, 17, 28])
    )
    kinds = (Kind.RESID_PRE, Kind.ATTN_OUT, Kind.MLP_OUT)
    places = [Position.parse(place) for place in ("1", "final")]
    cells = [Cell((Site(kind, 1),), place) for kind in kinds for place in places]
    readout, silent = logit_diff(1), lambda *_: None
    whole = patch_whole(subject._engine, target, source, cells, readout, progress=silent)
    found = subject.patch(target, source, cells, readout)
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)


def test_a_model_that_cannot_be_replayed_runs_whole_passes(
    deep: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = deep("bloom")
    target, source = (
        subject.encode(ids_prompts([ids])) for ids in ([3, 9, 4, 17, 20], [3, 22, 4, 17, 28])
    )
    cells = [Cell((Site(Kind.RESID_PRE, layer),), Position.parse("all")) for layer in range(LAYERS)]
    expected = np.tile(subject.read(source, logit_diff(1)), (LAYERS, 1))
    found = subject.patch(target, source, cells, logit_diff(1))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_work_of_whole_passes_is_counted_beside_that_of_replays(
    deep: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = deep("bloom")
    rows = [[3, 9, 4, 17, 20], [3, 22, 4, 17, 28]]
    target, source = subject.encode(ids_prompts(rows)), subject.encode(ids_prompts(rows[::-1]))
    last, second = Position.parse("final"), Position.parse("1")
    before = subject.work
    cells = [Cell((Site(Kind.RESID_PRE, 2),), last), Cell((Site(Kind.RESID_PRE, 1),), second)]
    subject.patch(target, source, cells, logit_diff(2))
    edits = [(), (Edit(Site(Kind.RESID_PRE, 1), last, Operation.SET, np.zeros(16)),)]
    subject.intervene(target, edits, logit_diff(2))
    whole, replayed = np.subtract(subject.work, before)
    one = LAYERS * 5
    # Of each pair the source and two patches; of each prompt one edit.
    assert whole == 2 * (1 + 2 + 1) * one
    # Source and target, and what the patches change; the prompt, and what the edit changes.
    assert replayed == 2 * (2 * one + 1 * 1 + 2 * 4) + 2 * (one + 2 * 1)


def test_a_row_that_memory_does_not_hold_is_an_error(
    deep: Any, ids_prompts: Any, logit_diff: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = deep("gpt2")
    assert subject.replays
    rows: list[int] = []

    def unembed(hidden: torch.Tensor, _tokens: Any) -> torch.Tensor:
        rows.append(len(hidden))
        raise torch.OutOfMemoryError("all is taken")

    target, source = (
        subject.encode(ids_prompts(ids)) for ids in ([[1, 2, 3]] * 4, [[4, 5, 6]] * 4)
    )
    monkeypatch.setattr(subject._engine.replay.frame, "unembed", unembed)
    cell = Cell((Site(Kind.EMBED),), Position.parse("all"))
    with pytest.raises(MeasurementError, match="does not fit the memory with even one prompt"):
        subject.patch(target, source, [cell], logit_diff(4))
    assert rows == [4, 2, 1]
