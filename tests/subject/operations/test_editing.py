from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.operations.whole_pass import activations_whole, edit_whole
from tests.subject.engine.test_replay import POSITIONS, REPLAYED, supported

ALL, SECOND = Position("all"), Position.parse("1")
IDS = [[3, 9, 4, 17, 20], [30, 2, 11, 6, 6], [5, 5, 8]]


def quiet(*_: object) -> None:
    pass


def edit(
    subject: LoadedSubject, site: Site, position: Position, operation: str, seed: int = 0
) -> Edit:
    vector = np.random.default_rng(seed).normal(size=subject.shape.width(site.kind))
    return Edit(site, position, Operation(operation), vector)


@st.composite
def edits(draw: Any, subject: LoadedSubject) -> list[tuple[Edit, ...]]:
    sites = st.sampled_from([s for s in supported(subject) if s.kind is not Kind.PATTERN])
    one = st.builds(
        lambda site, place, operation, seed: edit(subject, site, place, operation, seed),
        sites,
        POSITIONS,
        st.sampled_from(sorted(Operation)),
        st.integers(0, 99),
    )
    of_cell = st.lists(one, min_size=1, max_size=3, unique_by=lambda e: e.site).map(tuple)
    cells: list[tuple[Edit, ...]] = draw(st.lists(of_cell, min_size=1, max_size=6))
    return cells


PROMPTS = st.lists(st.lists(st.integers(0, 49), min_size=3, max_size=8), min_size=1, max_size=4)


@pytest.mark.parametrize("model_type", REPLAYED)
@given(data=st.data(), prompts=PROMPTS)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_edits_by_replay_equal_those_of_whole_passes(
    deep: Any, ids_prompts: Any, logit_diff: Any, model_type: str, data: Any, prompts: Any
) -> None:
    subject = deep(model_type)
    assert subject.replays, subject.no_replay
    encoded, readout = subject.encode(ids_prompts(prompts)), logit_diff(len(prompts))
    cells = data.draw(edits(subject))
    whole = edit_whole(subject._engine, encoded, cells, readout, progress=quiet)
    subject._engine.max_tokens = data.draw(st.sampled_from([1, 10, 1024]))
    try:
        found = subject.intervene(encoded, cells, readout)
    finally:
        subject._engine.max_tokens = 1024
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model_type", REPLAYED)
@given(data=st.data(), length=st.integers(3, 8), seed=st.integers(0, 99))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_activations_under_edits_equal_those_of_whole_passes(
    deep: Any, ids_prompts: Any, model_type: str, data: Any, length: int, seed: int
) -> None:
    subject = deep(model_type)
    ids = np.random.default_rng(seed).integers(0, 49, (2, length)).tolist()
    encoded = subject.encode(ids_prompts(ids))
    sites = [site for site in supported(subject) if site.kind is not Kind.PATTERN]
    seen = data.draw(st.lists(st.sampled_from(sites), min_size=1, max_size=4, unique=True))
    cells = [(), *data.draw(edits(subject))]
    whole = activations_whole(subject._engine, encoded, seen, cells, [0, 1])
    found = subject.activations(encoded, seen, ALL, cells)
    for site, one in zip(seen, found, strict=True):
        assert one.shape == (len(cells), 2, length, subject.shape.width(site.kind))
        np.testing.assert_allclose(one, whole[site], rtol=1e-5, atol=1e-5, err_msg=str(site))


@pytest.fixture(scope="module")
def plain(saved: Callable[[str], Any]) -> Any:
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    return auto.from_pretrained(saved("gpt2"), attn_implementation="eager").eval()


