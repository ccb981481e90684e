"""Activation patching: target prompts run with activations of their source prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from ppcheck.arrays import Floats
from ppcheck.errors import UnsupportedError
from ppcheck.subject.engine.batches import Progress, batches
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.hooks import not_finite
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.engine.replay import Replay
from ppcheck.subject.engine.work import Work
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.readout import LastStream, Readout, width
from ppcheck.subject.model.device import in_numpy
from ppcheck.subject.operations.jobs import Job
from ppcheck.subject.operations.sweep import Sweep, grouped, patches
from ppcheck.subject.operations.whole_pass import patch_whole
from ppcheck.subject.tokens.alignment import Aligned, align, has_pattern
from ppcheck.subject.tokens.encoding import Encoded

Swept = tuple[Sweep, Iterator[Job]]


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
        _count(engine.work, target, source, cells, aligned)
        return patch_whole(engine, target, source, cells, readout, progress=progress)
    return patch_by_replay(
        engine, engine.replay, target, source, cells, aligned, readout, progress=progress
    )


def _count(
    work: Work, target: Encoded, source: Encoded, cells: Sequence[Cell], aligned: Aligned
) -> None:
    """What whole passes take."""
    lengths = [len(ids) for ids in target.ids]
    work.add_untouched(for_both=sum(map(len, source.ids)), for_replay=sum(lengths))
    for cell in cells:
        layer = min(site.layer or 0 for site in cell.sites)
        for length, (tokens, _) in zip(lengths, aligned[cell.position], strict=True):
            work.add_whole(length, layer, int(min(tokens, default=length)))


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
    values = np.empty((len(cells), len(target), *width(readout)))
    keys = [(len(a), len(b)) for a, b in zip(target.ids, source.ids, strict=True)]

    def swept(pairs: Sequence[int]) -> Swept:
        return patches(replay, target, source, pairs, cells, aligned)

    run_jobs(engine, keys, swept, readout, values, lambda done: progress("patch", *done))
    return values


def run_jobs(
    engine: Engine,
    keys: Sequence[tuple[int, ...]],
    swept: Callable[[Sequence[int]], Swept],
    readout: Readout,
    values: Floats,
    progress: Callable[[tuple[int, int]], None],
) -> None:
    """Fill ``values`` [cell, prompt] with what ``readout`` reads.

    Prompts of one key (their lengths, the target's first) are ``swept`` together.
    """
    done = 0

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress((done, values.shape[0] * values.shape[1]))

    def run(numbers: Sequence[int]) -> None:
        length = keys[numbers[0]][0]
        with engine.running():
            sweep, some = swept(numbers)
            groups = grouped(some)
        for start, jobs in groups.items():
            first = length - 1 if start is None else start[1]
            size = engine.resumed_rows(length, first, readout)
            # Whole rounds of all prompts, so that batches have the same rows.
            size = max(size - size % len(numbers), min(size, len(numbers)))
            read = partial(_read, engine, values, readout, sweep)
            for part, _ in in_parts(jobs, size, read, engine.hooks.model):
                report(len(part))

    for numbers in batches(keys, lambda key: engine.captured_rows(max(key))):
        for _ in in_parts(numbers, len(numbers), run, engine.hooks.model):
            pass


def _read(
    engine: Engine, values: Floats, readout: Readout, sweep: Sweep, jobs: Sequence[Job]
) -> None:
    """What ``readout`` reads of jobs that start together, into ``values`` [cell, prompt]."""
    prompts = np.array([job.pair for job in jobs], dtype=np.int64)
    with engine.running():
        found = sweep.final(jobs) if jobs[0].writes else sweep.untouched(jobs)
        if not isinstance(readout, LastStream):
            tokens = None if readout.tokens is None else torch.from_numpy(readout.tokens[prompts])
            found = sweep.replay.frame.unembed(found, tokens)
        if not torch.isfinite(found).all():
            raise not_finite("logits")
    values[[job.cell for job in jobs], prompts] = readout.values(in_numpy(found[:, -1]), prompts)
