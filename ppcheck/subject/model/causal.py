"""Whether a model is causal, by what it does: no token may change what earlier ones put out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ppcheck.errors import ModelError
from ppcheck.subject.model.device import doubled
from ppcheck.subject.model.info import Shape

_LENGTH = 8
_ROUNDINGS = 16
_SPREAD = 8


def check_causal(model: Any, shape: Shape, label: str) -> None:
    """Raises ModelError where a later token changes the logits at an earlier one.

    A prompt is run in one batch with others that are equal to it up to a token, for every token.
    In such a batch a causal model gives the very same logits up to there; a mixture of experts may
    round otherwise, by no more than what running the prompt alone changes. Logits that are not
    finite tell nothing here.
    """
    length = min(_LENGTH, shape.n_positions)
    ids = (torch.arange(length) * 7 + 3) % shape.n_vocabulary
    other = (ids + max(1, shape.n_vocabulary // 2)) % shape.n_vocabulary
    positions = torch.arange(length)
    # Row k is equal to the prompt before token k; the last row is the prompt.
    rows = torch.where(positions < torch.arange(1, length + 1)[:, None], ids, other)
    logits, alone = _logits(model, rows), _logits(model, rows[-1:])[0]
    prompt = logits[-1]
    if not logits.isfinite().all():
        return
    rounding = _ROUNDINGS * torch.finfo(torch.float32).eps * prompt.abs().max()
    limit = rounding + _SPREAD * (prompt - alone).abs().max()
    change = (logits - prompt).abs().amax(dim=2)
    for later in range(1, length):
        before = change[later - 1, :later]
        if (worst := before.max()) > limit:
            earlier, size = int(before.argmax()), float(worst)
            raise ModelError(
                f"{label} is not a causal language model: token {later} of a prompt changes the "
                f"logits at token {earlier}, by {size:.2g}{_said(model.config)}"
            )


def _said(config: Any) -> str:
    """What the configuration says of it, where it does."""
    said = {"is_decoder": False, "use_bidirectional_attention": True}
    found = [key for key, value in said.items() if getattr(config, key, None) is value]
    return f" (config.json: {found[0]} {str(said[found[0]]).lower()})" if found else ""


@torch.inference_mode()
def _logits(model: Any, ids: Tensor) -> Tensor:
    """[row, token, vocabulary], in double precision."""
    return doubled(model(input_ids=ids.to(model.device), use_cache=False).logits).cpu()
