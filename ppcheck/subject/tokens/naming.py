"""Names for cells: by what they do and at which tokens; equal names do the same."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits
from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.tokens.encoding import Encoded


def patched_names(target: Encoded, source: Encoded, cells: Sequence[Cell]) -> list[str]:
    """The order of a cell's sites changes nothing."""
    positions = dict.fromkeys(cell.position for cell in cells)
    tokens = {p: digest(target.positions(p), source.positions(p)) for p in positions}
    return [f"{_together(cell)} at {tokens[cell.position]}" for cell in cells]


def _together(cell: Cell) -> str:
    return " ".join(sorted({str(site) for site in cell.sites}))


def edited_names(encoded: Encoded, cells: Sequence[Edits]) -> list[str]:
    """The order of a cell's edits changes nothing."""
    positions = dict.fromkeys(edit.position for cell in cells for edit in cell)
    at = {p: digest(list(map(list, encoded.positions(p)))) for p in positions}
    return [
        digest(sorted(digest(str(e.site), at[e.position], e.operation, e.vector) for e in cell))
        for cell in cells
    ]
