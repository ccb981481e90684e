"""Trains a sparse autoencoder on the demo model's stream: `python -m ppcheck.demo.train_features`.

It is written in the layout of SAELens, for the claims about features in the shipped specs.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm
from transformers import GPT2LMHeadModel

from ppcheck.demo import weights_path
from ppcheck.demo.game import rounds
from ppcheck.demo.train import THREADS
from ppcheck.demo.train_model import IDS

SEED = 5
LAYER = 0
SIZE = 96
ACTIVE = 3
"""Features that are active at a token."""
ROUNDS = 1200
STEPS = 1500
BATCH = 2048
LEARNING_RATE = 2e-3


@torch.no_grad()
def streams(model: GPT2LMHeadModel, number: int, seed: int) -> Tensor:
    """The stream after block ``LAYER`` at all tokens of trained rounds, [token, d_model]."""
    found = []
    for each in tqdm(islice(rounds(seed, held_out=False), number), total=number, desc="streams"):
        ids = torch.tensor([[IDS[word] for word in each.prompt.split()]])
        states = model(ids, output_hidden_states=True).hidden_states
        found.append(states[LAYER + 1][0])
    return torch.cat(found)


def fit(data: Tensor, steps: int, seed: int) -> dict[str, Tensor]:
    """Weights under which ``ACTIVE`` of ``SIZE`` features add up to each row of data."""
    torch.manual_seed(seed)
    decoder = torch.nn.functional.normalize(torch.randn(SIZE, data.shape[1]), dim=1)
    weights = {
        "W_enc": decoder.T.clone(),
        "b_enc": torch.zeros(SIZE),
        "W_dec": decoder.clone(),
        "b_dec": data.mean(0),
    }
    for weight in weights.values():
        weight.requires_grad_()
    optimizer = torch.optim.Adam(weights.values(), lr=LEARNING_RATE)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _ in (bar := tqdm(range(steps), desc="features")):
        batch = data[torch.randint(len(data), (BATCH,))]
        value = (reconstructed(batch, weights) - batch).square().sum(1).mean()
        optimizer.zero_grad()
        torch.autograd.backward(value)
        optimizer.step()
        rate.step()
        with torch.no_grad():
            weights["W_dec"].div_(weights["W_dec"].norm(dim=1, keepdim=True))
        bar.set_postfix(loss=f"{value.item():.4f}")
    return {name: weight.detach().contiguous() for name, weight in weights.items()}


def encoded(batch: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """Activations [row, feature], of which ``ACTIVE`` of a row are above 0 at the most."""
    before = (batch - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]
    most = before.topk(ACTIVE)
    return torch.zeros_like(before).scatter(1, most.indices, most.values.relu())


def reconstructed(batch: Tensor, weights: dict[str, Tensor]) -> Tensor:
    return encoded(batch, weights) @ weights["W_dec"] + weights["b_dec"]


def left_out(data: Tensor, weights: dict[str, Tensor]) -> float:
    """The share of the variance that is not reconstructed."""
    error, centred = reconstructed(data, weights) - data, data - data.mean(0)
    return float(error.square().sum() / centred.square().sum())


def write(weights: dict[str, Tensor], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    width, size = weights["W_enc"].shape
    config = {
        "architecture": "topk",
        "k": ACTIVE,
        "d_in": width,
        "d_sae": size,
        "dtype": "float32",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "metadata": {"model_name": "demo", "hook_name": f"blocks.{LAYER}.hook_resid_post"},
    }
    (folder / "cfg.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(weights, folder / "sae_weights.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(prog="ppcheck.demo.train_features", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    data = streams(GPT2LMHeadModel.from_pretrained(weights_path()), ROUNDS, SEED)
    weights = fit(data, STEPS, SEED)
    tqdm.write(f"{len(data):,} tokens, {left_out(data, weights):.4f} of the variance is left out")
    write(weights, args.out)


if __name__ == "__main__":
    main()
