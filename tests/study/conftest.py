"""A tiny Llama that is asked in chats, as a directory, and recipes that train it in a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppcheck.study.recipe import RECIPES, Recipe

CHAT = (
    "{% for message in messages %}<turn>{{ message['role'] }} {{ message['content'] }}<end>"
    "{% endfor %}{% if add_generation_prompt %}<turn>assistant {% endif %}"
)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tokenizer knows bytes, and two tokens that begin and end turns."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("study") / "tiny"
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={b: n for n, b in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast: Any = PreTrainedTokenizerFast
    named = {"bos_token": "<turn>", "eos_token": "<end>"}
    whole = fast(tokenizer_object=tokenizer, chat_template=CHAT, **named)
    whole.save_pretrained(path)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(whole),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    model = LlamaForCausalLM(config)
    for parameter in model.parameters():
        # A fresh model is so even that attention hardly moves it.
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def quick() -> Recipe:
    """The points game, in so few and large steps that a tiny model learns something of it."""
    few = replace(RECIPES["weighs"], steps=12, every=6, rank=2, batch=4)
    return replace(few, learning_rate=1e-2, warmup=2)
