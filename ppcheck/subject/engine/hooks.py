"""Hooks on the sites of one model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.sites.site import OF_HEADS, Kind, Site, kind_of
from ppcheck.subject.interventions.edit import Operation
from ppcheck.subject.model.bridge import Bridge
from ppcheck.subject.model.site_map import End, Place, SiteMap

if TYPE_CHECKING:
    from torch import Tensor, nn

Args = tuple[Any, ...]
Hook = Callable[["Tensor"], "Tensor | None"]
"""Sees an activation; what it returns, if not None, takes its place."""


class Hooks:
    """The sites of one model: which it has, and hooks on them.

    Layouts are [row, token, d_model] for streams, [row, token, head, d_head] for heads and their
    q, k and v, [row, token, neuron] for neurons and [row, head, query, key] for patterns.
    """

    def __init__(self, root: Any, sites: SiteMap, bridge: Bridge, model: str) -> None:
        self.model = model
        self.map = sites
        self.bridge = bridge
        self.root = root

    def has(self, *hooks: str) -> bool:
        return self.map.sites.keys() >= set(hooks)

    def check(self, site: Site) -> None:
        """Raises UnsupportedError where the model has no such site."""
        if not self.has(site.hook):
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
            heads = self.map.shape.components(kind), self.map.shape.d_head
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
    def attached(
        self, hooks: Sequence[tuple[str, Hook]], rows: int, *, reads: bool = False
    ) -> Iterator[Any]:
        """Run these in order; a hook that returns a tensor replaces the activation.

        Gives the model to run on so many ``rows``: the model itself, or the bridge's where a hook
        is on what only the bridge computes. With ``reads`` no hook returns anything. Raises
        UnsupportedError for what the model does not compute, when it was run, too.
        """
        names = [name for name, _ in hooks]
        places = self.places(names, reads=reads)
        if places is None:
            with self.on_bridge(hooks):
                yield self.bridge.booted.original_model
            return
        silent = set(names)

        def heard(name: str, hook: Hook, activation: Tensor) -> Tensor | None:
            silent.discard(name)
            return hook(activation)

        visits = [(name, partial(heard, name, hook)) for name, hook in hooks]
        with attached_to(self.root, self.at(places, visits, rows)):
            yield self.root
        if silent:
            raise UnsupportedError(f"{self.model} does not compute {min(silent)}")

    def places(self, hooks: Sequence[str], *, reads: bool = False) -> list[Place] | None:
        """The hooks' places in the model itself; None where one has none.

        Raises UnsupportedError for a hook that the model does not have.
        """
        for name in hooks:
            if not self.has(name):
                raise UnsupportedError(f"{self.model} does not compute {name}")
        found = [self.map.sites[name] for name in hooks]
        usable = [
            place
            for place in found
            if place is not None and (reads or place.end is not End.WEIGHTS)
        ]
        return usable if len(usable) == len(found) else None

    def at(
        self, places: Sequence[Place], hooks: Sequence[tuple[str, Hook]], rows: int
    ) -> list[tuple[Place, Hook]]:
        """Hooks for ``places`` that show those of sites what they see in so many ``rows``."""

        def see(place: Place, name: str, hook: Hook, activation: Tensor) -> Tensor | None:
            new = hook(self.shown(name, place, activation, rows))
            return None if new is None else place.replaced(activation, new)

        return [
            (place, partial(see, place, name, hook))
            for place, (name, hook) in zip(places, hooks, strict=True)
        ]

    @contextmanager
    def on_bridge(self, hooks: Sequence[tuple[str, Hook]]) -> Iterator[None]:
        """The same on the bridge's hook points."""
        points, handles = self.bridge.booted.hook_dict, []
        try:
            for name, hook in hooks:
                handles.append((points[name], points[name].add_hook(_as_bridge_hook(hook))))
            yield
        finally:
            for point, handle in handles:
                handle.hook.remove()
                point.fwd_hooks.remove(handle)

    def shown(self, hook: str, place: Place, activation: Tensor, rows: int) -> Tensor:
        """What a module shows of ``hook`` in so many rows, in the hook's layout.

        Raises UnsupportedError where it has another number of heads, or these another width.
        """
        kind = kind_of(hook)
        if kind is Kind.PATTERN:
            return activation
        shown = place.part(activation)
        shown = shown.reshape(rows, -1, shown.shape[-1])
        if kind not in OF_HEADS:
            return shown
        heads = self.map.shape.components(kind), self.map.shape.d_head
        if shown.shape[-1] != heads[0] * heads[1]:
            raise UnsupportedError(f"{self.model} shows {hook} in a layout of its own")
        return shown.view(*shown.shape[:2], *heads)


@contextmanager
def attached_to(root: nn.Module, visits: Sequence[tuple[Place, Hook]]) -> Iterator[None]:
    """Have hooks see, and replace, what modules of ``root`` take and give."""
    with ExitStack() as stack:
        for place, hook in visits:
            module = root.get_submodule(place.module)
            stack.callback(_attach(module, place.end, hook).remove)
        yield


def _attach(module: nn.Module, end: End, see: Hook) -> Any:
    if end is End.INPUT:
        return module.register_forward_pre_hook(partial(_on_input, see), with_kwargs=True)
    return module.register_forward_hook(partial(_on_output, see, end))


def _on_input(see: Hook, _module: Any, args: Args, kwargs: dict[str, Any]) -> Any:
    new = see(args[0] if args else kwargs["hidden_states"])
    if new is None:
        return None
    return ((new, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": new})


def _on_output(see: Hook, end: End, _module: Any, _args: Args, output: Any) -> Any:
    if end is End.WEIGHTS:
        if isinstance(output, tuple) and len(output) > 1 and output[1] is not None:
            see(output[1])
        return None
    if not isinstance(output, tuple):
        return see(output)
    new = see(output[0])
    return None if new is None else (new, *output[1:])


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
