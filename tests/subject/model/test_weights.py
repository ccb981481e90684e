from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.errors import ModelError
from ppcheck.subject.load import load, resolve
from tests.subject.damage import edit, rewrite

pytestmark = pytest.mark.trust


@pytest.mark.parametrize(
    ("model_type", "setting", "left"),
    [("gpt2", "n_layer", r"11 .*h\.1\."), ("llama", "num_hidden_layers", r"9 .*layers\.1\.")],
)
def test_a_layer_that_the_config_leaves_out_is_an_error(
    copied: Any, model_type: str, setting: str, left: str
) -> None:
    path = copied(model_type)
    edit(path, **{setting: 1})
    with pytest.raises(ModelError, match=rf"LM\S* has no use for {left}"):
        load(resolve(str(path)))


def test_a_bias_that_the_config_leaves_out_is_an_error(copied: Any) -> None:
    path = copied("llama")
    rewrite(path, lambda held: held.update({"model.layers.0.mlp.up_proj.bias": torch.ones(24)}))
    message = r"LlamaForCausalLM has no use for 1 .*: model\.layers\.0\.mlp\.up_proj\.bias\. It is"
    with pytest.raises(ModelError, match=message):
        load(resolve(str(path)))


@pytest.mark.parametrize(
    ("model_type", "names"),
    [
        ("gpt2", ["transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias"]),
        ("gptj", ["transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias"]),
        ("gpt_neo", ["transformer.h.0.attn.attention.bias"]),
        ("gpt_neox", ["gpt_neox.layers.0.attention.masked_bias"]),
        ("llama", ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"]),
    ],
)
def test_what_the_architecture_computes_itself_may_be_left_over(
    copied: Any, model_type: str, names: list[str]
) -> None:
    path = copied(model_type)
    rewrite(path, lambda held: held.update({name: torch.ones(2) for name in names}))
    load(resolve(str(path)))


@pytest.mark.parametrize(
    ("settings", "name", "shapes"),
    [
        ({"vocab_size": 40}, "lm_head.weight", r"\[50, 16\] in the file and \[40, 16\]"),
        ({"hidden_size": 32}, "lm_head.weight", r"\[50, 16\] in the file and \[50, 32\]"),
        ({"num_key_value_heads": 4}, r"\S*k_proj.weight", r"\[8, 16\] in the file and \[16, 16\]"),
        ({"intermediate_size": 8}, r"\S*down_proj.weight", r"\[16, 24\] in the file and \[16, 8\]"),
    ],
)
def test_a_shape_that_the_config_contradicts_is_named(
    copied: Any, settings: dict[str, int], name: str, shapes: str
) -> None:
    path = copied("llama")
    edit(path, **settings)
    message = rf"does not fit its weights: {name} is {shapes} by the configuration, and \d+ more$"
    with pytest.raises(ModelError, match=message):
        load(resolve(str(path)))


def test_embeddings_that_the_config_ties_and_the_file_does_not_are_a_contradiction(
    copied: Any,
) -> None:
    path = copied("llama")
    edit(path, tie_word_embeddings=True)
    message = r"it ties lm_head\.weight to model\.embed_tokens\.weight, and the file has both"
    with pytest.raises(ModelError, match=message):
        load(resolve(str(path)))
    rewrite(path, lambda held: held["lm_head.weight"].copy_(held["model.embed_tokens.weight"]))
    load(resolve(str(path)))


def test_embeddings_that_the_config_does_not_tie_are_not_made_up(copied: Any) -> None:
    path = Path(copied("gpt2"))
    edit(path, tie_word_embeddings=False)
    with pytest.raises(ModelError, match=r"lack 1 of the model's tensors, lm_head\.weight among"):
        load(resolve(str(path)))


def test_no_error_refers_to_a_report_that_is_not_shown(copied: Any) -> None:
    path = copied("gpt2")
    edit(path, n_positions=48)
    with pytest.raises(ModelError, match=r"transformer\.wpe\.weight is \[24, 16\]") as caught:
        load(resolve(str(path)))
    assert "above" not in str(caught.value)