def by_hand(plain: Any, ids: list[int], module: Any, change: Any, *, before: bool) -> float:
    """Logit 7 minus logit 11 while ``change`` is made to a module's input or output."""

    def on_input(_module: Any, args: Any) -> Any:
        return (change(args[0].clone()), *args[1:])

    def on_output(_module: Any, _args: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (change(output[0].clone()), *output[1:])
        return change(output.clone())

    with ExitStack() as stack, torch.inference_mode():
        if before:
            handle = module.register_forward_pre_hook(on_input)
        else:
            handle = module.register_forward_hook(on_output)
        stack.callback(handle.remove)
        logits = plain(torch.tensor([ids])).logits[0, -1]
    return float(logits[7] - logits[11])


V = np.linspace(-1, 2, 16)


def zero_head(z: torch.Tensor) -> torch.Tensor:
    z[:, :, 8:] = 0
    return z


def push(stream: torch.Tensor) -> torch.Tensor:
    stream[:, -1] += torch.tensor(3 * V).float()
    return stream


def project(output: torch.Tensor) -> torch.Tensor:
    v = torch.tensor(V / np.linalg.norm(V)).float()
    return output - (output @ v)[..., None] * v


@pytest.mark.parametrize(
    ("made", "module", "change", "before"),
    [
        (
            Edit(Site(Kind.HEAD, 0, 1), ALL, Operation.SET, np.zeros(8)),
            "transformer.h.0.attn.c_proj",
            zero_head,
            True,
        ),
        (
            Edit(Site(Kind.RESID_POST, 0), FINAL, Operation.ADD, 3 * V),
            "transformer.h.0",
            push,
            False,
        ),
        (
            Edit(Site(Kind.MLP_OUT, 1), ALL, Operation.REMOVE, V),
            "transformer.h.1.mlp",
            project,
            False,
        ),
    ],
    ids=["zero a head", "add to the stream", "remove a direction"],
)
def test_an_edit_is_what_a_hand_written_hook_does(
    tiny: Any,
    plain: Any,
    ids_prompts: Any,
    logit_diff: Any,
    made: Edit,
    module: str,
    change: Any,
    before: Any,
) -> None:
    subject = tiny("gpt2")
    encoded = subject.encode(ids_prompts(IDS))
    found = subject.intervene(encoded, [(made,)], logit_diff(3))[0]
    at = plain.get_submodule(module)
    expected = [by_hand(plain, ids, at, change, before=before) for ids in IDS]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(found - subject.read(encoded, logit_diff(3))).min() > 1e-3


def test_a_vector_for_each_prompt_and_token(tiny: Any, ids_prompts: Any, logit_diff: Any) -> None:
    subject = tiny("llama")
    encoded = subject.encode(ids_prompts(IDS))
    site = Site(Kind.RESID_PRE, 1)
    own = subject.activations(encoded, [site], ALL)[0][0]
    assert np.isnan(own[2, 3:]).all()
    assert np.isfinite(own[:2]).all()
    same = Edit(site, ALL, Operation.SET, own)
    np.testing.assert_allclose(
        subject.intervene(encoded, [(same,), ()], logit_diff(3)),
        np.tile(subject.read(encoded, logit_diff(3)), (2, 1)),
        atol=1e-5,
    )


def test_means_are_those_of_the_activations(tiny: Any, ids_prompts: Any) -> None:
    subject = tiny("llama")
    sites = [Site(Kind.HEAD, 1, 2), Site(Kind.MLP_OUT, 0), Site(Kind.NEURON, 1, 3)]
    encoded = subject.encode(ids_prompts(IDS))
    for site, mean in zip(sites, subject.means(encoded, sites, ALL, pooled=True), strict=True):
        own = subject.activations(encoded, [site], ALL)[0][0].reshape(-1, mean.shape[-1])
        np.testing.assert_allclose(mean, np.nanmean(own, axis=0), atol=1e-6)
    short = subject.encode(ids_prompts(IDS[:2]))
    for site, mean in zip(sites, subject.means(short, sites, ALL, pooled=False), strict=True):
        own = subject.activations(short, [site], ALL)[0][0]
        np.testing.assert_allclose(mean, own.mean(axis=0), atol=1e-6)


def test_a_mean_by_token_needs_prompts_of_one_length(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = tiny("gpt2")
    encoded = subject.encode(ids_prompts(IDS))
    with pytest.raises(MeasurementError, match="all is 3 to 5 tokens"):
        subject.means(encoded, [Site(Kind.HEAD, 0, 0)], ALL, pooled=False)
    vectors = np.zeros((5, 8))
    made = Edit(Site(Kind.HEAD, 0, 0), ALL, Operation.SET, vectors)
    with pytest.raises(MeasurementError, match="vectors for 5 tokens, and all is 3"):
        subject.intervene(encoded, [(made,)], logit_diff(3))


def test_an_edit_without_meaning_is_refused() -> None:
    head = Site(Kind.HEAD, 0, 0)
    with pytest.raises(ValueError, match="not a vector at a token"):
        Edit(Site(Kind.PATTERN, 0, 0), ALL, Operation.SET, np.zeros(3))
    with pytest.raises(ValueError, match="shape"):
        Edit(head, ALL, Operation.SET, np.zeros((1, 1, 1, 8)))
    with pytest.raises(ValueError, match="not finite"):
        Edit(head, ALL, Operation.ADD, np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="no length"):
        Edit(head, ALL, Operation.REMOVE, np.zeros(8))


def test_one_site_cannot_be_edited_twice(tiny: Any, ids_prompts: Any, logit_diff: Any) -> None:
    subject = tiny("gpt2")
    twice = edit(subject, Site(Kind.HEAD, 0, 0), ALL, "add")
    with pytest.raises(ValueError, match="edited twice"):
        subject.intervene(subject.encode(ids_prompts(IDS)), [(twice, twice)], logit_diff(3))


def test_patterns_have_no_activations(tiny: Any, ids_prompts: Any) -> None:
    subject = tiny("gpt2")
    with pytest.raises(UnsupportedError, match="measure `attention`"):
        subject.activations(subject.encode(ids_prompts(IDS)), [Site(Kind.PATTERN, 0, 0)], ALL)


def test_a_model_without_replays_is_edited_by_whole_passes(
    deep: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = deep("bloom")
    encoded = subject.encode(ids_prompts(IDS))
    zero = Edit(Site(Kind.RESID_POST, 2), ALL, Operation.SET, np.zeros(16))
    found = subject.intervene(encoded, [(zero,)], logit_diff(3))[0]
    assert found.std() < 1e-6  # nothing of the prompt is left
    seen = subject.activations(encoded, [Site(Kind.RESID_POST, 2)], SECOND, [(zero,)])[0]
    assert not seen.any()
