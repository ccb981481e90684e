"""A model's blocks, called one by one on any rows and tokens, with their sites read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ppcheck.errors import UnsupportedError
from ppcheck.spec.site import OF_HEADS, Kind, Site
from ppcheck.subject.engine.frame import Arguments, Form, Frame, twin
from ppcheck.subject.engine.hooks import Hook, Hooks
from ppcheck.subject.engine.kernels import quicken
from ppcheck.subject.model.info import Shape

_INSIDE = frozenset(Kind) - {Kind.EMBED, Kind.RESID_PRE, Kind.RESID_POST}


class KeysReached(Exception):  # noqa: N818
    """A block has computed its keys and values, which was all that was asked of it."""


@dataclass
class Keys:
    """Stands for a block's cache: keys and values [row, head, token, width], and which are asked.

    The block adds its own to the ``prefix``, or puts them at the end of ``room``, which holds the
    prefix already; with ``whole`` it gets these whatever it computes.
    """

    prefix: tuple[Tensor, Tensor] | None = None
    room: tuple[Tensor, Tensor] | None = None
    whole: tuple[Tensor, Tensor] | None = None
    stops: bool = False
    kept: tuple[Tensor, Tensor] = field(init=False)

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        if self.whole is not None:
            return self.whole
        both = (keys, values)
        if self.room is not None:
            for part, new in zip(self.room, both, strict=True):
                part[:, :, -new.shape[2] :] = new
            both = self.room
        elif self.prefix is not None:
            both = (
                torch.cat([self.prefix[0], keys], dim=2),
                torch.cat([self.prefix[1], values], dim=2),
            )
        self.kept = both
        if self.stops:
            raise KeysReached
        return both


@dataclass(frozen=True, eq=False)
class _Part:
    """A site's place in a plain block: the input or the output of one module."""

    module: nn.Module
    is_input: bool


@dataclass(frozen=True, eq=False)
class Plain:
    """A model without hooks that shares the weights of the bridged one.

    ``names`` says what its modules are called, by the id of the module that the bridge wraps.
    """

    model: Any
    names: Mapping[int, str]

    @classmethod
    def of(cls, model: Any) -> Plain:
        """Of a model that the bridge is yet to wrap."""
        return cls(twin(model), {id(module): name for name, module in model.named_modules()})


