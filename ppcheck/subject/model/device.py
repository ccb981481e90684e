"""Where a model computes, in what precision, and how what it computes becomes numbers."""

from __future__ import annotations

import psutil
import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import ModelError

_NEAR = 1e-3
_ROUNDINGS = 16


def found_device(name: str) -> torch.device:
    """The device called `cpu`, `cuda`, `cuda:1` or `mps`, or with `auto` the first that is there.

    Raises ModelError for a device that this machine does not have.
    """
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ModelError(
            f"there is no device {name!r}: name cpu, cuda, cuda:0, mps or auto"
        ) from None
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(has_mps)}
    if (device.index or 0) >= there.get(device.type, 0):
        kinds = ", ".join(kind for kind, count in there.items() if count)
        raise ModelError(f"this machine has no device {name!r}: torch finds {kinds}")
    return device


def total_memory(device: torch.device) -> int:
    """The memory of the device, the machine's own for its processor, in bytes.

    All of it, not what is free just now: how rows are batched may move a result's last bit.
    """
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().total)


def doubled(tensor: Tensor) -> Tensor:
    """The same in double precision, where the device has none on the CPU."""
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).double()


def in_numpy(tensor: Tensor) -> Floats:
    """The same as a numpy array of doubles."""
    array: Floats = doubled(tensor).cpu().numpy()
    return array


def near(one: Tensor, other: Tensor) -> bool:
    """Whether both are the same but for what sums of them round off in their precision."""
    tolerance = max(_NEAR, _ROUNDINGS * torch.finfo(one.dtype).eps)
    return torch.allclose(one, other, tolerance, tolerance)
