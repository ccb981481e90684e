"""An adapter merged into its base, held to what the two compute unmerged."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ppcheck.errors import ModelError
from ppcheck.subject.model.adapter import CONFIG, WEIGHTS, Adapter

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAME = "default"
_METHODS = ("LORA", "LOHA", "LOKR", "IA3")
_OF_ANOTHER_BASE = ("pissa", "olora", "loftq", "corda", "lora_ga")
"""Ways to begin a LoRA that change the weights of its base, too."""
_TOKENS = 4
_ROUNDING = 1e-4


def merged(base: PreTrainedModel, adapter: Adapter, dtype: str, label: str) -> PreTrainedModel:
    """The base with the adapter's changes in its own weights, in this precision.

    Raises ModelError where peft is not installed, the adapter is of another model, or the merged
    model would compute something else than the two do side by side.
    """
    if find_spec("peft") is None:
        raise ModelError(
            f"{label} is an adapter, and the package that merges it is not installed: "
            "pip install 'ppcheck[peft]'"
        )
    together = _together(base, adapter, label)
    with torch.no_grad():
        before = _logits(together)
        model = together.merge_and_unload()
        after = _logits(model)
    change = float((after - before).abs().max())
    if not change <= _ROUNDING * float(before.abs().max()):
        raise ModelError(
            f"merging {label} changes what it computes (a logit by {change:.2g}): the adapter is "
            "about a weight that its base uses twice, such as tied embeddings. Merge it into a "
            "base with tie_word_embeddings: false, and give what that saved"
        )
    there: PreTrainedModel = (
        model.to(getattr(torch, dtype)).eval().requires_grad_(requires_grad=False)
    )
    return there


def _together(base: Any, adapter: Adapter, label: str) -> Any:
    """The base with the adapter beside its weights, as peft runs the two."""
    from peft import get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    config = _config(adapter, label)
    try:
        together = get_peft_model(base, config, _NAME).eval()
        report = set_peft_model_state_dict(together, load_file(adapter.path / WEIGHTS), _NAME)
    except (ValueError, RuntimeError, KeyError) as error:
        cause = " ".join(str(error).split())[:300]
        raise ModelError(f"the adapter {label} does not fit its base: {cause}") from error
    if left := sorted(report.unexpected_keys):
        raise ModelError(
            f"the adapter {label} does not fit its base, which has no place for {len(left)} of its "
            f"tensors, {left[0]} among them: name the base that it was trained on"
        )
    if lacking := sorted(name for name in report.missing_keys if f".{_NAME}" in name):
        raise ModelError(
            f"the adapter {label} lacks {len(lacking)} of the tensors that its {CONFIG} asks for, "
            f"{lacking[0]} among them"
        )
    return together


def _config(adapter: Adapter, label: str) -> Any:
    """What the adapter says of itself, as peft reads it. Raises ModelError for what it cannot."""
    from peft import PeftConfig

    written = json.loads((adapter.path / CONFIG).read_text(encoding="utf-8"))
    if (method := written.get("peft_type")) not in _METHODS:
        raise ModelError(
            f"the adapter {label} is of a kind that is not merged here (peft_type {method}): "
            f"those that are are {', '.join(_METHODS)}"
        )
    start = written.get("init_lora_weights")
    if isinstance(start, str) and start.startswith(_OF_ANOTHER_BASE):
        raise ModelError(
            f"the adapter {label} was trained on a changed base (init_lora_weights {start}): "
            "convert it with peft (`path_initial_model_for_weight_conversion`)"
        )
    if written.get("megatron_config"):
        raise ModelError(f"the adapter {label} is of a Megatron model (megatron_config)")
    config = PeftConfig.from_pretrained(str(adapter.path))
    if unknown := sorted(
        key for key, value in written.items() if value and not hasattr(config, key)
    ):
        raise ModelError(
            f"{CONFIG} of the adapter {label} says {unknown[0]}, which the installed peft does not "
            "know: install the peft that wrote it"
        )
    return config


def _logits(model: Any) -> Tensor:
    ids = (torch.arange(_TOKENS) * 7 + 3) % model.config.get_text_config().vocab_size
    logits: Tensor = model(input_ids=ids[None].to(model.device), use_cache=False).logits
    return logits.double()
