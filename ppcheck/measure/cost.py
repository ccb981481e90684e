"""What measurements cost: tokens that are computed, and the arithmetic they take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Integers
from ppcheck.errors import MeasurementError
from ppcheck.spec.sites.position import Position
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.model.info import ModelInfo, Shape
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Ids


@dataclass(frozen=True)
class Request:
    """One call of a measuring method: ``prompts`` run untouched, then ``replayed`` under patches.

    A reading of runs that are known, or are another request, has no prompts.

    ``members`` counts sites, heads or cells; ``runs`` patched prompts; ``replayed`` [layer] tokens
    recomputed by each layer; ``logits`` those read.
    """

    what: str
    prompts: tuple[Ids, ...]
    members: int
    replayed: Integers
    logits: int
    runs: int = 0

    def flops(self, info: ModelInfo, shape: Shape) -> float:
        """Floating-point operations, in a block two a parameter and token, and attention's own.

        Blocks are taken to share what parameters the embedding leaves.
        """
        block = max(info.parameters - shape.n_vocabulary * shape.d_model, 0) / shape.n_layers
        context = float(np.mean([len(ids) for ids in self.prompts] or [0]))
        a_token = 2 * block + 4 * shape.n_heads * shape.d_head * context
        tokens = shape.n_layers * distinct_tokens(self.prompts) + int(self.replayed.sum())
        return tokens * a_token + 2 * shape.d_model * self.logits


def distinct_tokens(prompts: Iterable[Ids]) -> int:
    """How many tokens prompts have, those of a beginning that they share counted once."""
    total, before = 0, Ids()
    for ids in sorted(set(prompts)):
        total += len(ids) - _shared(before, ids)
        before = ids
    return total


def replayed(shape: Shape, target: Encoded, source: Encoded, cells: Sequence[Cell]) -> Integers:
    """Tokens that cells' patches make each layer compute again, [layer].

    These are the tokens from the first that changes on, from the first patched layer on; in the
    last layer the final token alone. Raises MeasurementError for pairs that do not align.
    """
    total = np.zeros(shape.n_layers, dtype=np.int64)
    changed = {p: _changed(target, source, p) for p in {cell.position for cell in cells}}
    for cell in cells:
        tokens = changed[cell.position]
        layer = min(site.layer or 0 for site in cell.sites)
        total[layer:-1] += tokens.sum()
        total[-1] += np.count_nonzero(tokens)
    return total


def rerun(shape: Shape, encoded: Encoded, cells: Sequence[Edits]) -> Integers:
    """Tokens that cells' edits make each layer compute again, [layer]; see `replayed`."""
    total = np.zeros(shape.n_layers, dtype=np.int64)
    lengths = np.array([len(ids) for ids in encoded.ids])
    positions = {edit.position for cell in cells for edit in cell}
    starts = {
        position: np.array([min(row, default=len(ids)) for row, ids in rows])
        for position in positions
        if (rows := list(zip(encoded.positions(position), encoded.ids, strict=True)))
    }
    for cell in cells:
        if cell:
            tokens = lengths - np.min([starts[edit.position] for edit in cell], axis=0)
            total[min(edit.site.layer or 0 for edit in cell) : -1] += tokens.sum()
            total[-1] += np.count_nonzero(tokens)
    return total


def rewired(shape: Shape, wirings: Sequence[Wiring]) -> Integers:
    """How often wirings run each layer at most, [layer]: what some have in common runs once.

    Once for each receiver of it with an input in it, once more for what its heads make of that,
    and, where edges are cut from a clean run, up to there for all that has changed before.
    """
    total = np.zeros(shape.n_layers, dtype=np.int64)
    for wiring in wirings:
        receivers = {edge.receiver for edge in wiring.edges}
        for layer in range(shape.n_layers):
            heard = sum(site is not None and site.layer == layer for site in receivers)
            first = layer if wiring.keeps else 0
            total[first : layer + 1] += heard + bool(heard)
    return total


def written(shape: Shape, prompts: Sequence[Ids], tokens: int) -> Integers:
    """Tokens that each layer runs beside the distinct ones of prompts, [layer].

    Each prompt runs whole; after each of ``prompts`` so many tokens are written at most.
    """
    alone = sum(map(len, set(prompts))) - distinct_tokens(prompts)
    return np.full(shape.n_layers, alone + len(prompts) * (tokens - 1), dtype=np.int64)


def _changed(target: Encoded, source: Encoded, position: Position) -> Integers:
    """How many tokens of each target are not as before once ``position`` is patched, [pair]."""
    counts = []
    sides = zip(target.positions(position), source.positions(position), strict=True)
    for (to, since), a, b in zip(sides, target.ids, source.ids, strict=True):
        if len(to) != len(since):
            raise MeasurementError(f"pairs tokenise to different lengths at {position}")
        same = _shared(a, b)
        first = min(
            (t for t, s in zip(to, since, strict=True) if t != s or t >= same), default=None
        )
        counts.append(0 if first is None else len(a) - first)
    return np.array(counts, dtype=np.int64)


def _shared(a: Ids, b: Ids) -> int:
    """The length of the beginning that two prompts share."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((n for n, (x, y) in pairs if x != y), min(len(a), len(b)))
