"""Tiny models with random weights that matter, and prompts of raw token ids for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.arrays import Floats, Integers
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.tokens.encoding import Encoded
from tests.subject.watched import IDS, TWINS, Watched

SMALL = {"vocab_size": 50}
GPT = {**SMALL, "n_positions": 24, "n_embd": 16, "n_layer": 2, "n_head": 2}
MODERN = {
    **SMALL,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 24,
}
GROUPED = {**MODERN, "num_key_value_heads": 2, "head_dim": 4}
DEEP: dict[str, dict[str, object]] = {
    "gpt_neo": {"num_layers": 3, "attention_types": [[["global", "local", "global"], 1]]},
    "gemma3_text": {
        "num_hidden_layers": 3,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    },
    "bloom": {"n_layer": 3},
}
CONFIGS: dict[str, dict[str, object]] = {
    "gpt2": {**GPT},
    "gptj": {**GPT, "rotary_dim": 4},
    "gpt_neox": {**MODERN},
    "opt": {**MODERN, "ffn_dim": 24, "word_embed_proj_dim": 16},
    "phi": {**MODERN},
    "llama": {**GROUPED},
    "mistral": {**GROUPED, "sliding_window": 3},
    "qwen3": {**GROUPED},
    "olmo2": {**MODERN},
    "gemma2": {**GROUPED, "sliding_window": 3, "query_pre_attn_scalar": 4},
    "qwen3_moe": {
        **GROUPED,
        "moe_intermediate_size": 8,
        "num_experts": 4,
        "num_experts_per_tok": 2,
    },
    "gpt_neo": {
        **SMALL,
        "hidden_size": 16,
        "num_layers": 2,
        "num_heads": 2,
        "max_position_embeddings": 24,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 3,
    },
    "qwen2": {**GROUPED},
    "gemma3_text": {**GROUPED, "sliding_window": 3, "query_pre_attn_scalar": 4},
    "bloom": {**SMALL, "hidden_size": 16, "n_layer": 2, "n_head": 2},
    "deepseek_v3": {
        **MODERN,
        "num_key_value_heads": 4,
        "q_lora_rank": 8,
        "kv_lora_rank": 8,
        "qk_rope_head_dim": 4,
        "qk_nope_head_dim": 4,
        "v_head_dim": 8,
        "moe_intermediate_size": 8,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "n_group": 2,
        "topk_group": 1,
        "first_k_dense_replace": 1,
    },
    "mamba": {**SMALL, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},
}


@dataclass(frozen=True)
class LogitDiff:
    """Logit of the first named token minus logit of the second."""

    tokens: Integers | None

    def values(self, logits: Floats, rows: Integers) -> Floats:  # noqa: ARG002
        return np.asarray(logits[:, 0] - logits[:, 1])


@pytest.fixture(scope="session")
def logit_diff() -> Callable[..., LogitDiff]:
    """The difference between two tokens, the same ones for a number of prompts."""
    return lambda prompts, tokens=(7, 11): LogitDiff(np.tile(np.array([tokens]), (prompts, 1)))


@pytest.fixture(scope="session")
def ids_prompts() -> Callable[[Sequence[Sequence[int]]], list[Prompt]]:
    """Prompts of these ids; the second token of each is the variable `word`."""

    def prompt(ids: Sequence[int]) -> Prompt:
        pieces = tuple(
            Piece(str(number), "word" if place == 1 else None, (number,))
            for place, number in enumerate(ids)
        )
        return Prompt("ids", (Turn(pieces),), {}, str(ids), {}, "")

    return lambda rows: [prompt(ids) for ids in rows]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of a tiny model of this type, without a tokenizer."""
    folder = tmp_path_factory.mktemp("models")

    def save(model_type: str) -> Path:
        path = folder / model_type
        if not path.exists():
            _save(model_type, path)
        return path

    return save


@pytest.fixture
def copied(saved: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A directory of this test's own with a tiny model of this type, to be damaged."""
    return lambda model_type: Path(shutil.copytree(saved(model_type), tmp_path / "copy"))


@pytest.fixture(scope="session")
def tiny(saved: Callable[[str], Path]) -> Callable[[str], LoadedSubject]:
    """A loaded tiny model of this type."""
    loaded: dict[str, LoadedSubject] = {}

    def get(model_type: str) -> LoadedSubject:
        if model_type not in loaded:
            loaded[model_type] = load(resolve(str(saved(model_type))))
        return loaded[model_type]

    return get


@pytest.fixture(scope="session")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], LoadedSubject]:
    """A loaded tiny model of this type, with a block between the first and the last."""
    folder = tmp_path_factory.mktemp("deep")

    @cache
    def get(model_type: str) -> LoadedSubject:
        path = folder / model_type
        layers = "n_layer" if "n_layer" in CONFIGS[model_type] else "num_hidden_layers"
        _save(model_type, path, **DEEP.get(model_type, {layers: 3}))
        return load(resolve(str(path)))

    return get


@pytest.fixture(scope="session")
def stories(shared: Path) -> Path:
    """A real Llama of 260 thousand parameters, with its tokenizer."""
    return shared / "models" / "stories260K"


def _save(model_type: str, path: Path, **settings: Any) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(sum(map(ord, model_type)))
    auto: Any = AutoModelForCausalLM
    model = auto.from_config(AutoConfig.for_model(model_type, **CONFIGS[model_type] | settings))
    for parameter in model.parameters():
        # Biases and every head and neuron should matter in the logits.
        parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(path)


@pytest.fixture(scope="session")
def words() -> Any:
    """A tokenizer of whole words, with <unk> for all others."""
    return _words()


@pytest.fixture(scope="session")
def wrapped() -> Any:
    """The same, but it puts <end> before and after every text."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = _words()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<end> $A <end>", special_tokens=[("<end>", 1)]
    )
    return tokenizer


@pytest.fixture(scope="session")
def pieces() -> Any:
    """A byte-level tokenizer like GPT-2's, to which pain is one token and agony two."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known = ("pick", "and", "mild", "sev", "ere", "pain", "ag", "ony", "hum", "3", ".")
    splits = [pair for word in known for pair in _merges(word)]
    ranks = list(dict.fromkeys([*splits, *(("Ġ", word) for word in known)]))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = dict.fromkeys([*alphabet, *(a + b for a, b in ranks)])
    model = models.BPE(vocab={token: n for n, token in enumerate(vocabulary)}, merges=ranks)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=tokenizer)


def _merges(word: str) -> list[tuple[str, str]]:
    """How a byte-pair encoder puts a word together, letter by letter."""
    return [(word[:end], word[end]) for end in range(1, len(word))]


def _words() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    vocabulary = ("<unk>", "<end>", "pick", "pain", ".")
    tokenizer = Tokenizer(WordLevel({w: n for n, w in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>", bos_token="<end>")


@pytest.fixture
def watched(tiny: Callable[[str], LoadedSubject]) -> Watched:
    return Watched(tiny("gpt2"))


@pytest.fixture
def pair(watched: Watched, ids_prompts: Any) -> tuple[Encoded, Encoded]:
    return watched.encode(ids_prompts(IDS)), watched.encode(ids_prompts(TWINS))
