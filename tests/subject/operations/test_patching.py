from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.demo import weights_path
from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.variable import Word
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject

ALL = Position("all")
TARGET = [[3, 9, 4, 17, 20], [30, 2, 11, 6, 6], [5, 5, 8, 13, 21]]
SOURCE = [[3, 22, 4, 17, 28], [30, 40, 11, 35, 6], [5, 1, 8, 13, 34]]
KINDS = {
    "attn_head_out_by_pos": Kind.HEAD,
    "attn_head_q_by_pos": Kind.QUERY,
    "attn_head_k_by_pos": Kind.KEY,
    "attn_head_v_by_pos": Kind.VALUE,
    "resid_pre": Kind.RESID_PRE,
    "resid_mid": Kind.RESID_MID,
    "attn_out": Kind.ATTN_OUT,
    "mlp_out": Kind.MLP_OUT,
}


@pytest.fixture(scope="module", params=["gpt2", "llama", "demo", "stories260K"])
def rivals(request: pytest.FixtureRequest, saved: Any) -> tuple[LoadedSubject, Any]:
    """One model, once as a LoadedSubject and once as a bridge of its own."""
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if request.param == "demo":
        path = weights_path()
    elif request.param == "stories260K":
        path = request.getfixturevalue("stories")
    else:
        path = saved(request.param)
    auto: Any = AutoModelForCausalLM
    tokenizer = AutoTokenizer.from_pretrained(weights_path())
    bridge = TransformerBridge.boot_transformers(
        str(path), hf_model=auto.from_pretrained(path), tokenizer=tokenizer, device="cpu"
    )
    return load(resolve(str(path))), bridge


@pytest.mark.parametrize("name", KINDS)
def test_patching_agrees_with_transformer_lens(
    rivals: tuple[LoadedSubject, Any], ids_prompts: Any, logit_diff: Any, name: str
) -> None:
    from transformer_lens import patching

    subject, bridge = rivals
    answers = {50: (7, 11), 80: (43, 44), 512: (338, 286)}
    first, second = tokens = answers[subject.shape.n_vocabulary]
    # With gradients its resid_mid is a copy that only the MLP sees; without, it is the stream.
    with torch.no_grad():
        _, cache = bridge.run_with_cache(torch.tensor(SOURCE))
        theirs = getattr(patching, f"get_act_patch_{name}")(
            bridge,
            torch.tensor(TARGET),
            cache,
            lambda logits: logits[:, -1, first] - logits[:, -1, second],
            reduce="none",
        )
    cells = []
    for row in theirs.index_df.itertuples(index=False):
        site = Site(KINDS[name], row.layer, getattr(row, "head", None))
        cells.append(Cell((site,), Position("index", index=row.pos)))
    target, source = (subject.encode(ids_prompts(ids)) for ids in (TARGET, SOURCE))
    ours = subject.patch(target, source, cells, logit_diff(3, tokens))
    assert np.abs(ours - subject.read(target, logit_diff(3, tokens))).max() > 1e-3
    np.testing.assert_allclose(ours, theirs.values.flatten(0, -2).numpy(), rtol=0, atol=1e-5)


PAIN, NEUTRAL, CHOOSE, YES, NO = range(5)


