"""What a model is: the numbers that address it, and the facts that every record carries."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.spec.sites.site import OF_HEADS, OF_KEY_VALUE_HEADS, Kind


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

    def components(self, kind: Kind) -> int:
        """How many sites of this kind a layer has; 0 where the layer itself is the site."""
        if kind is Kind.NEURON:
            return self.d_mlp
        if kind in OF_KEY_VALUE_HEADS:
            return self.n_key_value_heads
        return self.n_heads if kind in OF_HEADS else 0

    def width(self, kind: Kind) -> int:
        """How many numbers a site of this kind is at one token; patterns have no such width."""
        if kind in (Kind.NEURON, Kind.FEATURE):
            return 1
        return self.d_head if kind in OF_HEADS else self.d_model


@dataclass(frozen=True)
class ModelInfo:
    """What a record says of the model it measured.

    ``weights_sha256`` is over the bytes of the weight files, their index first,
    ``config_sha256`` over the configuration file, ``tokenizer_sha256`` over the tokenizer and its
    chat template, None without one. Those of an adapter are over its base and it, and ``base`` and
    ``adapter`` are what the two are called. ``quantisation`` is how the numbers were stored that
    were decoded. ``versions`` maps ppcheck, python and each library to its version.
    """

    name: str
    revision: str | None
    architecture: str
    weights_sha256: str
    config_sha256: str
    tokenizer_sha256: str | None
    dtype: str
    device: str
    parameters: int
    weight_processing: str
    versions: dict[str, str]
    quantisation: str | None = None
    base: str | None = None
    adapter: str | None = None
