"""Prompts run under edits: what is then read, and what other sites then compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers, Mask
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site
from ppcheck.subject.engine.batches import Progress, stacked
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.engine.replay import Replay
from ppcheck.subject.engine.work import Work
from ppcheck.subject.interventions.edit import Edits, check_once
from ppcheck.subject.interventions.readout import Readout, width
from ppcheck.subject.model.device import in_numpy
from ppcheck.subject.operations.jobs import Job, Write, reaches_final, slots_of
from ppcheck.subject.operations.patching import Swept, run_jobs
from ppcheck.subject.operations.sweep import Sweep, captured_at, grouped
from ppcheck.subject.operations.whole_pass import activations_whole, edit_whole
from ppcheck.subject.tokens.encoding import Encoded

Tokens = Mapping[Position, Sequence[Integers]]


@dataclass(frozen=True, eq=False)
class Edited(Write):
    """Its tokens are changed by ``vectors`` [token, width]."""

    vectors: Floats


def intervene(
    engine: Engine,
    encoded: Encoded,
    cells: Sequence[Edits],
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.intervene`."""
    check_once(cells)
    tokens = _tokens(encoded, cells)
    if engine.replay is None:
        _count(engine.work, encoded, cells, tokens)
        return edit_whole(engine, encoded, cells, readout, progress=progress)
    values = np.empty((len(cells), len(encoded), *width(readout)))
    replay = engine.replay

    def swept(numbers: Sequence[int]) -> Swept:
        ids = stacked(encoded.ids, numbers)
        captured, _ = captured_at(replay, ids, _sites(cells), np.array([], dtype=np.int64))
        reaches = partial(reaches_final, length=ids.shape[1], n_layers=len(replay.blocks))
        jobs = edit_jobs(cells, tokens, numbers, reaches)
        return Sweep(replay, numbers, captured, edited_values), jobs

    keys = [(len(ids),) for ids in encoded.ids]
    run_jobs(engine, keys, swept, readout, values, lambda done: progress("edit", *done))
    return values


def _count(work: Work, encoded: Encoded, cells: Sequence[Edits], tokens: Tokens) -> None:
    """What whole passes take."""
    lengths = [len(ids) for ids in encoded.ids]
    work.add_untouched(for_replay=sum(lengths))
    for cell in filter(None, cells):
        layer = min(edit.site.layer or 0 for edit in cell)
        for number, length in enumerate(lengths):
            edited = [token for edit in cell for token in tokens[edit.position][number]]
            work.add_whole(length, layer, int(min(edited, default=length)))


def activations(
    engine: Engine,
    encoded: Encoded,
    sites: Sequence[Site],
    position: Position,
    cells: Sequence[Edits],
    *,
    progress: Progress,
) -> list[Floats]:
    """See `Subject.activations`."""
    check_once(cells)
    at = [np.array(row, dtype=np.int64) for row in encoded.positions(position)]
    most = max(map(len, at))
    found = [
        np.full((len(cells), len(encoded), most, engine.shape.width(site.kind)), np.nan)
        for site in sites
    ]
    replay = engine.replay
    run = activations_whole if replay is None else partial(_activations_by_replay, replay)
    of_numbers = partial(run, engine, encoded, sites, cells)
    for numbers, of_batch in engine.in_batches(encoded.ids, of_numbers, "activations", progress):
        for place, site in enumerate(sites):
            for row, number in enumerate(numbers):
                seen = of_batch[site][:, row, at[number]]
                found[place][:, number, : len(at[number])] = seen
    return found


def _activations_by_replay(
    replay: Replay,
    engine: Engine,
    encoded: Encoded,
    sites: Sequence[Site],
    cells: Sequence[Edits],
    numbers: Sequence[int],
) -> dict[Site, Floats]:
    """For each site [cell, prompt of numbers, token, width]."""
    ids = stacked(encoded.ids, numbers)
    with engine.running():
        both = [*sites, *_sites(cells)]
        captured, seen = captured_at(replay, ids, both, np.arange(ids.shape[1]))
        sweep = Sweep(replay, numbers, captured, edited_values)
        slots = slots_of(both)
        found = {
            site: np.repeat(in_numpy(seen[site.hook][None, :, :, slots[site]]), len(cells), axis=0)
            for site in sites
        }
    rows = {number: row for row, number in enumerate(numbers)}
    jobs_by_start = grouped(edit_jobs(cells, _tokens(encoded, cells), numbers, _everywhere))
    own = slots_of(sites)
    for start, jobs in jobs_by_start.items():
        if start is None:
            continue
        first = start[1]

        def run(part: Sequence[Job], first: int = first) -> None:
            with engine.running():
                seen = sweep.recorded(part, sites)
            at = [job.cell for job in part], [rows[job.pair] for job in part]
            for site in sites:
                if site.hook in seen:
                    found[site][*at, first:] = in_numpy(seen[site.hook][:, :, own[site]])

        size = engine.rows(ids.shape[1] - first)
        for _ in in_parts(jobs, size, run, engine.hooks.model):
            pass
    return found


def edit_jobs(
    cells: Sequence[Edits],
    tokens: Tokens,
    numbers: Sequence[int],
    reaches: Callable[[Site, Integers], Mask],
) -> Iterator[Job]:
    """A job for each cell and prompt of ``numbers``, with the edits that reach the final token."""
    for number, cell in enumerate(cells):
        for prompt in numbers:
            writes = []
            for edit in cell:
                to = tokens[edit.position][prompt]
                at = reaches(edit.site, to)
                if at.any():
                    vectors = edit.at(prompt, len(to))[at]
                    writes.append(Edited(edit.site, to[at], edit.operation, vectors))
            yield Job(number, prompt, tuple(writes))


def edited_values(_captured: Sequence[int], writes: Sequence[Write]) -> Tensor:
    vectors = [write.vectors for write in writes if isinstance(write, Edited)]
    return torch.from_numpy(np.concatenate(vectors))


def _everywhere(_site: Site, to: Integers) -> Mask:
    return np.ones(len(to), dtype=bool)


def _sites(cells: Sequence[Edits]) -> list[Site]:
    return list(dict.fromkeys(edit.site for cell in cells for edit in cell))


def _tokens(encoded: Encoded, cells: Sequence[Edits]) -> Tokens:
    positions = dict.fromkeys(edit.position for cell in cells for edit in cell)
    return {
        position: [np.array(row, dtype=np.int64) for row in encoded.positions(position)]
        for position in positions
    }
