"""What one patch covers."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site


@dataclass(frozen=True)
class Cell:
    """Sites that are patched together, at the tokens of one position."""

    sites: tuple[Site, ...]
    position: Position
