"""A tiny Llama with a byte-level tokenizer, as a directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def make_llama(pieces: Any) -> Callable[..., Path]:
    """Save a tiny Llama whose matrices quantise (32 is their least width), and its tokenizer."""

    def make(path: Path, *, seed: int = 0, **settings: Any) -> Path:
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        shape: dict[str, Any] = {
            "vocab_size": len(pieces),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "max_position_embeddings": 24,
            **settings,
        }
        torch.manual_seed(seed)
        model = LlamaForCausalLM(LlamaConfig(**shape))
        for parameter in model.parameters():
            # Every head and neuron should matter in the logits.
            parameter.data += 0.2 * torch.randn_like(parameter)
        model.save_pretrained(path)
        pieces.save_pretrained(path)
        return path

    return make


@pytest.fixture(scope="session")
def llama(make_llama: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_llama(tmp_path_factory.mktemp("llama") / "whole")
