from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel

from ppcheck.demo import train_features, weights_path
from ppcheck.demo.train_features import ACTIVE, SIZE, encoded, fit, left_out, streams, write

SHIPPED = Path(__file__).parents[2] / "specs" / "demo" / "sae"


@pytest.fixture(scope="module")
def data() -> torch.Tensor:
    return streams(GPT2LMHeadModel.from_pretrained(weights_path()), 60, seed=9)


def test_training_lets_few_features_add_up_to_the_stream(
    data: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_features, "BATCH", 256)
    untrained, trained = (fit(data, steps, seed=1) for steps in (1, 60))
    assert left_out(data, trained) < 0.6 * left_out(data, untrained)
    assert int((encoded(data, trained) > 0).sum(1).max()) <= ACTIVE
    assert torch.equal(fit(data, 60, seed=1)["W_enc"], trained["W_enc"])


def test_what_is_written_is_read_back(data: torch.Tensor, tmp_path: Path) -> None:
    weights = fit(data, 1, seed=1)
    write(weights, tmp_path / "sae")
    assert json.loads((tmp_path / "sae" / "cfg.json").read_text())["d_sae"] == SIZE
    found = load_file(tmp_path / "sae" / "sae_weights.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in weights.items())


def test_the_shipped_features_are_small_and_add_up_to_the_stream_of_other_rounds(
    data: torch.Tensor,
) -> None:
    files = list(SHIPPED.iterdir())
    assert sum(path.stat().st_size for path in files) < 100_000
    assert left_out(data, load_file(SHIPPED / "sae_weights.safetensors")) < 0.1
