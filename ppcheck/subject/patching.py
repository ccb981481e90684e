"""Activation patching: target prompts run with activations of their source prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ppcheck.errors import UnsupportedError
from ppcheck.subject.align import Aligned, align, has_pattern
from ppcheck.subject.batches import Progress, batches
from ppcheck.subject.budget import in_parts
from ppcheck.subject.device import in_numpy
from ppcheck.subject.encoding import Encoded
from ppcheck.subject.engine import Engine
from ppcheck.subject.hooks import not_finite
from ppcheck.subject.jobs import Job
from ppcheck.subject.readout import Floats, Integers, Readout
from ppcheck.subject.replay import Replay
from ppcheck.subject.subject import Cell
from ppcheck.subject.sweep import Sweep, grouped
from ppcheck.subject.whole import patch_whole

Compute = Callable[[Sequence[Job], "Integers | None"], Tensor]


def patch(
    engine: Engine,
    target: Encoded,
    source: Encoded,
    cells: Sequence[Cell],
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.patch`."""
    aligned = align(target, source, cells)
    if any(map(has_pattern, cells)) and not engine.obeys_patterns:
        raise UnsupportedError(
            f"{engine.hooks.model} only shows its patterns: they stay as they are"
        )
    if not cells or engine.replay is None:
        return patch_whole(engine, target, source, cells, readout, progress=progress)
    return patch_by_replay(
        engine, engine.replay, target, source, cells, aligned, readout, progress=progress
    )


def patch_by_replay(
    engine: Engine,
    replay: Replay,
    target: Encoded,
    source: Encoded,
    cells: Sequence[Cell],
    aligned: Aligned,
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    values = np.empty((len(cells), len(target)))
    keys = [(len(a), len(b)) for a, b in zip(target.ids, source.ids, strict=True)]
    done = 0
    for pairs in batches(keys, lambda key: engine.captured_rows(max(key))):
        with engine.running():
            sweep = Sweep.of(replay, target, source, pairs, cells, aligned)
            groups = grouped(sweep.pairs.jobs(cells))
        for start, jobs in groups.items():
            compute = sweep.untouched if start is None else sweep.logits

            def run(part: Sequence[Job], compute: Compute = compute) -> None:
                with engine.running():
                    logits = compute(part, readout.tokens)
                    if not torch.isfinite(logits).all():
                        raise not_finite("logits")
                numbers = [job.pair for job in part]
                kept = in_numpy(logits[:, -1])
                values[[job.cell for job in part], numbers] = readout.values(
                    kept, np.array(numbers, dtype=np.int64)
                )

            length = len(target.ids[pairs[0]])
            first = length - 1 if start is None else start[1]
            size = engine.resumed_rows(length, first, readout)
            # Whole rounds of all pairs, so that batches have the same rows.
            size = max(size - size % len(pairs), min(size, len(pairs)))
            for count in in_parts(jobs, size, run, engine.hooks.model):
                done += count
                progress("patch", done, values.size)
    return values
