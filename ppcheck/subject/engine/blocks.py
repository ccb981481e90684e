"""A model's blocks, called one by one on any rows and tokens, with their sites read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.frame import Arguments, Form, Frame, Spread
from ppcheck.subject.engine.hooks import Hook, Hooks, attached_to
from ppcheck.subject.engine.kernels import quicken

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


class Blocks:
    """The blocks of a twin with fast attention, and of the bridge where it must be.

    A hook inside a block sees [row, token, d_model], [row, token, head, d_head],
    [row, token, neuron] or [row, head, query, key]; those that only the bridge computes (patterns,
    and q, k and v of joint projections) make that block run in the bridge.
    """

    def __init__(self, model: Any, hooks: Hooks) -> None:
        self.hooks = hooks
        names = hooks.map
        self._root = model
        self._plain = [model.get_submodule(name) for name in _all(names.blocks, "block")]
        attentions = _all(names.attentions, "attention of a block")
        self._attention = [model.get_submodule(name) for name in attentions]
        self._watched: dict[int, list[Tensor]] = {}
        block_forms, self._attention_forms = _forms(model, self._plain, self._attention)
        blocks = _all(names.blocks, "block")
        ends = _all([names.unembedding, names.embedding], "embedding or unembedding")
        self.frame = Frame(model, blocks, block_forms, *ends)
        quicken(model, self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def run(
        self,
        layer: int,
        hidden: Tensor,
        tokens: slice,
        arguments: Arguments | Spread,
        keys: Keys,
        visits: Mapping[Kind, Hook],
    ) -> Tensor:
        """The block's output for a stream [row, token, d_model] that stands at ``tokens``."""
        args, kwargs = arguments.call(hidden, tokens, keys)
        inside = [
            (Site(kind, layer).hook, hook) for kind, hook in visits.items() if kind in _INSIDE
        ]
        places = self.hooks.places([name for name, _ in inside])
        if places is not None:
            at = self.hooks.at(places, inside, len(hidden))
            with attached_to(self._root, at), self._watching(layer, self._attention[layer]):
                output = self._plain[layer](*args, **kwargs)
        else:
            block = self.hooks.bridge.booted.blocks[layer]
            with self.hooks.on_bridge(inside), self._watching(layer, block.attn):
                output = block(*args, **kwargs)
        result: Tensor = output[0] if isinstance(output, tuple) else output
        return result

    def projected(self, layer: int, heads: Tensor) -> Tensor:
        """The attention's output for the outputs of its heads, [row, token, head x d_head]."""
        place = self.hooks.map.sites[Site(Kind.HEAD, layer).hook]
        output: Tensor = self._root.get_submodule(place.module)(heads)  # type: ignore[union-attr]
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
        """Have ``keep`` hold what attention outputs, wherever the block runs."""
        self._watched[layer] = keep
        try:
            yield
        finally:
            del self._watched[layer]

    @contextmanager
    def _watching(self, layer: int, attention: nn.Module) -> Iterator[None]:
        keep = self._watched.get(layer)
        if keep is None:
            yield
            return

        def see(_module: Any, _args: Any, output: Any) -> None:
            keep.append(output[0] if isinstance(output, tuple) else output)

        handle = attention.register_forward_hook(see)
        try:
            yield
        finally:
            handle.remove()


def _all(names: Sequence[str | None], what: str) -> list[str]:
    """Raises UnsupportedError where one of the modules is not known."""
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        raise UnsupportedError(f"no module of it is known to be the {what}")
    return known


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
