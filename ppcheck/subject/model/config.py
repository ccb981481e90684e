"""What a `config.json` says that no tensor shows: what the model is, and how it is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppcheck.errors import ModelError
from ppcheck.subject.model.gguf import Source

_ELSEWHERE = ("transformers_weights", "configuration_files")
_COUNTS = ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size")


def check_config(source: Source, label: str) -> Any:
    """The configuration as transformers reads it.

    Raises ModelError where it is not that of a causal language model, contradicts itself, or sends
    the reader to other files.
    """
    from transformers import AutoConfig

    auto: Any = AutoConfig
    config = auto.from_pretrained(
        **source.arguments, local_files_only=True, trust_remote_code=False
    )
    if source.file is None:
        _check_elsewhere(source.folder / "config.json", label)
    _check_architecture(config, label)
    _check_counts(config, label)
    return config


def quantisation(config: Any, label: str) -> str | None:
    """How the weights are quantised, None where they are not.

    Raises ModelError for a way that transformers does not know, whose numbers it would load as
    though they were the weights.
    """
    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING

    for each in _parts(config):
        found = getattr(each, "quantization_config", None)
        if found is None:
            continue
        said: dict[str, Any] = found if isinstance(found, dict) else found.to_dict()
        method = said.get("quant_method")
        for bits in ("8bit", "4bit"):
            if said.get(f"load_in_{bits}"):
                method = f"bitsandbytes_{bits}"
        if method not in AUTO_QUANTIZATION_CONFIG_MAPPING:
            raise ModelError(
                f"{label} is quantised in a way that transformers does not know (quant_method "
                f"{method!r} in config.json): measure it as it was before it was quantised"
            )
        return str(method)
    return None


def _check_elsewhere(file: Path, label: str) -> None:
    written = json.loads(file.read_text(encoding="utf-8"))
    if elsewhere := [key for key in _ELSEWHERE if written.get(key) is not None]:
        raise ModelError(
            f"the config.json of {label} names other files to read ({elsewhere[0]}: "
            f"{written[elsewhere[0]]!r}): take that out, and give the files their usual names"
        )


def _check_architecture(config: Any, label: str) -> None:
    from transformers.models.auto import modeling_auto

    causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    # A model of pictures and text is loaded as the language model that it holds.
    pictured = modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    kind, named = config.model_type, config.architectures or []
    said = ", ".join(named) or f"model_type {kind}"
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(
            f"{label} is not a causal language model: it has an encoder and a decoder ({said})"
        )
    if kind not in causal:
        raise ModelError(
            f"{label} is not a causal language model: transformers has none of model_type {kind} "
            f"(its config.json says {said})"
        )
    meant = causal[kind]
    allowed = {str(name).lower() for name in (meant, pictured.get(kind))}
    for name in named:
        if name.lower() in allowed:
            continue
        if name in causal.values():
            raise ModelError(
                f"the config.json of {label} contradicts itself: the architecture is {name}, and "
                f"model_type {kind} is {meant}"
            )
        raise ModelError(
            f"{label} is not a causal language model: its config.json says {name}, and the causal "
            f"language model of model_type {kind} is {meant}"
        )


def _check_counts(config: Any, label: str) -> None:
    for each in _parts(config):
        for name in _COUNTS:
            value = getattr(each, name, None)
            if isinstance(value, int) and value < 1:
                raise ModelError(f"the config.json of {label} says {name} {value}: 1 is the least")


def _parts(config: Any) -> Iterator[Any]:
    yield config
    if (text := config.get_text_config(decoder=True)) is not config:
        yield text
