"""Small dictionaries of features on disk, in the layout of SAELens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

WIDTH, SIZE = 16, 10


def random_weights(width: int = WIDTH, size: int = SIZE, seed: int = 0) -> dict[str, Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    shapes = {"W_enc": (width, size), "b_enc": (size,), "W_dec": (size, width), "b_dec": (width,)}
    return {name: torch.randn(shape, generator=drawn) for name, shape in shapes.items()}


def write_dictionary(
    folder: Path, weights: dict[str, Tensor] | None = None, **said: Any
) -> dict[str, Tensor]:
    """A relu dictionary of the stream after block 0, unless it is ``said`` otherwise."""
    weights = random_weights() if weights is None else weights
    width, size = weights["W_enc"].shape
    usual: dict[str, Any] = {
        "architecture": "relu",
        "d_in": width,
        "d_sae": size,
        "hook_name": "blocks.0.hook_resid_post",
        "apply_b_dec_to_input": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    config = {key: value for key, value in (usual | said).items() if value is not None}
    (folder / "cfg.json").write_text(json.dumps(config))
    save_file(weights, folder / "sae_weights.safetensors")
    return weights
