"""Faster kernels for a plain model's blocks, each equal to the model's own to rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from ppcheck.subject.model.device import total_memory
from ppcheck.subject.model.settings import STANDARD

Product = Callable[[Tensor], Tensor]

LARGE = 2**17
"""How many weights make a product so large that a call's overhead is small beside it."""
ONEDNN_IS_FASTER = torch.backends.cpu.get_cpu_capability() == "AVX512"
"""With AVX2 alone MKL's products are, by a quarter, and its activations by themselves cost less."""
_ROWS = 1024
_SLOPE = 2 * math.sqrt(2 / math.pi)
_CUBIC = 0.044715 * _SLOPE
_TANH = ("gelu", "tanh")
_ACTIVATIONS = {
    "NewGELUActivation": _TANH,
    "FastGELUActivation": _TANH,
    "GELUTanh": _TANH,
    "GELUActivation": ("gelu", "none"),
    "SiLUActivation": ("swish", ""),
    "SiLU": ("swish", ""),
    "ReLU": ("relu", ""),
}
"""What oneDNN calls the activations of transformers."""
# These are torch's own calls to it from compiled models, and have no public name.
_LINEAR: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
_PACKED: Any = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)


def quicken(plain: Any, blocks: Sequence[nn.Module]) -> None:
    """Fused attention, fused activations, and large products by the library that is faster."""
    if getattr(plain.config, "attn_logit_softcapping", None) is None:
        # Where a model has no fused attention transformers warns, or raises ValueError.
        with suppress(ValueError, ImportError):
            plain.set_attn_implementation("sdpa")
    linears = [module for block in blocks for module in block.modules() if _is_large(module)]
    # A packed copy of the weights is faster, by a tenth or (for few tokens) more.
    room = STANDARD.memory.bytes(total_memory(plain.device)) if linears else 0
    packs = sum(_weight(linear).nbytes for linear in linears) <= room
    followed = _followed(plain, linears) if linears else {}
    for linear in linears:
        activation = followed.get(linear)
        linear.forward = _product(linear, activation, packs=packs)
        if activation is not None:
            activation.forward = _same
    some = next(plain.parameters())
    # A GPU has one kernel for it, and in half precision each step of its own would round.
    steps = some.device.type == "cpu" and some.dtype in (torch.float32, torch.float64)
    gelu = QuickGelu() if steps else nn.GELU(approximate="tanh")
    for module in plain.modules():
        for name, child in module.named_children():
            if _ACTIVATIONS.get(_name(child)) == _TANH and child.forward is not _same:
                setattr(module, name, gelu)


class QuickGelu(nn.Module):
    """GELU by its tanh, written as a logistic function, whose kernel takes half the time.

    x (1 + tanh u) / 2 is x / (1 + exp(-2 u)).
    """

    def forward(self, hidden: Tensor) -> Tensor:
        output = hidden * hidden
        return output.mul_(_CUBIC).add_(_SLOPE).mul_(hidden).sigmoid_().mul_(hidden)


def _is_large(module: nn.Module) -> bool:
    """Whether oneDNN computes a module faster than torch's own choice of library does."""
    if type(module) not in (nn.Linear, Conv1D):
        return False
    weight = _weight(module)
    return (
        weight.numel() >= LARGE
        and (weight.device.type, weight.dtype) == ("cpu", torch.float32)
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and ONEDNN_IS_FASTER
        and None not in (_LINEAR, _PACKED)
    )


def _weight(linear: Any) -> Tensor:
    """A module's weights, [output, input]."""
    weight: Tensor = linear.weight.detach()
    return weight.t() if type(linear) is Conv1D else weight


def _product(linear: Any, activation: nn.Module | None, *, packs: bool) -> Product:
    """What a module computes, and the ``activation`` after it."""
    weight = _weight(linear)
    bias = None if linear.bias is None else linear.bias.detach()
    kind, algorithm = ("none", "") if activation is None else _ACTIVATIONS[_name(activation)]
    if packs:
        weight = _PACKED(weight.contiguous(), _ROWS)

    def forward(hidden: Tensor) -> Tensor:
        product: Tensor = _LINEAR(hidden, weight, bias, kind, [], algorithm)
        return product

    return forward


def _followed(plain: Any, linears: Collection[nn.Module]) -> dict[nn.Module, nn.Module]:
    """The activations that take what some products put out, as a run of one token shows.

    Both are called once, and are parts of one module alone.
    """
    parents: dict[nn.Module, list[nn.Module]] = {}
    for parent in plain.modules():
        for child in parent.children():
            parents.setdefault(child, []).append(parent)
    made: dict[nn.Module, list[Tensor]] = {linear: [] for linear in linears}
    taken: dict[nn.Module, list[Tensor]] = {
        module: [] for module in parents if _name(module) in _ACTIVATIONS
    }
    handles = [
        *(
            linear.register_forward_hook(lambda module, _, output: made[module].append(output))
            for linear in made
        ),
        *(
            module.register_forward_pre_hook(lambda module, args: taken[module].append(args[0]))
            for module in taken
        ),
    ]
    try:
        ids = torch.zeros((1, 1), dtype=torch.int64, device=plain.device)
        plain(input_ids=ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return {
        linear: activation
        for linear, outputs in made.items()
        for activation, inputs in taken.items()
        if parents[linear] == parents[activation]
        and len(parents[linear]) == len(outputs) == len(inputs) == 1
        and outputs[0] is inputs[0]
    }


def _name(module: nn.Module) -> str:
    return type(module).__name__


def _same(hidden: Tensor) -> Tensor:
    return hidden
