"""What heads and values are for their biases alone: what folding weights takes out of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.hooks import Hook, by_hook
from ppcheck.subject.model.device import in_numpy, near

_TOKENS = 4


def constant_parts(engine: Engine, sites: Sequence[Site]) -> list[Floats]:
    """See `Subject.constant_parts`.

    Every block reads three streams: its own, the same with a minus, and nothing. A norm makes of
    nothing its bias, so that what a head outputs is then what biases alone make of it.
    """
    found = _by_site(engine, sites)
    for layer in dict.fromkeys(site.layer for site in sites):
        heads = [site for site in found if site.layer == layer]
        if reason := next(filter(None, (_fault(*found[site]) for site in heads)), None):
            raise UnsupportedError(f"{engine.hooks.model} allows no folding in L{layer}: {reason}")
    return [in_numpy(found[site][2][0]) for site in sites]


def _by_site(engine: Engine, sites: Sequence[Site]) -> dict[Site, tuple[Tensor, ...]]:
    """What the sites and all heads of their layers are on the three streams, each [token, width].

    All blocks are given the streams, so that what one site is depends on no other that is asked.
    """
    shape, hooks = engine.shape, engine.hooks
    layers = dict.fromkeys(site.layer for site in sites)
    heads = [Site(Kind.HEAD, layer, n) for layer in layers for n in range(shape.n_heads)]
    seen: dict[Site, tuple[Tensor, ...]] = {}

    def keeper(some: Sequence[Site]) -> Hook:
        def keep(activation: Tensor) -> None:
            parts = hooks.components(activation, some)
            seen.update((site, tuple(parts[:, :, n])) for n, site in enumerate(some))

        return keep

    streams = [Site(Kind.RESID_PRE, layer).hook for layer in range(shape.n_layers)]
    visits: list[tuple[str, Hook]] = [(stream, _three) for stream in streams]
    visits += [(hook, keeper(some)) for hook, some in by_hook([*sites, *heads]).items()]
    tokens = min(_TOKENS, shape.n_positions)
    ids = (np.arange(tokens) * 7 + 3) % shape.n_vocabulary
    engine.forward(np.tile(ids, (3, 1)), visits)
    return seen


def _three(stream: Tensor) -> Tensor:
    return torch.stack([stream[0], -stream[0], torch.zeros_like(stream[0])])


def _fault(own: Tensor, opposite: Tensor, nothing: Tensor) -> str | None:
    """Why the biases' part is not the same whatever is read; None where it is."""
    if not nothing.any():
        return None
    if not near(nothing, nothing[:1].expand_as(nothing)):
        return "what biases make of a head differs by token, as where attention does not sum to 1"
    # The first token attends to itself alone.
    if not near(own[0] - nothing[0], nothing[0] - opposite[0]):
        return "its values are not linear in the normed stream"
    return None
