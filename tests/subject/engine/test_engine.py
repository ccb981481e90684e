from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject

IDS = [[3, 9, 4, 17], [30, 2], [6, 6, 41, 8], [1, 2, 3, 4, 5, 6]]
MODELS = ["gpt2", "llama", "gpt_neox", "gemma2", "mamba", "qwen3_moe"]


class Whole:
    """Reads the logit of one token from the whole vocabulary."""

    tokens = None

    def values(self, logits: Any, rows: Any) -> Any:
        assert logits.shape == (len(rows), 50)
        return logits[:, 7]


@pytest.fixture
def logits(saved: Any) -> Any:
    """The plain model's logits for one prompt, [token, vocabulary]."""

    def run(model_type: str, ids: list[int]) -> Any:
        auto: Any = AutoModelForCausalLM
        # Other attention leaves out Gemma 2's soft-capping in some versions.
        model = auto.from_pretrained(saved(model_type), attn_implementation="eager").eval()
        with torch.no_grad():
            return model(torch.tensor([ids])).logits[0]

    return run


@pytest.mark.parametrize("model_type", MODELS)
def test_a_prompt_reads_the_same_in_company_as_alone_in_the_plain_model(
    tiny: Any, ids_prompts: Any, logit_diff: Any, logits: Any, model_type: str
) -> None:
    subject: LoadedSubject = tiny(model_type)
    encoded = subject.encode(ids_prompts(IDS))
    last = torch.stack([logits(model_type, ids)[-1] for ids in IDS]).numpy()
    read = subject.read(encoded, logit_diff(4))
    np.testing.assert_allclose(read, last[:, 7] - last[:, 11], rtol=0, atol=1e-5)
    np.testing.assert_allclose(subject.read(encoded, Whole()), last[:, 7], rtol=0, atol=1e-5)


def test_a_distribution_is_over_what_may_follow_the_last_token(
    tiny: Any, ids_prompts: Any, logits: Any
) -> None:
    found = tiny("gpt2").log_distribution(tiny("gpt2").encode(ids_prompts(IDS)))
    expected = [logits("gpt2", ids)[-1].double().log_softmax(-1).numpy() for ids in IDS]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_distribution_is_over_the_whole_vocabulary(
    tiny: Any, ids_prompts: Any, logits: Any
) -> None:
    subject = tiny("gpt2")
    found = subject.log_distribution(subject.encode(ids_prompts(IDS)))
    expected = torch.stack([logits("gpt2", ids)[-1].double().log_softmax(-1) for ids in IDS])
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-5)


def test_a_continuation_has_the_probability_of_its_tokens_in_turn(
    tiny: Any, ids_prompts: Any, logits: Any
) -> None:
    subject = tiny("gpt2")
    more = [[5], [5, 6, 7], [0, 49], [8]]
    expected = []
    for ids, answer in zip(IDS, more, strict=True):
        log_probs = logits("gpt2", ids + answer).double().log_softmax(-1)
        steps = range(len(ids) - 1, len(ids) - 1 + len(answer))
        expected.append(sum(float(log_probs[s, t]) for s, t in zip(steps, answer, strict=True)))
    found = subject.log_probs(subject.encode(ids_prompts(IDS)), more)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_continuation_beyond_the_context_is_refused(tiny: Any, ids_prompts: Any) -> None:
    subject = tiny("gpt2")
    with pytest.raises(MeasurementError, match=r"are 26 tokens and \S+ takes 24"):
        subject.log_probs(subject.encode(ids_prompts([[1, 2]])), [[3] * 24])


def test_attention_is_the_mean_over_queries_of_what_their_links_are_paid(
    tiny: Any, saved: Any, ids_prompts: Any
) -> None:
    subject = tiny("llama")
    heads = subject.sites(Sites.parse(["L1H3", "L0H*", "L1H3.pattern"]))
    links = [[(3, 0), (3, 2), (1, 1)], [(1, 0)], [], [(5, 5), (4, 4)]]
    found = subject.attention(subject.encode(ids_prompts(IDS)), heads, links)
    auto: Any = AutoModelForCausalLM
    model = auto.from_pretrained(saved("llama"), attn_implementation="eager").eval()
    for row, ids in enumerate(IDS):
        with torch.no_grad():
            patterns = model(torch.tensor([ids]), output_attentions=True).attentions
        queries = {query for query, _ in links[row]}
        for column, head in enumerate(heads):
            paid = [float(patterns[head.layer][0, head.index, q, k]) for q, k in links[row]]
            expected = sum(paid) / len(queries) if queries else np.nan
            np.testing.assert_allclose(found[row, column], expected, atol=1e-6)


