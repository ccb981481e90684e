"""What a model computes around its blocks: embeddings, the arguments of each block, and logits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from ppcheck.errors import UnsupportedError
from ppcheck.subject.model.twin import twin

Call = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Form:
    """How a module puts out its tensor: bare, or as the first of a tuple of this length."""

    length: int | None

    @classmethod
    def of(cls, output: Any) -> Form:
        return cls(len(output) if isinstance(output, tuple) else None)

    def wrap(self, tensor: Tensor) -> Any:
        return tensor if self.length is None else (tensor, *(None,) * (self.length - 1))


class _Reached(Exception):  # noqa: N818
    """The first block was called."""


class Frame:
    """A model whose blocks do nothing, so that its own code does all that is not a block's.

    No code for an architecture is needed: position embeddings, masks, scaled embeddings, the final
    norm, logit scaling and soft-capping are what the model's own forward makes of them.
    """

    def __init__(
        self, model: Any, blocks: Sequence[str], forms: Sequence[Form], head: str, embedding: str
    ) -> None:
        self._model = twin(model)
        self._embedding = self._model.get_submodule(embedding)
        self._cache_name = cache_name(self._model)
        self._calls: list[Call] = []
        self._stops = False
        self._given: Tensor | None = None
        self._tokens: Tensor | None = None
        self._arguments: dict[int, list[Arguments]] = {}
        for layer, (name, form) in enumerate(zip(blocks, forms, strict=True)):
            block: Any = self._model.get_submodule(name)
            block.forward = partial(self._block, layer, form)
        module: Any = self._model.get_submodule(head)
        self.unembeds_few = type(module) is nn.Linear
        if self.unembeds_few:
            module.forward = partial(self._head, module)

    @property
    def device(self) -> torch.device:
        device: torch.device = self._model.device
        return device

    def embed(self, ids: Tensor, write: Callable[[Tensor], Tensor | None] | None = None) -> Tensor:
        """The stream into the first block, [row, token, d_model], of ids [row, token].

        ``write`` may replace the embeddings.
        """
        with _hooked(self._embedding, write):
            self._stops, self._calls = True, []
            try:
                self._model(input_ids=ids.to(self.device), use_cache=False)
            except _Reached:
                pass
            finally:
                self._stops = False
        return _hidden(*self._calls.pop())

    def arguments(self, length: int) -> list[Arguments]:
        """What the model passes each block beside the stream, for prompts of ``length`` tokens."""
        if length not in self._arguments:
            cache = DynamicCache()
            self._calls = []
            device = self.device
            ids = torch.zeros((1, length), dtype=torch.int64, device=device)
            self._tokens = torch.zeros((1, 1), dtype=torch.int64, device=device)
            self._model(input_ids=ids, use_cache=True, **{self._cache_name: cache})
            self._tokens = None
            self._arguments[length] = [
                Arguments(length, args, kwargs, cache) for args, kwargs in self._calls
            ]
            self._calls = []
        return self._arguments[length]

    def unembed(self, hidden: Tensor, tokens: Tensor | None) -> Tensor:
        """Logits of the last blocks' outputs [row, token, d_model]: [row, token, vocabulary].

        With ``tokens`` [row, k] only theirs are computed, [row, token, k].
        """
        tokens = None if tokens is None else tokens.to(hidden.device)
        few = tokens is not None and self.unembeds_few
        self._given, self._tokens = hidden, tokens if few else None
        self._calls = []
        ids = torch.zeros(hidden.shape[:2], dtype=torch.int64, device=hidden.device)
        try:
            logits: Tensor = self._model(input_ids=ids, use_cache=False).logits
        finally:
            self._given = self._tokens = None
            self._calls = []
        if tokens is not None and not few:
            logits = logits.gather(2, tokens[:, None].expand(-1, logits.shape[1], -1))
        return logits

    def _block(self, layer: int, form: Form, *args: Any, **kwargs: Any) -> Any:
        self._calls.append((args, kwargs))
        if self._stops:
            raise _Reached
        hidden = _hidden(args, kwargs)
        if self._given is not None and layer == 0:
            hidden = self._given
        return form.wrap(hidden)

    def _head(self, head: nn.Linear, hidden: Tensor) -> Tensor:
        if self._tokens is None:
            return nn.functional.linear(hidden, head.weight, head.bias)
        logits = torch.einsum("rtd,rkd->rtk", hidden, head.weight[self._tokens])
        return logits if head.bias is None else logits + head.bias[self._tokens][:, None]


@dataclass(frozen=True, eq=False)
class Arguments:
    """One block's arguments in a run of one prompt of ``length`` tokens, as the model made them."""

    length: int
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    cache: Any

    def call(self, hidden: Tensor, tokens: slice, cache: Any) -> Call:
        """The arguments for a stream [row, token, d_model] that stands at ``tokens``."""
        cut = partial(self._cut, tokens=tokens, rows=len(hidden), cache=cache)
        kwargs = {name: cut(value) for name, value in self.kwargs.items()}
        if self.args:
            return (hidden, *map(cut, self.args[1:])), kwargs
        return (), kwargs | {"hidden_states": hidden}

    def _cut(self, value: Any, *, tokens: slice, rows: int, cache: Any) -> Any:
        if value is self.cache:
            return cache
        if isinstance(value, tuple):
            return tuple(self._cut(v, tokens=tokens, rows=rows, cache=cache) for v in value)
        if not isinstance(value, Tensor):
            return value
        if value.ndim == 4 and value.shape[2:] == (self.length, self.length):
            value = value[:, :, tokens, : tokens.stop]
        elif value.ndim > 1 and value.shape[:2] == (1, self.length):
            value = value[:, tokens]
        elif value.ndim and value.shape[0] == self.length:
            return value[tokens]
        return value.expand(rows, *value.shape[1:]) if value.ndim > 1 else value


