"""A device that is only made believe: tensors on it refuse to meet those that are not.

It is as strict as CUDA: numbers go there and come back by `to` and `cpu` alone, and a tensor that
is not there may only index one that is, or be a single number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

DEVICE = torch.device("cuda", 0)
_INDEXES = {Tensor.__getitem__, Tensor.__setitem__}
_BACK = {Tensor.cpu, Tensor.numpy, Tensor.tolist}


class Away(Tensor):
    """A tensor on the device that is made believe. Its numbers lie on this machine's."""

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func == Tensor.device.__get__:
            return DEVICE
        if func is Tensor.cpu:
            return args[0].as_subclass(Tensor)
        if func in (Tensor.numpy, Tensor.__array__):
            raise TypeError("can't convert a tensor of another device to numpy")
        if func not in _INDEXES:
            _check(func, args, kwargs)
        elif len(args) == 3 and isinstance(args[2], Tensor):
            _check(func, (args[0], args[2]), {})
        default: Any = super().__torch_function__
        return default(func, types, args, kwargs)


class _Belief(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        there = kwargs.get("device") in (DEVICE, str(DEVICE))
        if there:
            del kwargs["device"]
        if func is Tensor.to and len(args) > 1 and args[1] == DEVICE:
            args, there = (args[0], *args[2:]), True
            if len(args) == 1 and not kwargs:
                return args[0].as_subclass(Away)
        found = func(*args, **kwargs)
        return found.as_subclass(Away) if there and isinstance(found, Tensor) else found


def _check(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    stray = [t for t in _tensors([*args, *kwargs.values()]) if not isinstance(t, Away) and t.ndim]
    if stray:
        raise RuntimeError(
            f"expected all tensors to be on the same device: {func} {[t.shape for t in stray]}"
        )


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def sent_away(model: Any, device: torch.device) -> Any:
    """The model, all that it holds on the device; stands for `Module.to`."""
    assert device == DEVICE
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                there = parameter.data.as_subclass(Away)
                module._parameters[name] = nn.Parameter(there, requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.as_subclass(Away)
    return model


@contextmanager
def believed() -> Iterator[None]:
    """Whatever is made for the device, or moved there, is there."""
    with _Belief():
        yield