class Blocks:
    """The blocks of a plain model with fast attention, and of the bridged one where it must be.

    A hook inside a block sees [row, token, d_model], [row, token, head, d_head],
    [row, token, neuron] or [row, head, query, key]; those that only the bridge computes (patterns,
    and q, k and v of joint projections) make that block run in the bridge.
    """

    def __init__(self, bridge: Any, model: Plain, hooks: Hooks, shape: Shape) -> None:
        plain, names = model.model, model.names
        self.hooks = hooks
        self._shape = shape
        self._names = names
        self._bridged = list(bridge.blocks)
        block_names = [names[id(block.original_component)] for block in self._bridged]
        self._plain = [plain.get_submodule(name) for name in block_names]
        self._attention = [
            plain.get_submodule(names[id(block.attn.original_component)]) for block in self._bridged
        ]
        self._parts: dict[Site, _Part | None] = {}
        self._root = plain
        block_forms, self._attention_forms = _forms(plain, self._plain, self._attention)
        self.frame = Frame(
            plain,
            block_names,
            block_forms,
            names[id(bridge.unembed.original_component)],
            names[id(_component(bridge, hooks.name(Site(Kind.EMBED))).original_component)],
        )
        quicken(plain, self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def run(
        self,
        layer: int,
        hidden: Tensor,
        tokens: slice,
        arguments: Arguments,
        keys: Keys,
        visits: Mapping[Kind, Hook],
    ) -> Tensor:
        """The block's output for a stream [row, token, d_model] that stands at ``tokens``."""
        args, kwargs = arguments.call(hidden, tokens, keys)
        inside = {kind: hook for kind, hook in visits.items() if kind in _INSIDE}
        parts = {kind: part for kind in inside if (part := self.part(kind, layer))}
        if parts.keys() == inside.keys():
            with self._attached(layer, len(hidden), inside, parts):
                output = self._plain[layer](*args, **kwargs)
        else:
            by_name = [(Site(kind, layer).hook, hook) for kind, hook in inside.items()]
            with self.hooks.attached(by_name):
                output = self._bridged[layer](*args, **kwargs)
        result: Tensor = output[0] if isinstance(output, tuple) else output
        return result

    def part(self, kind: Kind, layer: int) -> _Part | None:
        """Where a plain block holds the sites of this kind; None where only the bridge has it."""
        site = Site(kind, layer)
        if site not in self._parts:
            self._parts[site] = self._find(site)
        return self._parts[site]

    def projected(self, layer: int, heads: Tensor) -> Tensor:
        """The attention's output for the outputs of its heads, [row, token, head x d_head]."""
        part = self.part(Kind.HEAD, layer)
        output: Tensor = part.module(heads)  # type: ignore[union-attr]
        return output

    @contextmanager
    def known_attention(self, layer: int, heads: Tensor | None, output: Tensor) -> Iterator[None]:
        """Attention that is not computed: its ``output``, or what it makes of its ``heads``."""
        module, form = self._attention[layer], self._attention_forms[layer]

        def forward(*_: Any, **__: Any) -> Any:
            return form.wrap(output if heads is None else self.projected(layer, heads))

        module.forward = forward
        try:
            yield
        finally:
            del module.forward

    @contextmanager
    def attention_output(self, layer: int, keep: list[Tensor]) -> Iterator[None]:
        """Have ``keep`` hold what attention puts out, wherever the block runs."""

        def see(_module: Any, _args: Any, output: Any) -> None:
            keep.append(output[0] if isinstance(output, tuple) else output)

        with ExitStack() as stack:
            for module in (self._attention[layer], self._bridged[layer].attn):
                stack.callback(module.register_forward_hook(see).remove)
            yield

    def _find(self, site: Site) -> _Part | None:
        name = self.hooks.name(site)
        component = _component(None, name, self._bridged)
        raw = getattr(component, "original_component", None)
        end = name.rsplit(".", 1)[-1]
        if end not in ("hook_in", "hook_out") or id(raw) not in self._names:
            return None
        return _Part(self._root.get_submodule(self._names[id(raw)]), end == "hook_in")

    @contextmanager
    def _attached(
        self, layer: int, rows: int, visits: Mapping[Kind, Hook], parts: Mapping[Kind, _Part]
    ) -> Iterator[None]:
        with ExitStack() as stack:
            for kind, hook in visits.items():
                part = parts[kind]
                see = partial(self._see, Site(kind, layer), rows, hook)
                if part.is_input:
                    handle = part.module.register_forward_pre_hook(partial(_on_input, see))
                else:
                    handle = part.module.register_forward_hook(partial(_on_output, see))
                stack.callback(handle.remove)
            yield

    def _see(self, site: Site, rows: int, hook: Hook, activation: Tensor) -> Tensor | None:
        shown = activation.reshape(rows, -1, activation.shape[-1])
        if site.kind in OF_HEADS:
            heads = self._shape.components(site.kind), self._shape.d_head
            if shown.shape[-1] != heads[0] * heads[1]:
                raise UnsupportedError(
                    f"{self.hooks.model} shows {site.hook} in a layout of its own"
                )
            shown = shown.view(*shown.shape[:2], *heads)
        new = hook(shown)
        return None if new is None else new.reshape(activation.shape)


def _on_input(see: Any, _module: Any, args: tuple[Any, ...]) -> Any:
    new = see(args[0])
    return None if new is None else (new, *args[1:])


def _on_output(see: Any, _module: Any, _args: Any, output: Any) -> Any:
    if not isinstance(output, tuple):
        return see(output)
    new = see(output[0])
    return None if new is None else (new, *output[1:])


def _component(root: Any, name: str, blocks: Sequence[Any] | None = None) -> Any:
    """The bridge's component that owns a hook point such as ``blocks.3.attn.o.hook_in``."""
    path = name.split(".")[:-1]
    if blocks is not None:
        root, path = blocks[int(path[1])], path[2:]
    for part in path:
        root = getattr(root, part)
    return root


def _forms(plain: Any, *groups: Sequence[nn.Module]) -> list[list[Form]]:
    """In what form the modules of each group put out their tensor, from a run of one token."""
    seen: dict[int, Form] = {}

    def keep(module: nn.Module, _args: Any, output: Any) -> None:
        seen[id(module)] = Form.of(output)

    handles = [module.register_forward_hook(keep) for group in groups for module in group]
    try:
        plain(
            input_ids=torch.zeros((1, 1), dtype=torch.int64, device=plain.device), use_cache=False
        )
    finally:
        for handle in handles:
            handle.remove()
    return [[seen[id(module)] for module in group] for group in groups]
