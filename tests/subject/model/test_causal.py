from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ppcheck.errors import ModelError
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.causal import check_causal
from ppcheck.subject.model.info import Shape
from ppcheck.subject.model.settings import Settings
from tests.subject.conftest import CONFIGS, MODERN
from tests.subject.damage import edit

pytestmark = pytest.mark.trust
SHAPE = Shape(1, 1, 1, 8, 8, 8, n_vocabulary=50, n_positions=24)


class Mixing(nn.Module):
    """Logits at a token are its own embedding and ``weight`` times those that it looks at."""

    def __init__(self, looks_at: Tensor, weight: float = 1.0, dtype: Any = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(50, 50).to(dtype)
        self.looks_at, self.weight = looks_at, weight
        self.device, self.dtype, self.config = torch.device("cpu"), dtype, SimpleNamespace()

    def forward(self, input_ids: Tensor, use_cache: bool) -> Any:  # noqa: ARG002
        embedded = self.embedding(input_ids)
        length = input_ids.shape[1]
        looks_at = self.looks_at[:length, :length].to(embedded)
        logits = embedded + self.weight * torch.einsum("qk,rkd->rqd", looks_at, embedded)
        return SimpleNamespace(logits=logits)


CAUSAL = torch.ones(24, 24).tril()


@given(earlier=st.integers(0, 6), ahead=st.integers(1, 7), precise=st.booleans())
def test_a_single_later_token_that_tells_is_found(earlier: int, ahead: int, precise: bool) -> None:
    later = min(earlier + ahead, 7)
    looks_at = CAUSAL.clone()
    looks_at[earlier, later] = 1
    weight, dtype = (1e-4, torch.float32) if precise else (0.02, torch.bfloat16)
    check_causal(Mixing(CAUSAL, weight, dtype), SHAPE, "mixing")
    with pytest.raises(ModelError, match=rf"token \d of a prompt .* at token {earlier}, by"):
        check_causal(Mixing(looks_at, weight, dtype), SHAPE, "mixing")


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7, 8])
def test_a_model_that_sees_ahead_only_within_blocks_of_tokens_is_found(size: int) -> None:
    block = torch.arange(24) // size
    looks_at = (block[:, None] >= block).float()
    with pytest.raises(ModelError, match="not a causal language model: token"):
        check_causal(Mixing(looks_at), SHAPE, "blocks")


@pytest.mark.parametrize("window", [1, 2, 5])
def test_a_window_of_earlier_tokens_is_causal(window: int) -> None:
    check_causal(Mixing(CAUSAL.triu(1 - window)), SHAPE, "window")


def test_logits_that_are_not_finite_are_left_to_measurements() -> None:
    check_causal(Mixing(torch.full((24, 24), torch.nan)), SHAPE, "nan")


def test_a_context_of_one_token_and_a_vocabulary_of_one_are_causal() -> None:
    for sizes in ({"n_positions": 1}, {"n_vocabulary": 1}):
        shape = Shape(1, 1, 1, 8, 8, 8, **{"n_vocabulary": 50, "n_positions": 24} | sizes)
        check_causal(Mixing(torch.ones(24, 24)), shape, "small")


@pytest.mark.parametrize("model_type", CONFIGS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_causal_architecture_is_loaded(saved: Any, model_type: str, dtype: str) -> None:
    load(resolve(str(saved(model_type))), Settings(dtype=dtype))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_bert_is_refused_unless_it_is_a_decoder(tmp_path: Path, dtype: str) -> None:
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config: Any = BertConfig
    BertForMaskedLM(config(**MODERN)).save_pretrained(tmp_path)
    ref, settings = resolve(str(tmp_path)), Settings(dtype=dtype)
    with pytest.raises(ModelError, match=r"not a causal language model: .* BertForMaskedLM"):
        load(ref, settings)
    edit(tmp_path, architectures=["BertLMHeadModel"])
    message = r"token 1 of a prompt changes the logits at token 0, by .*\(config.json: is_decoder f"
    with pytest.raises(ModelError, match=message):
        load(ref, settings)
    edit(tmp_path, is_decoder=True)
    load(ref, settings)


def test_a_causal_architecture_that_its_config_makes_bidirectional_is_refused(copied: Any) -> None:
    path = copied("gemma3_text")
    edit(path, use_bidirectional_attention=True)
    with pytest.raises(ModelError, match=r"config.json: use_bidirectional_attention true"):
        load(resolve(str(path)))
