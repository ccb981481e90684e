"""Rows of prompts that go on token by token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from ppcheck.arrays import Integers
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.tokens.tokenizer import Ids


class Writer(ABC):
    """Gives the logits of the token that follows, [row, vocabulary]."""

    @abstractmethod
    def begin(self, rows: Sequence[Ids]) -> Tensor:
        """After these prompts, which are of one length."""

    @abstractmethod
    def follow(self, tokens: Integers) -> Tensor:
        """After one more token of each row."""


@dataclass
class CachedWriter(Writer):
    """Goes on from the keys and values of what stands before, which is not run again.

    Each prompt runs by itself and once, however many of its rows follow each other, so that what is
    known of it depends on no other.
    """

    engine: Engine
    _begun: dict[Ids, tuple[Tensor, DynamicCache]] = field(default_factory=dict)
    _cache: DynamicCache = field(init=False)

    def begin(self, rows: Sequence[Ids]) -> Tensor:
        self._begun = {ids: self._begun.get(ids) or self._first(ids) for ids in dict.fromkeys(rows)}
        logits, caches = zip(*(self._begun[ids] for ids in rows), strict=True)
        layers = zip(*(cache.layers for cache in caches), strict=True)
        self._cache = DynamicCache(
            [
                (torch.cat([one.keys for one in layer]), torch.cat([one.values for one in layer]))
                for layer in layers
            ]
        )
        return torch.cat(logits)

    def follow(self, tokens: Integers) -> Tensor:
        return self.engine.extended(tokens[:, None], self._cache)

    def _first(self, ids: Ids) -> tuple[Tensor, DynamicCache]:
        cache = DynamicCache()
        return self.engine.extended(np.array([ids]), cache), cache


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