@pytest.fixture(scope="module")
def micro(tmp_path_factory: pytest.TempPathFactory) -> LoadedSubject:
    """A model that a person can work out: two tokens in, logit of yes minus logit of no out.

    The directions e1..e6 are orthogonal rows of +1 and -1 (Walsh functions) with mean zero and
    squared length 8. LayerNorm, without epsilon, leaves a sum of n of them alone but for a factor
    1 / sqrt(n). Pain is e2, neutral e3, choose e1; positions are zero; every pattern is uniform.

    Head 0 has the value +1 at pain, -1 at neutral and 0 at choose; over both tokens it is halved,
    and it writes s e4, with s = +1 after pain and -1 after neutral. Head 1 has the value +1 at both
    words and writes e5. The attention bias writes e6. So the final stream is then
    e1 + s e4 + e5 + e6, which LayerNorm halves. The neuron n = relu(s) writes -2 n e5:

        after pain     e1 + e4 - e5 + e6        after neutral     e1 - e4 + e5 + e6

    LayerNorm halves these too. Yes reads (3 e4 + e5) / 4 and no reads zero, so that with s and the
    sign t of e5 the logit difference is 3 s + t: clean 3 - 1 = 2, corrupted -3 + 1 = -2.
    """
    from scipy.linalg import hadamard
    from transformers import GPT2Config, GPT2LMHeadModel

    e = torch.tensor(hadamard(8), dtype=torch.float32)
    config = GPT2Config(
        vocab_size=5,
        n_positions=2,
        n_embd=8,
        n_layer=1,
        n_head=2,
        n_inner=1,
        activation_function="relu",
        layer_norm_epsilon=0.0,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = GPT2LMHeadModel(config)
    state = model.state_dict()
    for name, tensor in state.items():
        tensor.fill_(1 if "ln_" in name and name.endswith("weight") else 0)
    block = "transformer.h.0"
    state["transformer.wte.weight"][[PAIN, NEUTRAL, CHOOSE]] = e[[2, 3, 1]]
    value = state[f"{block}.attn.c_attn.weight"][:, 16:]
    value[:, 0], value[:, 4] = (e[2] - e[3]) / 8, (e[2] + e[3]) / 8
    state[f"{block}.attn.c_proj.weight"][0] = 2 * e[4]
    state[f"{block}.attn.c_proj.weight"][4] = 2 * e[5]
    state[f"{block}.attn.c_proj.bias"][:] = e[6]
    state[f"{block}.mlp.c_fc.weight"][:, 0] = e[4] / 4
    state[f"{block}.mlp.c_proj.weight"][0] = -2 * e[5]
    state["lm_head.weight"][YES] = (3 * e[4] + e[5]) / 4
    model.load_state_dict(state)
    path = tmp_path_factory.mktemp("micro")
    model.save_pretrained(path)
    return load(resolve(str(path)))


class YesOverNo:
    tokens = np.array([[YES, NO]])

    def values(self, logits: Any, rows: Any) -> Any:
        assert list(rows) == [0] * len(rows)
        return logits[:, 0] - logits[:, 1]


@pytest.mark.parametrize(
    ("sites", "position", "denoised", "noised"),
    [
        ("L0H0", "final", 2, -2),  # it also decides about the neuron
        ("L0H1", "final", -2, 2),  # it does the same after both words
        ("L0N0", "final", -4, 4),  # the neuron alone speaks against head 0
        ("mlp_out.L0", "final", -4, 4),
        ("attn_out.L0", "final", 2, -2),
        ("resid_mid.L0", "final", 2, -2),
        ("resid_post.L0", "final", 2, -2),
        ("resid_pre.L0", "final", -2, 2),  # both prompts end in the same token
        ("resid_pre.L0", "0", 2, -2),
        ("embed", "0", 2, -2),
        ("L0H0.v", "0", 2, -2),
        ("L0H0.v", "final", -2, 2),
        ("L0H0.q", "all", -2, 2),  # patterns are uniform whatever asks
        ("L0H0.pattern", "all", -2, 2),
        (["L0H*", "L0N0"], "final", 2, -2),
    ],
)
def test_the_micro_model_answers_as_a_person_works_out(
    micro: LoadedSubject,
    ids_prompts: Any,
    sites: Any,
    position: str,
    denoised: float,
    noised: float,
) -> None:
    clean, corrupted = (micro.encode(ids_prompts([[word, CHOOSE]])) for word in (PAIN, NEUTRAL))
    assert micro.read(clean, YesOverNo()) == [2]
    assert micro.read(corrupted, YesOverNo()) == [-2]
    cell = Cell(micro.sites(Sites.parse(sites)), Position.parse(position))
    assert micro.patch(corrupted, clean, [cell], YesOverNo()) == [[denoised]]
    assert micro.patch(clean, corrupted, [cell], YesOverNo()) == [[noised]]


def test_a_patch_at_the_end_works_between_prompts_of_different_lengths(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = tiny("gpt2")
    short, long = (subject.encode(ids_prompts(ids)) for ids in ([[3, 9, 4]], [[7, 3, 22, 4, 17]]))
    cell = Cell((Site(Kind.RESID_POST, 1),), FINAL)
    patched = subject.patch(short, long, [cell], logit_diff(1))
    np.testing.assert_allclose(patched[0], subject.read(long, logit_diff(1)), atol=1e-6)


def test_pairs_of_different_lengths_are_named(tiny: Any, ids_prompts: Any, logit_diff: Any) -> None:
    subject = tiny("gpt2")
    target = subject.encode(ids_prompts([[3, 9, 4], [1, 2, 3]]))
    source = subject.encode(ids_prompts([[3, 9, 4], [1, 2, 3, 4]]))
    message = r"different lengths: all is 3 against 4 tokens in '1 2 3' against '1 2 3 4'"
    with pytest.raises(MeasurementError, match=message):
        subject.patch(target, source, [Cell((Site(Kind.EMBED),), ALL)], logit_diff(2))
    pattern = Cell((Site(Kind.PATTERN, 0, 0),), FINAL)
    with pytest.raises(MeasurementError, match="attention patterns cannot be exchanged: '1 2 3'"):
        subject.patch(target, source, [pattern], logit_diff(2))


def test_a_prompt_that_the_label_leaves_out_is_not_patched(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject, labels = tiny("gpt2"), ("pain", "pleasure", "pain")
    target, source = (
        subject.encode(
            [
                replace(prompt, words={"word": Word(label, label)})
                for prompt, label in zip(ids_prompts(ids), labels, strict=True)
            ]
        )
        for ids in (TARGET, SOURCE)
    )
    cells = [Cell((Site(Kind.EMBED),), Position.parse(text)) for text in ("word", "word=pain")]
    every, pain = subject.patch(target, source, cells, logit_diff(3))
    unpatched = subject.read(target, logit_diff(3))
    np.testing.assert_allclose(pain, [every[0], unpatched[1], every[2]], atol=1e-6)
    assert np.abs(every - unpatched).min() > 1e-3


@given(data=st.data(), model=st.sampled_from(["gpt2", "llama"]), max_tokens=st.integers(1, 64))
@settings(max_examples=25, deadline=None)
def test_batches_change_no_result(
    tiny: Any, ids_prompts: Any, logit_diff: Any, data: Any, model: str, max_tokens: int
) -> None:
    subject: LoadedSubject = tiny(model)
    sides = st.lists(st.integers(0, 49), min_size=2, max_size=6)
    pairs = data.draw(st.lists(st.tuples(sides, sides), min_size=1, max_size=5))
    target, source = (subject.encode(ids_prompts(ids)) for ids in zip(*pairs, strict=True))
    sites = data.draw(st.lists(st.sampled_from(_SITES), min_size=1, max_size=4))
    cells = [Cell(subject.sites(Sites.parse(site)), FINAL) for site in sites]
    whole = subject.patch(target, source, cells, logit_diff(len(pairs)))
    read = subject.read(target, logit_diff(len(pairs)))
    default, subject._engine.max_tokens = subject._engine.max_tokens, max_tokens
    try:
        parts = subject.patch(target, source, cells, logit_diff(len(pairs)))
        np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-5)
        again = subject.read(target, logit_diff(len(pairs)))
        np.testing.assert_allclose(again, read, rtol=0, atol=1e-5)
    finally:
        subject._engine.max_tokens = default


_SITES = ["L*H*", "L0H1", "L1H0.q", "L0H1.v", "resid_mid.L*", "mlp_out.L0", "L1N*", "resid_pre.L1"]
