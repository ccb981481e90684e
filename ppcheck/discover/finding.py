"""What a search finds: claims, and what it looked for and did not find."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Finding:
    """A claim that should hold on the other half.

    ``claim`` has the keys of a spec, in their order; ``seen`` are the figures behind its bounds.
    """

    phase: str
    claim: Mapping[str, Any]
    seen: str

    @property
    def id(self) -> str:
        return str(self.claim["id"])


@dataclass(frozen=True)
class Nothing:
    """Something that was looked for and not found, in words, with its figure."""

    phase: str
    said: str


def slug(*parts: str) -> str:
    """An id of these words."""
    return _PLAIN.sub("-", "-".join(parts)).strip("-").lower()
