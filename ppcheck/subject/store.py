"""Where measurements are kept, as those who measure see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ppcheck.arrays import Floats


class Store(Protocol):
    """Keeps arrays under two names: a ``family`` (one question about one set of prompts) and its
    ``members`` (one site, head or cell each). It may forget, and never gives back anything else.
    """

    def load(self, family: str, members: Iterable[str]) -> dict[str, Floats]:
        """Those of the members that are known."""
        ...

    def save(self, family: str, found: Mapping[str, Floats]) -> None: ...
