"""Where measurements are kept: as those who measure see it, and in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Protocol

from ppcheck.arrays import Floats

MEMORY_LIMIT = 2**28
"""Bytes of measurements that a process keeps in memory."""


class Store(Protocol):
    """Keeps arrays under two names: a ``family`` (one question about one set of prompts) and its
    ``members`` (one site, head or cell each). It may forget, and never gives back anything else.
    """

    def load(self, family: str, members: Iterable[str]) -> dict[str, Floats]:
        """Those of the members that are known."""
        ...

    def save(self, family: str, found: Mapping[str, Floats]) -> None: ...


class Memory:
    """The families used last, up to ``limit`` bytes; ``below`` is asked for what is not here."""

    def __init__(self, below: Store | None = None, limit: int = MEMORY_LIMIT) -> None:
        self.below = below
        self.limit = limit
        self._families: OrderedDict[str, dict[str, Floats]] = OrderedDict()
        self._size = 0

    def load(self, family: str, members: Iterable[str]) -> dict[str, Floats]:
        wanted = list(members)
        own = self._families.get(family, {})
        known = {name: own[name] for name in wanted if name in own}
        missing = [name for name in wanted if name not in known]
        if missing and self.below is not None:
            known |= self.below.load(family, missing)
        self._keep(family, known)
        return known

    def save(self, family: str, found: Mapping[str, Floats]) -> None:
        if self.below is not None:
            self.below.save(family, found)
        self._keep(family, found)

    def _keep(self, family: str, found: Mapping[str, Floats]) -> None:
        own = self._families.setdefault(family, {})
        self._families.move_to_end(family)
        self._size += sum(found[name].nbytes for name in found.keys() - own.keys())
        own |= found
        while self._size > self.limit:
            _, oldest = self._families.popitem(last=False)
            self._size -= sum(array.nbytes for array in oldest.values())
