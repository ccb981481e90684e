"""How many rows run at once: as many as the memory holds, and fewer where it was overrated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from ppcheck.errors import MeasurementError
from ppcheck.subject.model.info import Shape

Item = TypeVar("Item")
Result = TypeVar("Result")


def row_size(shape: Shape, tokens: int, length: int, logits: int = 0) -> int:
    """How many numbers one row is at its height: ``tokens`` that are run, keys of ``length``."""
    width = 8 * shape.d_model + 3 * max(shape.d_mlp, 4 * shape.d_model)
    attention = shape.n_heads * (4 * length * shape.d_head + 3 * tokens * length)
    keys = 2 * shape.n_layers * length * shape.n_key_value_heads * shape.d_head
    return tokens * width + attention + keys + 3 * logits


def captured_size(shape: Shape, length: int) -> int:
    """How many numbers one captured prompt keeps: streams, keys, values and all attention."""
    key_values = 2 * shape.n_key_value_heads * shape.d_head
    kept = 2 * shape.d_model + shape.n_heads * shape.d_head + key_values
    return length * shape.n_layers * kept


def in_parts(
    items: Sequence[Item], size: int, run: Callable[[Sequence[Item]], Result], model: str
) -> Iterator[tuple[Sequence[Item], Result]]:
    """``run`` all items, at most ``size`` together: each part, and what came of it.

    Where memory runs out, half as many run together. Raises MeasurementError where one is too many.
    """
    start = 0
    while start < len(items):
        part = items[start : start + size]
        try:
            result = run(part)
        except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
            if not _is_memory(error):
                raise
            if len(part) == 1:
                raise MeasurementError(
                    f"{model} does not fit the memory with even one prompt at a time: {error}"
                ) from error
            size = len(part) // 2
            continue
        start += len(part)
        yield part, result


def _is_memory(error: Exception) -> bool:
    # On the CPU torch says so only in the text of a RuntimeError.
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        "can't allocate memory" in str(error)
    )
