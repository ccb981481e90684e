"""Find a model's sites among its modules, by the bridge's names and by what both compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.hooks import Hooks, attached_to
from ppcheck.subject.model.bridge import Bridge
from ppcheck.subject.model.site_map import End, Place, SiteMap, keep_map, known_map

_ROWS, _TOKENS = 2, 5
_TOLERANCE = 1e-3
_ENDS = {"hook_in": End.INPUT, "hook_out": End.OUTPUT}
_JOINT = (Kind.QUERY, Kind.KEY, Kind.VALUE)

Shown = Mapping[str, Tensor]


def site_map(model: Any, bridge: Bridge, config_sha256: str, label: str) -> SiteMap:
    """The map of a model; the bridge is asked where no map of this configuration is known."""
    known = known_map(config_sha256)
    if known is not None and known.fits(model):
        return known
    found, is_finite = found_map(model, bridge, label)
    if is_finite:
        keep_map(config_sha256, found)
    return found


def found_map(model: Any, bridge: Bridge, label: str) -> tuple[SiteMap, bool]:
    """The map as the bridge shows it, and whether it was tried on finite numbers."""
    named = _named(bridge)
    hooks = Hooks(model, named, bridge, label)
    length = min(_TOKENS, named.shape.n_positions)
    ids = torch.arange(_ROWS * length, device=model.device).reshape(_ROWS, length)
    ids = (ids * 7 + 3) % named.shape.n_vocabulary
    theirs, is_finite = _shown_by_bridge(hooks, ids)
    ours = _shown_by_modules(hooks, ids)
    # A hook that the bridge never calls is of nothing that the model computes.
    sites = {
        hook: place if _are_equal(ours.get(hook), theirs[hook]) else None
        for hook, place in named.sites.items()
        if hook in theirs
    }
    return replace(named, sites=sites), is_finite


def _named(bridge: Bridge) -> SiteMap:
    """The map as the bridge's names have it."""
    booted = bridge.booted
    embedding = booted.hook_dict.get(Site(Kind.EMBED).hook)
    return SiteMap(
        shape=bridge.shape,
        blocks=tuple(map(bridge.module, booted.blocks)),
        attentions=tuple(bridge.module(getattr(block, "attn", None)) for block in booted.blocks),
        norms=tuple(bridge.module(getattr(block, "ln1_post", None)) for block in booted.blocks),
        embedding=None if embedding is None else bridge.module(str(embedding.name)),
        final_norm=bridge.module(getattr(booted, "ln_final", None)),
        unembedding=bridge.module(getattr(booted, "unembed", None)),
        sites={site.hook: _place(bridge, site, point) for site, point in _points(bridge)},
    )


def _points(bridge: Bridge) -> Iterator[tuple[Site, str]]:
    """The sites that the bridge has hooks for, and its own names of these."""
    points = bridge.booted.hook_dict
    layers = range(bridge.shape.n_layers)
    kinds = [kind for kind in Kind if kind is not Kind.EMBED]
    for site in (Site(Kind.EMBED), *(Site(kind, layer) for layer in layers for kind in kinds)):
        name = getattr(points.get(site.hook), "name", None)
        # In a mixture of experts `mlp.hook_post` is another name for the whole output.
        if name and (site.kind is not Kind.NEURON or name.endswith("out.hook_in")):
            yield site, str(name)


def _place(bridge: Bridge, site: Site, point: str) -> Place | None:
    """The module that the bridge wraps where it shows the site."""
    if site.kind is Kind.PATTERN:
        attention = bridge.module(point)
        return None if attention is None else Place(attention, End.WEIGHTS)
    end = _ENDS.get(point.rsplit(".", 1)[-1])
    if end is not None and (module := bridge.module(point)) is not None:
        return Place(module, end)
    if site.kind in _JOINT and site.layer is not None:
        attention = getattr(bridge.booted.blocks[site.layer], "attn", None)
        if (joint := bridge.module(getattr(attention, "qkv", None))) is not None:
            return Place(joint, End.OUTPUT, _JOINT.index(site.kind))
    return None


def _shown_by_bridge(hooks: Hooks, ids: Tensor) -> tuple[Shown, bool]:
    """What the bridge shows at each hook, and whether its logits are finite."""
    shown: dict[str, Tensor] = {}
    visits = [(hook, partial(shown.__setitem__, hook)) for hook in hooks.map.sites]
    with torch.inference_mode(), hooks.on_bridge(visits):
        logits = hooks.bridge.booted.original_model(input_ids=ids, use_cache=False).logits
    return shown, bool(logits.isfinite().all())


def _shown_by_modules(hooks: Hooks, ids: Tensor) -> Shown:
    """What modules show at the hooks that have a place, in the hooks' layout."""
    shown: dict[str, Tensor] = {}

    def keep(hook: str, place: Place, activation: Tensor) -> None:
        # Where it has another layout, the bridge alone can tell.
        with suppress(UnsupportedError):
            shown[hook] = hooks.shown(hook, place, activation, len(ids))

    places = {hook: place for hook, place in hooks.map.sites.items() if place is not None}
    visits = [(place, partial(keep, hook, place)) for hook, place in places.items()]
    with torch.inference_mode(), attached_to(hooks.root, visits):
        hooks.root(input_ids=ids, use_cache=False)
    return shown


def _are_equal(ours: Tensor | None, theirs: Tensor) -> bool:
    if not isinstance(ours, Tensor) or ours.shape != theirs.shape:
        return False
    limit = _TOLERANCE * float(theirs.abs().nan_to_num().max())
    return torch.allclose(ours.to(theirs), theirs, rtol=0, atol=limit, equal_nan=True)