@dataclass(frozen=True, eq=False)
class Spread:
    """One block's arguments for tokens of a tree, ready but for the stream and the cache."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    cache: Any

    def call(self, hidden: Tensor, tokens: slice, cache: Any) -> Call:
        del tokens  # they are chosen already
        kwargs = {name: cache if v is self.cache else v for name, v in self.kwargs.items()}
        if self.args:
            return (hidden, *(cache if v is self.cache else v for v in self.args[1:])), kwargs
        return (), kwargs | {"hidden_states": hidden}


@dataclass(frozen=True, eq=False)
class Spreader:
    """Makes the arguments of tokens of a tree from those of one prompt as long as it is high.

    The tokens stand at depths ``queries``, the keys that are there at ``keys``; ``sees`` [query,
    key] says which of these are of one prompt.
    """

    length: int
    queries: Tensor
    keys: Tensor
    sees: Tensor
    _done: dict[int, Tensor] = field(default_factory=dict)

    def spread(self, arguments: Arguments) -> Spread:
        """Raises UnsupportedError for a block that takes no mask."""
        kwargs = {name: self._of(value) for name, value in arguments.kwargs.items()}
        args = tuple(map(self._of, arguments.args[1:]))
        given = (*arguments.args[1:], *arguments.kwargs.values())
        if not any(isinstance(v, Tensor) and self._is_mask(v) for v in given):
            if kwargs.get("attention_mask", args) is not None:
                raise UnsupportedError("its blocks take no attention mask")
            kwargs["attention_mask"] = self.sees[None, None]
        return Spread((*arguments.args[:1], *args), kwargs, arguments.cache)

    def _is_mask(self, value: Tensor) -> bool:
        return value.ndim == 4 and value.shape[2:] == (self.length, self.length)

    def _of(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self._of, value))
        if not isinstance(value, Tensor):
            return value
        # Blocks are given the same tensors, which stay alive with their arguments.
        if id(value) not in self._done:
            self._done[id(value)] = self._spread(value)
        return self._done[id(value)]

    def _spread(self, value: Tensor) -> Tensor:
        if self._is_mask(value):
            mask = value[:, :, self.queries][..., self.keys]
            if mask.dtype == torch.bool:
                return mask & self.sees
            return mask.masked_fill(~self.sees, torch.finfo(mask.dtype).min)
        if value.ndim > 1 and value.shape[:2] == (1, self.length):
            return value[:, self.queries]
        if value.ndim and value.shape[0] == self.length:
            return value[self.queries]
        return value


def cache_name(model: Any) -> str:
    """What a model's forward calls its cache of keys and values."""
    # transformers 5.24 renamed the argument.
    renamed = "cache" in inspect.signature(model.forward).parameters
    return "cache" if renamed else "past_key_values"


def _hidden(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    hidden: Tensor = args[0] if args else kwargs["hidden_states"]
    return hidden


@contextmanager
def _hooked(module: Any, write: Callable[[Tensor], Tensor | None] | None) -> Any:
    if write is None:
        yield
        return
    handle = module.register_forward_hook(lambda _module, _args, output: write(output))
    try:
        yield
    finally:
        handle.remove()
