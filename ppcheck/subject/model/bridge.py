"""A loaded model in TransformerLens's bridge, which names its sites, and the shape that it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.subject.model.info import Shape

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def bridged(model: PreTrainedModel, path: Path) -> Any:
    """The bridge around ``model``, which was loaded from ``path``."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import PreTrainedTokenizerFast

    # The bridge insists on a tokenizer, and changes the one that it gets; it is never asked.
    unused: Any = PreTrainedTokenizerFast
    bridge: Any = TransformerBridge.boot_transformers(
        str(path),
        hf_model=model,
        tokenizer=unused(tokenizer_object=Tokenizer(WordLevel({"a": 0}, unk_token="a"))),  # noqa: S106
        device=str(model.device),
        dtype=model.dtype,
    ).eval()
    for block in bridge.blocks:
        update = getattr(getattr(block, "attn", None), "_update_kv_cache", None)
        if update is not None:
            block.attn._update_kv_cache = partial(_update, update)  # noqa: SLF001
    return bridge


def shape_of(config: Any) -> Shape:
    """The shape that a bridge's configuration tells."""
    return Shape(
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        n_key_value_heads=config.n_key_value_heads or config.n_heads,
        d_model=config.d_model,
        d_head=config.d_head,
        d_mlp=config.d_mlp or 0,
        n_vocabulary=config.d_vocab,
        n_positions=config.n_ctx,
    )


def _update(
    update: Callable[..., tuple[Tensor, Tensor]], keys: Tensor, values: Tensor, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    """Show the bridge's attention the cache by the name that it looks for.

    transformers 5.24 renamed the argument; the bridge would compute without the cache, in silence.
    """
    if "cache" in kwargs:
        kwargs["past_key_values"] = kwargs.pop("cache")
    return update(keys, values, **kwargs)
