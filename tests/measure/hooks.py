"""Interventions by plain PyTorch hooks, as the ground truth, and a model that passes a word on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.measure.lab import Model, ids, token

Outputs = dict[str, Tensor]
Change = Callable[[Tensor], Tensor]


def difference(logits: np.ndarray) -> Any:
    return logits[..., token("A")] - logits[..., token("B")]


@contextmanager
def changed(model: Model, changes: Mapping[str, Change]) -> Iterator[None]:
    """Each named submodule's output is changed, or its input where the name ends in `<`."""
    with torch.inference_mode(), ExitStack() as stack:
        for name, change in changes.items():
            module = model.plain.get_submodule(name.removesuffix("<"))
            if name.endswith("<"):
                handle = module.register_forward_pre_hook(
                    lambda _, args, change=change: (change(args[0].clone()),)
                )
            else:
                handle = module.register_forward_hook(
                    lambda _, __, out, change=change: change(out.clone())
                )
            stack.callback(handle.remove)
        yield


def seen(model: Model, text: str, changes: Mapping[str, Change], *names: str) -> Outputs:
    """The final logits, and what passes the named places, while these changes are made."""
    kept: Outputs = {}

    def keep(name: str) -> Change:
        def see(value: Tensor) -> Tensor:
            kept[name] = value.clone()
            return value

        return see

    with changed(model, changes), changed(model, {name: keep(name) for name in names}):
        kept["logits"] = model.plain(ids(text)).logits[0, -1]
    return kept


def put(columns: slice, values: Tensor, tokens: slice) -> Change:
    def change(now: Tensor) -> Tensor:
        now[0, tokens, columns] = values[0, tokens, columns]
        return now

    return change


def always(value: Tensor) -> Change:
    return lambda _: value


def courier(model: Any) -> None:
    """Head L0H0 tells the final token of the feeling; L1H1 passes three times as much of it on.

    Constants make the norm of every stream 4 (2 * 127 + 2 = 16 * 4^2), but for less than one part
    in a hundred. L0H0 brings the feeling's value v from token 4: v / 4 in column 4, of which the
    logits see one fourth of the effect. L1H1 reads that (v / 16) and writes 12 times as much to
    column 10, from which they see the other three fourths: 1/4 : 12/16.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        first, second = model.transformer.h
        for norm in (first.ln_1, first.ln_2, second.ln_1, second.ln_2, model.transformer.ln_f):
            norm.weight.fill_(1)
        words, places = model.transformer.wte.weight, model.transformer.wpe.weight
        words[:, 0], words[:, 1] = 127**0.5, -(127**0.5)
        for word in ("pain", "agony"):
            words[token(word), 2], words[token(word), 3] = 1, -1
        for place in range(6):
            column = 6 if place == 4 else 8 if place == 5 else 14
            places[place, column], places[place, column + 1] = 1, -1
        for block, head, column, read, write, size in (
            (first, 0, 6, 2, 4, 1.0),
            (second, 1, 8, 4, 10, 12.0),
        ):
            block.attn.c_attn.bias[8 * head] = 100
            block.attn.c_attn.weight[column, 16 + 8 * head] = 100
            block.attn.c_attn.weight[read, 32 + 8 * head] = 1
            block.attn.c_proj.weight[8 * head, write] = size
            block.attn.c_proj.weight[8 * head, write + 1] = -size
        model.lm_head.weight[token("A"), 4] = model.lm_head.weight[token("A"), 10] = 1
