"""Whether a model obeys its attention hooks: in some architectures they only show what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ppcheck.spec.site import Kind, Site

if TYPE_CHECKING:
    from ppcheck.subject.engine import Engine

Change = Callable[[Tensor], Tensor]


def obeys(engine: Engine, kind: Kind) -> bool:
    """Whether patching ``kind`` does in every layer what it must, whatever the weights are.

    Heads without attention, or without values, put out zero. With fixed keys, another query makes
    another pattern, and so do other keys with a fixed query.
    """
    if kind in (Kind.PATTERN, Kind.VALUE):
        return all(not z.any() for z in _run(engine, {kind: torch.zeros_like}, Kind.HEAD))
    fixed = Kind.KEY if kind is Kind.QUERY else Kind.QUERY
    one, other = (
        _run(engine, {kind: _noise(seed), fixed: _noise(0)}, Kind.PATTERN) for seed in (1, 2)
    )
    return all(not torch.allclose(a, b) for a, b in zip(one, other, strict=True))


def _run(engine: Engine, changes: dict[Kind, Change], seen: Kind) -> list[Tensor]:
    """What stands at ``seen`` in each layer that has it, while every layer is changed."""
    found: list[Tensor] = []
    hooks = []
    for layer in range(engine.shape.n_layers):
        sites = {Site(kind, layer).hook: change for kind, change in changes.items()}
        if engine.hooks.has(*sites, shown := Site(seen, layer).hook):
            hooks += [*sites.items(), (shown, found.append)]
    engine.forward(np.zeros((1, 3), dtype=np.int64), hooks)
    return found


def _noise(seed: int) -> Change:
    def change(activation: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(activation.shape, generator=generator)

    return change