def test_evenness_is_the_mean_over_queries_of_entropy_and_of_distance_from_uniform(
    tiny: Any, saved: Any, ids_prompts: Any
) -> None:
    subject = tiny("llama")
    heads = subject.sites(Sites.parse(["L1H3", "L0H*"]))
    queries = [[3, 1], [1], [], [5, 0]]
    found = subject.evenness(subject.encode(ids_prompts(IDS)), heads, queries)
    assert found.shape == (2, 4, 5)
    auto: Any = AutoModelForCausalLM
    model = auto.from_pretrained(saved("llama"), attn_implementation="eager").eval().double()
    for row, ids in enumerate(IDS):
        with torch.no_grad():
            patterns = model(torch.tensor([ids]), output_attentions=True).attentions
        for column, head in enumerate(heads):
            seen = [patterns[head.layer][0, head.index, q, : q + 1] for q in queries[row]]
            nats = [-float((each * each.log()).sum()) for each in seen]
            far = [float((each - 1 / len(each)).abs().sum()) / 2 for each in seen]
            expected = np.array([nats, far]).mean(axis=1) if seen else np.full(2, np.nan)
            np.testing.assert_allclose(found[:, row, column], expected, atol=1e-5)


def test_a_capture_has_one_array_a_site_in_the_order_asked_for(tiny: Any, ids_prompts: Any) -> None:
    subject = tiny("llama")
    encoded = subject.encode(ids_prompts(IDS))
    sites = subject.sites(Sites.parse(["L1H2", "resid_post.L0", "L0N5", "L1H0", "L0H1.k"]))
    together = subject.capture(encoded, sites, [0, 1, -1, 2])
    assert [array.shape for array in together] == [(4, 4), (4, 16), (4, 1), (4, 4), (4, 4)]
    for site, array in zip(sites, together, strict=True):
        alone = [
            subject.capture(subject.encode(ids_prompts([ids])), [site], [at])[0][0]
            for ids, at in zip(IDS, [0, 1, 3, 2], strict=True)
        ]
        np.testing.assert_allclose(array, np.stack(alone), rtol=0, atol=1e-5)


def test_a_prompt_that_is_asked_for_twice_runs_once(
    tiny: Any, ids_prompts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = tiny("gpt2")
    rows: list[int] = []
    forward = subject._engine.forward

    def counted(ids: Any, *args: Any, **options: Any) -> Any:
        rows.append(len(ids))
        return forward(ids, *args, **options)

    monkeypatch.setattr(subject._engine, "forward", counted)
    heads = subject.sites(Sites.parse("L*H*"))
    links = [[(2, 0)], [(2, 1), (2, 2)]]
    prompt, other = IDS[0], IDS[2]
    found = subject.attention(subject.encode(ids_prompts([prompt, prompt])), heads, links)
    assert rows == [1]
    apart = [
        subject.attention(subject.encode(ids_prompts([prompt])), heads, [each])[0] for each in links
    ]
    np.testing.assert_array_equal(found, np.stack(apart))
    three = subject.encode(ids_prompts([prompt, other, prompt]))
    mixed = subject.attention(three, heads, [links[0], [(1, 0)], links[1]])
    np.testing.assert_allclose(mixed[[0, 2]], found, rtol=0, atol=1e-6)


def test_a_pattern_is_no_activation_of_one_token(tiny: Any, ids_prompts: Any) -> None:
    subject = tiny("gpt2")
    with pytest.raises(UnsupportedError, match="measure `attention`"):
        subject.capture(subject.encode(ids_prompts(IDS)), [Site(Kind.PATTERN, 0, 0)], [0] * 4)


def test_progress_reaches_the_number_of_prompts(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject, calls = tiny("gpt2"), []
    subject.progress = lambda *call: calls.append(call)
    subject.read(subject.encode(ids_prompts(IDS)), logit_diff(4))
    assert calls == [("read", 4, 4)]


@pytest.mark.parametrize("broken", ["transformer.wte.weight", "transformer.h.1.mlp.c_fc.weight"])
def test_nan_in_the_weights_is_an_error_and_no_number(
    saved: Any, ids_prompts: Any, logit_diff: Any, tmp_path: Path, broken: str
) -> None:
    shutil.copytree(saved("gpt2"), tmp_path, dirs_exist_ok=True)
    weights = load_file(tmp_path / "model.safetensors")
    weights[broken].fill_(torch.nan)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    subject = load(resolve(str(tmp_path)))
    encoded = subject.encode(ids_prompts(IDS))
    with pytest.raises(MeasurementError, match="are not finite: its weights may hold NaN"):
        subject.read(encoded, logit_diff(4))
    with pytest.raises(MeasurementError, match="are not finite"):
        subject.capture(encoded, subject.sites(Sites.parse("mlp_out.L1")), [0] * 4)


def test_one_infinite_logit_is_an_error_though_probabilities_would_be_numbers(
    saved: Any, ids_prompts: Any, logit_diff: Any, tmp_path: Path
) -> None:
    shutil.copytree(saved("phi"), tmp_path, dirs_exist_ok=True)
    weights = load_file(tmp_path / "model.safetensors")
    weights["lm_head.bias"][3] = -torch.inf
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    subject = load(resolve(str(tmp_path)))
    with pytest.raises(MeasurementError, match="logits are not finite"):
        subject.read(subject.encode(ids_prompts(IDS)), logit_diff(4))


def test_a_small_model_runs_on_one_thread_whatever_was_set(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = tiny("gpt2")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        subject.read(subject.encode(ids_prompts(IDS)), logit_diff(4))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
