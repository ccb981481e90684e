"""Whether a model can be replayed, and how much rounding moves it, tried on short prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import finfo

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Turn
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import OF_HEADS, Kind, Site
from ppcheck.subject.engine.replay import Replay
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.model.device import in_numpy
from ppcheck.subject.model.rounding import Rounding
from ppcheck.subject.operations.reading import grown, read
from ppcheck.subject.tokens.alignment import align
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Tokens

if TYPE_CHECKING:
    from ppcheck.subject.engine.engine import Engine

_TOLERANCE = 1e-4
_ROUNDINGS = 16
_ROUNDED_ROWS, _ROUNDED_TOKENS = 4, 16
_TREE_TOKENS, _TREE_PART = 12, 13
_MARGIN = 4
"""Orders that are not tried, of other prompts, differ by up to so many times as much."""
_KINDS = (
    *(Kind.EMBED, Kind.RESID_PRE, Kind.HEAD, Kind.QUERY, Kind.VALUE),
    *(Kind.NEURON, Kind.ATTN_OUT, Kind.MLP_OUT, Kind.RESID_POST),
)


def fault(engine: Engine, replay: Replay) -> str | None:
    """What of the model cannot be replayed; None where all of it can."""
    sites = list(_sites(engine))
    try:
        return _fault(engine, replay, sites)
    except UnsupportedError:
        # Some site has a layout of its own; the others are still to be tried.
        for site in sites:
            with suppress(UnsupportedError):
                if reason := _fault(engine, replay, [site]):
                    return reason
    return None


def tree_fault(engine: Engine, replay: Replay) -> str | None:
    """Why its prompts cannot be run as a tree; None where they can."""
    shape = engine.shape
    length = min(_TREE_TOKENS, shape.n_positions)
    ids = (np.arange(4 * length).reshape(-1, length) * 7 + 3) % shape.n_vocabulary
    ids[1:, : length // 4] = ids[0, : length // 4]
    ids[3, : length // 2] = ids[2, : length // 2]
    shorter = ids[:1, : length - 1]
    prompts = [*map(tuple, ids.tolist()), *map(tuple, shorter.tolist())]
    try:
        whole = [
            in_numpy(logits[-1]) for each in (ids, shorter) for logits in engine.forward(each, [])
        ]
        runs = grown(engine, replay, prompts, _silent, size=_TREE_PART)
        for rows, hidden in runs:
            with engine.running():
                logits = in_numpy(replay.frame.unembed(hidden[:, None], None)[:, 0])
            for row, found in zip(rows.tolist(), logits, strict=True):
                if reason := _differs(engine, found, whole[row], "a tree of prompts"):
                    return reason
    except Exception as error:  # noqa: BLE001 (it is the model's own code that is tried)
        return f"{type(error).__name__}: {error}"
    return None


def rounding(engine: Engine) -> Rounding:
    """What different orders of evaluation make of the same logits.

    These are whole passes of all rows together and of each by itself and, where the model can be
    replayed, runs of a tree of them all and of each. No difference counts that is less than the
    precision of the numbers. Raises MeasurementError where logits are not finite.
    """
    shape = engine.shape
    length = min(_ROUNDED_TOKENS, shape.n_positions)
    ids = (np.arange(_ROUNDED_ROWS * length).reshape(-1, length) * 7 + 3) % shape.n_vocabulary
    ids[:, : length // 2] = ids[0, : length // 2]
    whole = in_numpy(engine.forward(ids, [])[:, -1])
    orders = [np.concatenate([in_numpy(engine.forward(row[None], [])[:, -1]) for row in ids])]
    if engine.replay is not None:
        prompts = list(map(tuple, ids.tolist()))
        together = read(engine, prompts, _AllLogits(), _silent)
        alone = [read(engine, [prompt], _AllLogits(), _silent) for prompt in prompts]
        orders += [together, np.concatenate(alone)]
    largest = float(np.abs(whole).max())
    moved = max(float(np.abs(order - whole).max()) for order in orders)
    moved = _MARGIN * max(moved, largest * float(finfo(engine.dtype).eps))
    return Rounding(moved, moved / (largest or 1.0))


def _fault(engine: Engine, replay: Replay, sites: Sequence[Site]) -> str | None:
    from ppcheck.subject.operations.patching import patch_by_replay
    from ppcheck.subject.operations.whole_pass import patch_whole

    target, source = _prompts(engine)
    readout = _Readout(np.tile(np.arange(min(8, engine.shape.n_vocabulary)), (2, 1)))
    places = [Position("index", index=index) for index in (1, -1)]
    cells = [Cell((site,), place) for site in sites for place in places]
    try:
        whole = patch_whole(engine, target, source, cells, readout, progress=_silent)
    except MeasurementError as error:
        return f"it cannot be tried: {error}"
    aligned = align(target, source, cells)
    try:
        replayed = patch_by_replay(
            engine, replay, target, source, cells, aligned, readout, progress=_silent
        )
    except UnsupportedError:
        raise
    except Exception as error:  # noqa: BLE001 (it is the model's own code that is tried)
        return f"{type(error).__name__}: {error}"
    site = cells[int(np.abs(replayed - whole).max(axis=1).argmax())].sites[0]
    return _differs(engine, replayed, whole, str(site))


def _differs(engine: Engine, found: Floats, whole: Floats, what: str) -> str | None:
    tolerance = max(_TOLERANCE, _ROUNDINGS * float(finfo(engine.dtype).eps))
    worst = float(np.abs(found - whole).max())
    if worst > tolerance * max(1.0, float(np.abs(whole).max())):
        return f"{what} differs from a whole pass by {worst:.1g}"
    return None


class _AllLogits:
    tokens = None

    def values(self, logits: Floats, rows: Integers) -> Floats:  # noqa: ARG002
        return logits


@dataclass(frozen=True)
class _Readout:
    """A sum in which each token's logit has a weight of its own."""

    tokens: Integers

    def values(self, logits: Floats, rows: Integers) -> Floats:  # noqa: ARG002
        return np.asarray(logits @ np.linspace(-1, 1, logits.shape[1]))


def _sites(engine: Engine) -> Iterator[Site]:
    layers = sorted({engine.shape.n_layers // 2, engine.shape.n_layers - 1})
    for kind in _KINDS:
        index = 0 if kind in OF_HEADS or kind is Kind.NEURON else None
        for layer in layers if kind is not Kind.EMBED else [None]:
            site = Site(kind, layer, index)
            try:
                engine.hooks.check(site)
            except UnsupportedError:
                continue
            yield site


def _prompts(engine: Engine) -> tuple[Encoded, Encoded]:
    shape = engine.shape
    length = min(6, shape.n_positions)
    ids = (np.arange(4 * length).reshape(4, length) * 7 + 3) % shape.n_vocabulary
    tokens = Tokens(engine.hooks.model, shape.n_vocabulary, shape.n_positions)
    prompts = (Prompt("ids", (Turn(()),), {}, "trial", {}, ""),) * 2
    target, source = (
        Encoded(prompts, tuple(map(tuple, rows.tolist())), ({}, {}), tokens)
        for rows in (ids[:2], ids[2:])
    )
    return target, source


def _silent(*_: object) -> None:
    pass
