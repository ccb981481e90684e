"""A loaded model in TransformerLens's bridge, which knows what architectures call their sites.

It also computes what no module of some models shows. Its import takes longer than torch's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.subject.model.info import Shape
from ppcheck.subject.model.twin import twin

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


class Bridge:
    """The bridge around a twin of ``model``, which was loaded from ``path``. It boots when asked.

    ``names`` says what modules are called in the model, by the id of the module that is wrapped.
    """

    def __init__(self, model: PreTrainedModel, path: Path) -> None:
        self._model = model
        self._path = path

    @cached_property
    def booted(self) -> Any:
        import torch

        # It may be asked for during a run, and weights made in inference mode have no gradients.
        with torch.inference_mode(mode=False), torch.enable_grad():
            wrapped = twin(self._model)
            self.names = {id(module): name for name, module in wrapped.named_modules()}
            return _bridged(wrapped, self._path)

    @property
    def shape(self) -> Shape:
        """The shape in the bridge's configuration."""
        config = self.booted.cfg
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

    def module(self, component: Any) -> str | None:
        """The model's own name of what a component wraps; None where it wraps no module.

        A component may be named by a hook point that it owns: ``blocks.3.attn.o.hook_in``.
        """
        if isinstance(component, str):
            path = component.split(".")[:-1]
            component = self.booted
            for part in path:
                component = component[int(part)] if part.isdecimal() else getattr(component, part)
        return self.names.get(id(getattr(component, "original_component", None)))


def _bridged(model: PreTrainedModel, path: Path) -> Any:
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


def _update(
    update: Callable[..., tuple[Tensor, Tensor]], keys: Tensor, values: Tensor, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    """Show the bridge's attention the cache by the name that it looks for.

    transformers 5.24 renamed the argument; the bridge would compute without the cache, in silence.
    """
    if "cache" in kwargs:
        kwargs["past_key_values"] = kwargs.pop("cache")
    return update(keys, values, **kwargs)
