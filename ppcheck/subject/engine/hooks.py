"""Sites of one model as TransformerBridge hook points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.site import OF_HEADS, Kind, Site
from ppcheck.subject.interventions.edit import Operation
from ppcheck.subject.model.info import Shape

if TYPE_CHECKING:
    from torch import Tensor

Hook = Callable[["Tensor"], "Tensor | None"]
"""Sees an activation; what it returns, if not None, takes its place."""


class Hooks:
    """The hook points of a booted bridge.

    Layouts are [row, token, d_model] for streams, [row, token, head, d_head] for heads and their
    q, k and v, [row, token, neuron] for neurons and [row, head, query, key] for patterns.
    """

    def __init__(self, bridge: Any, shape: Shape, model: str) -> None:
        self.model = model
        self._shape = shape
        self._points = dict(bridge.hook_dict)

    def has(self, *hooks: str) -> bool:
        return self._points.keys() >= set(hooks)

    def name(self, site: Site) -> str:
        """The bridge's own name of the hook that carries ``site``. Raises UnsupportedError."""
        self.check(site)
        return str(self._points[site.hook].name)

    def check(self, site: Site) -> None:
        """Raises UnsupportedError where the model has no such site."""
        point = self._points.get(site.hook)
        name = getattr(point, "name", None) or ""
        # In a mixture of experts `mlp.hook_post` is another name for the whole output.
        if point is None or (site.kind is Kind.NEURON and not name.endswith("out.hook_in")):
            raise UnsupportedError(
                f"{self.model} has no {site}: its blocks do not compute {site.hook}"
            )

    @cached_property
    def is_parallel(self) -> bool:
        """Whether a block's MLP does not read what its attention has written."""
        try:
            self.check(Site(Kind.RESID_MID, 0))
        except UnsupportedError:
            return True
        return False

    def components(self, activation: Tensor, sites: Sequence[Site]) -> Tensor:
        """The heads or neurons ``sites`` of one hook's activation, [row, token, component, width].

        A stream is one component; a pattern gives [row, query, head, key]. Raises UnsupportedError
        where the hook has another layout, MeasurementError where anything chosen is not finite.
        """
        kind, indices = sites[0].kind, [site.index for site in sites]
        if kind is Kind.PATTERN:
            chosen = activation[:, indices].transpose(1, 2)
        elif kind in OF_HEADS:
            heads = self._shape.components(kind), self._shape.d_head
            if activation.shape[2:] != heads:
                raise UnsupportedError(f"{self.model} shows {sites[0].hook} in a layout of its own")
            chosen = activation[:, :, indices]
        elif kind is Kind.NEURON:
            chosen = activation[:, :, indices].unsqueeze(-1)
        else:
            chosen = activation.unsqueeze(2)
        if not chosen.isfinite().all():
            raise not_finite("activations")
        return chosen

    @contextmanager
    def attached(self, hooks: Sequence[tuple[str, Hook]]) -> Iterator[None]:
        """Run these in order; a hook that returns a tensor replaces the activation."""
        handles = []
        try:
            for name, hook in hooks:
                if (point := self._points.get(name)) is None:
                    raise UnsupportedError(f"{self.model} does not compute {name}")
                handles.append((point, point.add_hook(_as_bridge_hook(hook))))
            yield
        finally:
            for point, handle in handles:
                handle.hook.remove()
                point.fwd_hooks.remove(handle)


def _as_bridge_hook(hook: Hook) -> Callable[..., Tensor | None]:
    return lambda activation, **_: hook(activation)


def operated(operation: Operation, activation: Tensor, values: Tensor) -> Tensor:
    """What an operation makes of activations [..., width], given as many vectors."""
    values = values.to(activation)
    if operation is Operation.SET:
        return values
    if operation is Operation.ADD:
        return activation + values
    along = (activation * values).sum(-1, keepdim=True) / (values * values).sum(-1, keepdim=True)
    return activation - along * values


def by_hook(sites: Sequence[Site]) -> dict[str, list[Site]]:
    """The distinct sites that each hook carries."""
    groups: dict[str, list[Site]] = {}
    for site in dict.fromkeys(sites):
        groups.setdefault(site.hook, []).append(site)
    return groups


def not_finite(what: str) -> MeasurementError:
    return MeasurementError(f"the model's {what} are not finite: its weights may hold NaN")
