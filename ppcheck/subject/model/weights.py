"""Weights into the model: all that the files hold, and nothing that they do not."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.errors import ModelError
from ppcheck.subject.model.gguf import Source, decoding, forget_decoding
from ppcheck.subject.model.settings import Settings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_MASKS = re.compile(r"\.(attn|attention)\.(masked_)?bias$")
"""Causal masks and the constant that they write, which GPT-2 and its kin stored beside weights."""
_NAMED = 3


def loaded(
    source: Source, files: Sequence[Path], label: str, settings: Settings, quantised: str | None
) -> PreTrainedModel:
    """The model at ``source``, whose weights are in ``files``.

    Raises ModelError where files and model differ in any tensor (one is lacking, left over, there
    twice, of another shape, or of whole numbers), and where the file has two tensors for what the
    configuration says is one.
    """
    import torch
    from transformers import AutoModelForCausalLM

    from ppcheck.subject.model.device import found_device

    device = found_device(settings.device)
    safe = [file for file in files if file.suffix == ".safetensors"]
    stored = _stored(safe, label)
    auto: Any = AutoModelForCausalLM
    try:
        model, report = auto.from_pretrained(
            **source.arguments,
            **({} if source.file is None else decoding()),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=bool(safe),
            weights_only=True,
            dtype=getattr(torch, settings.dtype),
            attn_implementation="eager",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are errors, and named below
        )
    except ImportError as error:
        if quantised is None:
            raise
        cause = " ".join(str(error).split())
        raise ModelError(
            f"{label} is quantised ({quantised}), and what reads that is not installed: {cause}"
        ) from error
    _check_report(model, report, label)
    _check_tied(model, label)
    if quantised is None:
        _check_numbers(model, stored, label)
    if source.file is not None:
        forget_decoding(model)
    there: PreTrainedModel = model.eval().requires_grad_(False).to(device)
    return there


def _stored(files: Sequence[Path], label: str) -> dict[str, str]:
    """The dtype of each tensor in these files, by its name, as safetensors calls it."""
    from safetensors import safe_open

    found: dict[str, str] = {}
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (it is not a mapping)
                if name in found:
                    raise ModelError(f"{label} has the tensor {name} twice, also in {file.name}")
                found[name] = tensors.get_slice(name).get_dtype()
    return found


def _check_report(model: Any, report: dict[str, Any], label: str) -> None:
    """What transformers reports of its loading without stopping."""
    if report["error_msgs"]:
        raise ModelError(f"cannot load {label}: {' '.join(str(report['error_msgs'][0]).split())}")
    if shapes := sorted(report["mismatched_keys"]):
        name, in_file, in_model = shapes[0]
        raise ModelError(
            f"the config.json of {label} does not fit its weights: {name} is {list(in_file)} in "
            f"the file and {list(in_model)} by the configuration{_more(shapes)}"
        )
    # transformers fills what the file lacks with random numbers.
    if lacking := sorted(report["missing_keys"]):
        raise ModelError(
            f"the weights of {label} lack {len(lacking)} of the model's tensors, "
            f"{lacking[0]} among them"
        )
    own = {name for name, _ in model.named_buffers()}
    left = [name for name in report["unexpected_keys"] if name not in own]
    if left := sorted(name for name in left if not _MASKS.search(name)):
        named = ", ".join(left[:_NAMED])
        raise ModelError(
            f"{type(model).__name__} has no use for {len(left)} of the tensors of {label}: "
            f"{named}{', ...' if len(left) > _NAMED else ''}. It is another model, or its "
            "config.json is not the one that it was trained with"
        )


def _check_tied(model: Any, label: str) -> None:
    """What the file has twice is untied by transformers, and not by other programs."""
    said: dict[str, str] = model.get_expanded_tied_weights_keys(all_submodels=True)
    for target, source in said.items():
        if target not in model.all_tied_weights_keys:
            raise ModelError(
                f"the config.json of {label} contradicts its weights: it ties {target} to "
                f"{source}, and the file has both, with other numbers. If they are meant to be "
                "two, say tie_word_embeddings: false"
            )


def _check_numbers(model: Any, stored: dict[str, str], label: str) -> None:
    """Whole numbers in a weight's place are quantised; nothing here would scale them."""
    prefix = f"{model.base_model_prefix}."
    floats = {name for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    floats |= {name.removeprefix(prefix) for name in floats}
    for name, dtype in stored.items():
        if name in floats and dtype.startswith(("I", "U", "BOOL")):
            raise ModelError(
                f"{label} has whole numbers ({dtype}) where its weights should be, in {name}: it "
                "is quantised, and its config.json does not say how"
            )


def _more(found: Collection[object]) -> str:
    return f", and {len(found) - 1} more" if len(found) > 1 else ""
