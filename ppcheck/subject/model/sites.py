"""Written sites to the sites of one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ppcheck.errors import ModelError
from ppcheck.spec.sites.site import OF_KEY_VALUE_HEADS, Kind, Site, SitePattern, Sites
from ppcheck.subject.model.info import Shape


def expand(sites: Sites, shape: Shape, model: str) -> tuple[Site, ...]:
    """Every site that the patterns name, in their order and each once.

    Raises ModelError for a layer, head or neuron that ``model`` does not have, and for a feature.
    """
    return tuple(dict.fromkeys(site for each in sites for site in _expand(each, shape, model)))


def _expand(pattern: SitePattern, shape: Shape, model: str) -> Iterator[Site]:
    if pattern.kind is Kind.FEATURE:
        raise ModelError(f"{pattern} is a feature, and {model} is asked without its dictionary")
    if pattern.kind is Kind.EMBED:
        yield Site(Kind.EMBED)
        return
    layers = range(shape.n_layers) if pattern.layers is None else pattern.layers
    _check(layers, shape.n_layers, f"{pattern} is outside {model}: it has", "layers")
    count = shape.components(pattern.kind)
    if not count:
        yield from (Site(pattern.kind, layer) for layer in layers)
        return
    indices = range(count) if pattern.indices is None else pattern.indices
    outside = f"{pattern} is outside {model}: each layer has"
    _check(indices, count, outside, _name(pattern.kind, shape))
    yield from (Site(pattern.kind, layer, index) for layer in layers for index in indices)


def _check(numbers: Sequence[int], count: int, message: str, what: str) -> None:
    if any(number >= count for number in numbers):
        raise ModelError(f"{message} {count} {what} (0-{count - 1})")


def _name(kind: Kind, shape: Shape) -> str:
    if kind is Kind.NEURON:
        return "neurons"
    if kind in OF_KEY_VALUE_HEADS and shape.n_key_value_heads != shape.n_heads:
        return f"key-value heads, which .{kind} counts, for {shape.n_heads} query heads"
    return "heads"
