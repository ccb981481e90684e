"""Adapters of the tiny Llama, written as peft writes them, by hand: no test needs peft for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

RANK, ALPHA = 2, 6
HERE = "base_model.model.model.layers.{}.self_attn.{}.lora_{}.weight"


def lora(widths: Mapping[str, tuple[int, int]], layers: int = 2) -> dict[str, Tensor]:
    """A and B of these projections, by their numbers of inputs and outputs, in every layer."""
    torch.manual_seed(1)
    found = {}
    for layer in range(layers):
        for name, (into, out) in widths.items():
            found[HERE.format(layer, name, "A")] = torch.randn(RANK, into) / 4
            found[HERE.format(layer, name, "B")] = torch.randn(out, RANK) / 4
    return found


def write_adapter(path: Path, tensors: dict[str, Tensor], **settings: Any) -> Path:
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": ["q_proj", "v_proj"],
        **settings,
    }
    path.mkdir(parents=True)
    (path / "adapter_config.json").write_text(json.dumps(config))
    save_file(tensors, path / "adapter_model.safetensors", metadata={"format": "pt"})
    return path
