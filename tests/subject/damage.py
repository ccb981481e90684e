"""Ways to damage a model's directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor


def edit(path: Path, **settings: Any) -> None:
    """Change these keys of the configuration; None takes a key away."""
    config = json.loads((path / "config.json").read_text()) | settings
    left = {key: value for key, value in config.items() if value is not None}
    (path / "config.json").write_text(json.dumps(left))


def rewrite(path: Path, change: Callable[[dict[str, Tensor]], Any]) -> None:
    """Have ``change`` edit the tensors, by their names."""
    tensors = load_file(path / "model.safetensors")
    change(tensors)
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})


def shard(path: Path, parts: int = 3) -> list[Path]:
    """Have the same weights in so many shards with an index; gives the shards."""
    whole = path / "model.safetensors"
    tensors = load_file(whole)
    whole.unlink()
    names = sorted(tensors)
    where = {name: f"model-{n % parts}.safetensors" for n, name in enumerate(names)}
    for file in set(where.values()):
        held = {name: tensors[name] for name in names if where[name] == file}
        save_file(held, path / file, metadata={"format": "pt"})
    index(path, where)
    return sorted(path.glob("model-*.safetensors"))


def index(path: Path, where: dict[str, str]) -> None:
    """Write an index of shards: the file of each tensor."""
    size = sum(file.stat().st_size for file in path.glob("*.safetensors"))
    held = {"metadata": {"total_size": size}, "weight_map": where}
    (path / "model.safetensors.index.json").write_text(json.dumps(held))


def unload(path: Path, name: str = "pytorch_model.bin") -> None:
    """Have the same weights pickled."""
    torch.save(load_file(path / "model.safetensors"), path / name)
    (path / "model.safetensors").unlink()
