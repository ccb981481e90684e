from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ppcheck.errors import ModelError
from ppcheck.subject.load import load, resolve
from tests.subject.damage import edit, rewrite

pytestmark = pytest.mark.trust


@pytest.fixture
def copy(copied: Any) -> Path:
    """A tiny GPT-2 of this test's own."""
    return Path(copied("gpt2"))


@pytest.mark.parametrize(
    "name", ["GPT2ForSequenceClassification", "GPT2DoubleHeadsModel", "GPT2Model", "Nonsense"]
)
def test_an_architecture_that_is_not_a_causal_language_model_is_refused_by_name(
    copy: Path, name: str
) -> None:
    edit(copy, architectures=[name])
    message = rf"says {name}, and the causal language model of model_type gpt2 is GPT2LMHeadModel"
    with pytest.raises(ModelError, match=message):
        load(resolve(str(copy)))


def test_a_saved_classifier_is_not_measured_as_a_language_model(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    config = GPT2Config(vocab_size=20, n_positions=8, n_embd=8, n_layer=1, n_head=2)
    GPT2ForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"config\.json says GPT2ForSequenceClassification"):
        load(resolve(str(tmp_path)))
    edit(tmp_path, architectures=["GPT2LMHeadModel"])
    with pytest.raises(ModelError, match=r"no use for 1 of the tensors of \S+: score\.weight\."):
        load(resolve(str(tmp_path)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architectures": ["MistralForCausalLM"]}, "is MistralForCausalLM, and model_type llama"),
        ({"model_type": "mistral"}, "is LlamaForCausalLM, and model_type mistral is Mistral"),
    ],
)
def test_an_architecture_of_another_type_is_a_contradiction(
    copied: Any, settings: dict[str, Any], message: str
) -> None:
    path = copied("llama")
    edit(path, **settings)
    with pytest.raises(ModelError, match=f"contradicts itself: the architecture {message}"):
        load(resolve(str(path)))


@pytest.mark.parametrize("named", [None, [], ["GPT2LMHEADMODEL"]])
def test_a_config_that_names_no_architecture_or_spells_it_otherwise_is_read(
    copy: Path, named: list[str] | None
) -> None:
    edit(copy, architectures=named)
    assert load(resolve(str(copy))).info.architecture == "GPT2LMHeadModel"


def test_a_model_with_an_encoder_is_refused(copy: Path) -> None:
    edit(copy, is_encoder_decoder=True)
    with pytest.raises(ModelError, match=r"an encoder and a decoder \(GPT2LMHeadModel\)"):
        load(resolve(str(copy)))


def test_a_type_without_a_causal_language_model_is_refused(tmp_path: Path) -> None:
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    config = DistilBertConfig(vocab_size=20, dim=8, n_layers=1, n_heads=2, hidden_dim=8)
    DistilBertForMaskedLM(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"none of model_type distilbert .*DistilBertForMaskedLM"):
        load(resolve(str(tmp_path)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_layer": -1}, "num_hidden_layers -1"),
        ({"n_layer": 0}, "num_hidden_layers 0"),
        ({"n_head": 0}, "num_attention_heads 0"),
    ],
)
def test_a_model_without_layers_or_heads_is_refused(
    copy: Path, settings: dict[str, int], said: str
) -> None:
    edit(copy, **settings)
    with pytest.raises(ModelError, match=f"says {said}: 1 is the least"):
        load(resolve(str(copy)))


@pytest.mark.parametrize("key", ["transformers_weights", "configuration_files"])
def test_a_config_that_sends_the_reader_to_other_files_is_refused(copy: Path, key: str) -> None:
    other = {"transformers_weights": "other.safetensors", "configuration_files": ["config.json"]}
    edit(copy, **{key: other[key]})
    with pytest.raises(ModelError, match=rf"names other files to read \({key}: "):
        load(resolve(str(copy)))


@pytest.mark.parametrize("said", [{"quant_method": "zip3"}, {}, {"quant_method": "bitsandbytes"}])
def test_an_unknown_quantisation_is_refused(copy: Path, said: dict[str, str]) -> None:
    edit(copy, quantization_config=said)
    method = said.get("quant_method")
    with pytest.raises(ModelError, match=rf"transformers does not know \(quant_method {method!r}"):
        load(resolve(str(copy)))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            {"quant_method": "bitsandbytes", "load_in_4bit": True},
            r"\(bitsandbytes_4bit\), and what reads that is not installed: .*bitsandbytes",
        ),
        ({"quant_method": "torchao", "quant_type": "int8_weight_only"}, r"\(torchao\), .*torchao"),
    ],
)
def test_a_quantisation_whose_package_is_missing_says_which(
    copy: Path, said: dict[str, Any], message: str
) -> None:
    edit(copy, quantization_config=said)
    with pytest.raises(ModelError, match=message):
        load(resolve(str(copy)))


def test_quantised_numbers_without_a_word_of_how_are_refused(copy: Path) -> None:
    import torch

    name = "transformer.h.1.mlp.c_fc.weight"
    rewrite(copy, lambda held: held.update({name: (held[name] * 50).round().to(torch.int8)}))
    with pytest.raises(ModelError, match=rf"whole numbers \(I8\) .* in {name}: it is quantised"):
        load(resolve(str(copy)))


def test_a_picture_and_text_model_is_loaded_as_the_language_model_that_it_holds() -> None:
    from transformers import AutoConfig

    from ppcheck.subject.model.config import _check_architecture

    config = AutoConfig.for_model("llama4", architectures=["Llama4ForConditionalGeneration"])
    _check_architecture(config, "llama4")


def test_the_hash_of_the_config_is_of_its_bytes(copy: Path) -> None:
    before = load(resolve(str(copy))).info
    edit(copy, layer_norm_epsilon=1e-3)
    after = load(resolve(str(copy))).info
    assert before.weights_sha256 == after.weights_sha256
    assert before.config_sha256 != after.config_sha256
    assert json.loads((copy / "config.json").read_text())["layer_norm_epsilon"] == 1e-3
