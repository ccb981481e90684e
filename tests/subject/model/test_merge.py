from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import ModelError
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.files import file_hash
from ppcheck.subject.model.fingerprint import model_key
from ppcheck.subject.model.settings import Settings
from tests.subject.damage import rewrite
from tests.subject.model.adapters import ALPHA, HERE, RANK, lora, write_adapter
from tests.subject.model.gguf_files import write_gguf

WIDTHS = {"q_proj": (32, 32), "v_proj": (32, 16)}


@pytest.fixture(autouse=True, scope="module")
def _peft() -> None:
    pytest.importorskip("peft", reason="needs the package peft: ppcheck[peft]")


@pytest.fixture
def adapter(llama: Path, tmp_path: Path) -> Path:
    """A LoRA of the tiny Llama, which names it as its base."""
    return write_adapter(tmp_path / "run", lora(WIDTHS), base_model_name_or_path=str(llama))


@pytest.fixture
def by_hand(llama: Path, adapter: Path, tmp_path: Path) -> Path:
    """The tiny Llama with W + scale B A in the places of W."""
    changes = load_file(adapter / "adapter_model.safetensors")
    path = Path(shutil.copytree(llama, tmp_path / "by-hand"))

    def change(tensors: dict[str, Any]) -> None:
        for layer in range(2):
            for name in WIDTHS:
                a, b = (changes[HERE.format(layer, name, part)] for part in "AB")
                tensors[f"model.layers.{layer}.self_attn.{name}.weight"] += ALPHA / RANK * b @ a

    rewrite(path, change)
    return path


@pytest.fixture
def log_probs(ids_prompts: Any) -> Callable[[LoadedSubject], Floats]:
    """What a model gives to two continuations: they tell models apart."""

    def get(subject: LoadedSubject) -> Floats:
        encoded = subject.encode(ids_prompts([[3, 10, 17, 24, 200], [5, 9, 1, 7, 30]]))
        return np.array(subject.log_probs(encoded, [(7, 11), (80, 4)]))

    return get


def weights(subject: LoadedSubject) -> dict[str, Tensor]:
    return dict(subject._engine._model.named_parameters())


def test_an_adapter_is_merged_as_by_hand(
    adapter: Path, by_hand: Path, llama: Path, log_probs: Callable[[LoadedSubject], Floats]
) -> None:
    merged, same = load(resolve(str(adapter))), load(resolve(str(by_hand)))
    np.testing.assert_allclose(log_probs(merged), log_probs(same), atol=1e-5)
    assert np.abs(log_probs(merged) - log_probs(load(resolve(str(llama))))).max() > 0.01
    given = load(resolve(f"{llama}+{adapter}"))
    np.testing.assert_array_equal(log_probs(given), log_probs(merged))


def test_the_record_says_what_was_merged_and_hashes_both(adapter: Path, llama: Path) -> None:
    info, plain = load(resolve(str(adapter))).info, load(resolve(str(llama))).info
    assert (info.base, info.adapter) == (str(llama), str(adapter))
    assert (plain.base, plain.adapter) == (None, None)
    assert info.weight_processing == "none: raw weights; adapter merged in float32"
    assert "peft" in info.versions
    files = (llama / "model.safetensors", adapter / "adapter_config.json")
    assert info.weights_sha256 == file_hash([*files, adapter / "adapter_model.safetensors"])
    assert model_key(info) != model_key(plain)


@pytest.mark.trust
def test_one_other_number_in_an_adapter_is_another_model_to_the_cache(adapter: Path) -> None:
    keys = {model_key(load(resolve(str(adapter))).info)}
    file = adapter / "adapter_model.safetensors"
    held = file.read_bytes()
    file.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    keys.add(model_key(load(resolve(str(adapter))).info))
    file.write_bytes(held)
    config = adapter / "adapter_config.json"
    config.write_text(config.read_text().replace(f'"lora_alpha": {ALPHA}', '"lora_alpha": 1'))
    keys.add(model_key(load(resolve(str(adapter))).info))
    assert len(keys) == 3


def test_the_base_may_be_a_gguf_file(
    adapter: Path, llama: Path, tmp_path: Path, log_probs: Callable[[LoadedSubject], Floats]
) -> None:
    file = write_gguf(llama, tmp_path / "tiny.gguf")
    merged, same = load(resolve(f"{file}+{adapter}")), load(resolve(str(adapter)))
    np.testing.assert_allclose(log_probs(merged), log_probs(same), atol=1e-5)
    assert merged.info.quantisation == "F32 (tensors in F32)"


def test_it_is_merged_in_float32_whatever_runs(adapter: Path, by_hand: Path) -> None:
    merged = load(resolve(str(adapter)), Settings(dtype="bfloat16"))
    same = load(resolve(str(by_hand)), Settings(dtype="bfloat16"))
    assert merged.info.dtype == "bfloat16"
    for (name, one), other in zip(weights(merged).items(), weights(same).values(), strict=True):
        assert (one != other).float().mean() < 1e-3, name


