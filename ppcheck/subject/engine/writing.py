"""Rows of prompts that go on token by token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from ppcheck.arrays import Integers
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.tokens.tokenizer import Ids

_TOGETHER = 2**7
"""So many tokens of prompts run together, where one prompt has no more."""


class Writer(ABC):
    """Gives the logits of the token that follows, [row, vocabulary]."""

    @abstractmethod
    def begin(self, rows: Sequence[Ids]) -> Tensor:
        """After these prompts, which are of one length."""

    @abstractmethod
    def follow(self, tokens: Integers) -> Tensor:
        """After one more token of each row."""


Layers = Sequence[tuple[Tensor, Tensor]]
"""Keys and values of each layer, [row, head, token, width]."""


@dataclass
class CachedWriter(Writer):
    """Goes on from the keys and values of what stands before, which is not run again.

    A prompt runs once, however many of its rows follow each other. As many always run together,
    filled up with the last one, so that what is known of one depends on no other.
    """

    engine: Engine
    _begun: dict[Ids, tuple[Tensor, Layers]] = field(default_factory=dict)
    _layers: Sequence[Layers] = ()
    _cache: DynamicCache | None = None

    def begin(self, rows: Sequence[Ids]) -> Tensor:
        distinct = list(dict.fromkeys(rows))
        new = [ids for ids in distinct if ids not in self._begun]
        self._begun = {ids: self._begun[ids] for ids in distinct if ids in self._begun}
        size = max(1, _TOGETHER // len(rows[0]))
        for first in range(0, len(new), size):
            self._run(new[first : first + size], size)
        logits, self._layers = zip(*(self._begun[ids] for ids in rows), strict=True)
        self._cache = None
        return torch.cat(logits)

    def follow(self, tokens: Integers) -> Tensor:
        if self._cache is None:
            parts = [zip(*one, strict=True) for one in zip(*self._layers, strict=True)]
            self._cache = DynamicCache([tuple(map(torch.cat, part)) for part in parts])
        return self.engine.extended(tokens[:, None], self._cache)

    def _run(self, prompts: Sequence[Ids], size: int) -> None:
        filled, cache = [*prompts, *[prompts[-1]] * (size - len(prompts))], DynamicCache()
        logits = self.engine.extended(np.array(filled), cache)
        layers: Sequence[Any] = cache.layers
        for row, ids in enumerate(prompts):
            only = slice(row, row + 1)
            kept = [(layer.keys[only], layer.values[only]) for layer in layers]
            self._begun[ids] = logits[only], kept


@dataclass
class WholeWriter(Writer):
    """Runs all again for each token, of models that have no such cache."""

    engine: Engine
    _ids: Integers = field(init=False)

    def begin(self, rows: Sequence[Ids]) -> Tensor:
        self._ids = np.array(rows)
        return self.engine.forward(self._ids, [])[:, -1]

    def follow(self, tokens: Integers) -> Tensor:
        self._ids = np.column_stack([self._ids, tokens])
        return self.engine.forward(self._ids, [])[:, -1]


def writer(engine: Engine) -> Writer:
    return CachedWriter(engine) if engine.has_cache else WholeWriter(engine)
