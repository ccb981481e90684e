"""What a model is: the numbers that address it, and the facts that every record carries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shape:
    """How many of everything a model has. Layers and heads are counted from 0."""

    n_layers: int
    n_heads: int
    n_key_value_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_vocabulary: int
    n_positions: int


@dataclass(frozen=True)
class ModelInfo:
    """What a record says of the model it measured.

    ``weights_sha256`` is over the bytes of the weight files in the order of their names;
    ``tokenizer_sha256`` over the tokenizer and its chat template, None without one. ``versions``
    maps ppcheck, python and each library to its version.
    """

    name: str
    revision: str | None
    path: Path | None
    architecture: str
    weights_sha256: str
    tokenizer_sha256: str | None
    dtype: str
    device: str
    parameters: int
    weight_processing: str
    versions: dict[str, str]