def test_modules_that_were_trained_whole_take_the_place_of_the_base_s(
    llama: Path, tmp_path: Path
) -> None:
    weight = torch.randn(len(load_file(llama / "model.safetensors")["lm_head.weight"]), 32)
    path = write_adapter(
        tmp_path / "run",
        {**lora(WIDTHS), "base_model.model.lm_head.weight": weight},
        base_model_name_or_path=str(llama),
        modules_to_save=["lm_head"],
    )
    merged = load(resolve(str(path)))
    head = weights(merged)["lm_head.weight"]
    assert torch.equal(head, weight)


@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("LoraConfig", {"use_dora": True}),
        ("LoraConfig", {"use_rslora": True, "bias": "lora_only", "lora_alpha": 3}),
        ("LoHaConfig", {}),
        ("LoKrConfig", {}),
        ("IA3Config", {"feedforward_modules": []}),
    ],
)
def test_every_kind_computes_what_peft_computes_unmerged(
    llama: Path,
    tmp_path: Path,
    log_probs: Callable[[LoadedSubject], Floats],
    kind: str,
    settings: dict[str, Any],
) -> None:
    import peft
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    base = auto.from_pretrained(llama)
    config = getattr(peft, kind)(
        task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"], **settings
    )
    together = peft.get_peft_model(base, config).eval()
    torch.manual_seed(2)
    for parameter in together.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn_like(parameter)
    together.save_pretrained(tmp_path / "run")
    with torch.no_grad():
        logits = together(torch.tensor([[3, 10, 17, 24, 200, 7]])).logits[0].double()
    scores = logits.log_softmax(-1)
    merged = load(resolve(f"{llama}+{tmp_path / 'run'}"))
    assert log_probs(merged)[0] == pytest.approx(float(scores[4, 7] + scores[5, 11]), abs=1e-5)


@pytest.mark.parametrize(
    ("tensors", "settings", "message"),
    [
        (
            lora({"q_proj": (16, 32), "v_proj": (32, 16)}),
            {},
            "does not fit its base: .*size mismatch",
        ),
        (lora(WIDTHS, layers=3), {}, r"no place for 4 of its tensors, \S+layers\.2\S+lora_A"),
        (lora(WIDTHS, layers=1), {}, r"lacks 4 of the tensors .*, \S+layers\.1\.\S+ among them"),
        (lora(WIDTHS), {"target_modules": ["c_attn"]}, r"does not fit its base: Target modules"),
        (lora(WIDTHS), {"modules_to_save": ["lm_head"]}, r"does not fit its base: .*lm_head"),
        (lora(WIDTHS), {"peft_type": "PROMPT_TUNING"}, r"not merged here \(peft_type PROMPT_TUN"),
        (lora(WIDTHS), {"init_lora_weights": "pissa_niter_4"}, "trained on a changed base"),
        (lora(WIDTHS), {"megatron_config": {"a": 1}, "megatron_core": "os"}, "of a Megatron model"),
        (lora(WIDTHS), {"made_up": 3}, "says made_up, which the installed peft does not know"),
    ],
)
def test_an_adapter_that_does_not_fit_is_one_error(
    llama: Path, tmp_path: Path, tensors: Any, settings: dict[str, Any], message: str
) -> None:
    path = write_adapter(tmp_path / "run", tensors, **settings)
    with pytest.raises(ModelError, match=message) as caught:
        load(resolve(f"{llama}+{path}"))
    assert "\n" not in str(caught.value)


def test_what_merging_would_change_is_not_merged(
    make_llama: Callable[..., Path], tmp_path: Path
) -> None:
    """Tied embeddings are one weight, and a change of the unembedding would change both."""
    base = make_llama(tmp_path / "tied", tie_word_embeddings=True)
    size = len(load_file(base / "model.safetensors")["model.embed_tokens.weight"])
    head = "base_model.model.lm_head.lora_{}.weight"
    tensors = {head.format("A"): torch.randn(2, 32), head.format("B"): torch.randn(size, 2)}
    path = write_adapter(tmp_path / "run", tensors, target_modules=["lm_head"])
    with pytest.raises(ModelError, match=r"changes what it computes .* tied embeddings"):
        load(resolve(f"{base}+{path}"))


def test_the_adapter_s_own_tokenizer_is_used(adapter: Path, llama: Path, words: Any) -> None:
    words.save_pretrained(adapter)
    own, of_base = load(resolve(str(adapter))).info, load(resolve(str(llama))).info
    assert own.tokenizer_sha256 != of_base.tokenizer_sha256


def test_without_the_package_it_is_said_how_to_get_it(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModelError, match=r"run is an adapter, .*pip install 'ppcheck\[peft\]'"):
        load(resolve(str(adapter)))
