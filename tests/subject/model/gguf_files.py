"""GGUF files of tiny models, written as llama.cpp's converter writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from ppcheck.arrays import Floats

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}{% endfor %}"
)


def write_gguf(
    directory: Path,
    file: Path,
    *,
    kind: str = "F32",
    change: Callable[[Any], object] | None = None,
) -> Path:
    """The Llama of a directory, its tokenizer included, in one file; ``kind`` is of its matrices.

    ``change`` may add to what is written.
    """
    gguf = pytest.importorskip("gguf", reason="needs the package gguf: ppcheck[gguf]")
    config = json.loads((directory / "config.json").read_text())
    tokenizer = json.loads((directory / "tokenizer.json").read_text())["model"]
    writer = gguf.GGUFWriter(file, "llama")
    _write_shape(writer, config)
    writer.add_file_type(gguf.LlamaFileType[f"{'ALL' if kind == 'F32' else 'MOSTLY'}_{kind}"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(tokenizer["vocab"]))
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokenizer["vocab"]))
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["merges"]])
    writer.add_chat_template(TEMPLATE)
    for name, tensor in load_file(directory / "model.safetensors").items():
        _write_tensor(writer, config, name, tensor.numpy(), kind)
    if change is not None:
        change(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _write_shape(writer: Any, config: dict[str, Any]) -> None:
    writer.add_name("tiny")
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])


def _write_tensor(
    writer: Any, config: dict[str, Any], name: str, values: Floats, kind: str
) -> None:
    import gguf

    stem, _, end = name.rpartition(".")
    block, layer = "", stem
    if stem.startswith("model.layers."):
        number, layer = stem.removeprefix("model.layers.").split(".", 1)
        block = f"blk.{number}."
    heads = {
        "self_attn.q_proj": config["num_attention_heads"],
        "self_attn.k_proj": config["num_key_value_heads"],
    }
    if layer in heads:  # its rotary pairs lie side by side
        halves = values.reshape(heads[layer], 2, -1, values.shape[-1])
        values = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
    stored, raw = values, None
    if values.ndim > 1 and kind != "F32":
        raw = gguf.GGMLQuantizationType[kind]
        stored = gguf.quants.quantize(values, raw)
    writer.add_tensor(f"{block}{NAMES[layer]}.{end}", stored, raw_dtype=raw)
