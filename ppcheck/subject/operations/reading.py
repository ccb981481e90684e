"""What follows prompts: their endings, each computed once, and what is read from these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import UnsupportedError
from ppcheck.subject.engine.batches import Progress, stacked
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.growth import Growth
from ppcheck.subject.engine.hooks import not_finite
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.engine.replay import Replay
from ppcheck.subject.engine.tree import Tree
from ppcheck.subject.interventions.readout import Answers, Distribution, Readout
from ppcheck.subject.model.device import doubled, in_numpy
from ppcheck.subject.tokens.tokenizer import Ids


def read(engine: Engine, prompts: Sequence[Ids], readout: Readout, progress: Progress) -> Floats:
    """What ``readout`` reads after each prompt, [prompt]."""
    if engine.replay is not None:
        return unembedded(engine, endings(engine, prompts, progress), readout)

    def forward(ids: Integers, _shared: int, keep: int) -> Tensor:
        return engine.forward(ids, [], keep)

    values: dict[int, Floats] = {}
    for rows, logits in _unpacked(engine, prompts, forward, progress):
        norms = in_numpy(torch.logsumexp(doubled(logits), dim=-1))
        if readout.tokens is None:
            few = logits
        else:
            few = logits.gather(1, torch.from_numpy(readout.tokens[rows]).to(logits.device))
        values |= zip(rows.tolist(), _values(readout, in_numpy(few), norms, rows), strict=True)
    return np.array([values[number] for number in range(len(prompts))])


def endings(engine: Engine, prompts: Sequence[Ids], progress: Progress) -> Floats:
    """The last block's output at each prompt's last token, and what normalises its logits.

    That is the logarithm of the sum of their exponentials: [prompt, d_model + 1]. Raises
    UnsupportedError for a model that cannot be replayed, and MeasurementError where logits are not
    finite.
    """
    replay = _replay(engine)
    found = np.empty((len(prompts), engine.shape.d_model + 1))
    for rows, hidden in _streams(engine, replay, prompts, progress):
        found[rows, :-1] = in_numpy(hidden)
        for part, logits in _logits(engine, replay, hidden, Distribution(), rows):
            norms = in_numpy(torch.logsumexp(doubled(logits), dim=-1))
            found[rows[part], -1] = norms
    return found


def unembedded(engine: Engine, found: Floats, readout: Readout) -> Floats:
    """What ``readout`` reads from `endings` or from last streams; see `Subject.unembedded`."""
    replay, shape = _replay(engine), found.shape[:-1]
    flat = found.reshape(-1, found.shape[-1])
    prompts = np.tile(np.arange(shape[-1]), len(flat) // shape[-1])
    hidden = torch.from_numpy(flat[:, : engine.shape.d_model]).to(engine.device, engine.dtype)
    parts = [
        _values(readout, in_numpy(logits), flat[part, -1], prompts[part])
        for part, logits in _logits(engine, replay, hidden, readout, prompts)
    ]
    values = np.concatenate(parts)
    return values.reshape(*shape, *values.shape[1:])


def _logits(
    engine: Engine, replay: Replay, hidden: Tensor, readout: Readout, prompts: Integers
) -> Iterator[tuple[Integers, Tensor]]:
    """Rows of last streams [row, d_model], some at a time, and their logits [row, k].

    These are of the tokens that ``readout`` needs of the row's prompt, ``prompts[row]``. Raises
    MeasurementError where they are not finite.
    """
    count = engine.shape.n_vocabulary
    if readout.tokens is not None:
        count = readout.tokens.shape[1] * engine.shape.d_model

    def run(rows: Sequence[int]) -> Tensor:
        tokens = None
        if readout.tokens is not None:
            tokens = torch.from_numpy(readout.tokens[prompts[rows]])
        with engine.running():
            return replay.frame.unembed(hidden[rows][:, None], tokens)[:, 0]

    size = max(1, min(engine.max_logits // count, engine.resumed_rows(1, 0, readout)))
    for rows, logits in in_parts(range(len(hidden)), size, run, engine.hooks.model):
        if not torch.isfinite(logits).all():
            raise not_finite("logits")
        yield np.array(rows), logits


def _replay(engine: Engine) -> Replay:
    if engine.replay is None:
        raise UnsupportedError(f"{engine.hooks.model} has no endings: {engine.no_replay}")
    return engine.replay


def _values(readout: Readout, logits: Floats, norms: Floats, rows: Integers) -> Floats:
    if isinstance(readout, Answers):
        return np.hstack([logits, logits - norms[:, None]])
    return readout.values(logits, rows)


def _streams(
    engine: Engine, replay: Replay, prompts: Sequence[Ids], progress: Progress
) -> Iterator[tuple[Integers, Tensor]]:
    """Prompts by number, and the last block's output at their last tokens, [row, d_model]."""
    if engine.no_tree is None:
        return grown(engine, replay, prompts, progress, engine.tree_tokens(max(map(len, prompts))))

    def final(ids: Integers, shared: int, keep: int) -> Tensor:
        return replay.final(engine.placed(ids), shared, keep)

    return _unpacked(engine, prompts, final, progress)


def grown(
    engine: Engine, replay: Replay, prompts: Sequence[Ids], progress: Progress, size: int
) -> Iterator[tuple[Integers, Tensor]]:
    """The same of a run of their tree, of which at most ``size`` tokens run together."""
    tree, done = Tree.of(prompts), 0
    order = np.argsort(tree.ends, kind="stable")
    growth = Growth(replay, tree)

    def grow(part: Sequence[int]) -> tuple[Integers, Tensor]:
        nodes = range(part[0], part[-1] + 1)
        first, last = np.searchsorted(tree.ends[order], [nodes.start, nodes.stop])
        rows = order[first:last]
        reads, slots = np.unique(tree.ends[rows], return_inverse=True)
        with engine.running():
            hidden = growth.grow(nodes, reads)
        return rows, hidden[torch.from_numpy(slots).to(hidden.device)]

    for _, (rows, hidden) in in_parts(range(len(tree)), size, grow, engine.hooks.model):
        yield rows, hidden
        done += len(rows)
        progress("read", done, len(prompts))


Run = Callable[[Integers, int, int], Tensor]
"""Of ids [row, token] that share so many tokens, what is kept of so many last tokens."""


def _unpacked(
    engine: Engine, prompts: Sequence[Ids], run: Run, progress: Progress
) -> Iterator[tuple[Integers, Tensor]]:
    """Prompts by number, and what ``run`` keeps of their last tokens, [row, width].

    A prompt that another begins with is read from that one's run.
    """
    tree, done = Tree.of(prompts), 0
    leaves = np.flatnonzero(tree.exits == np.arange(len(tree)) + 1)
    leaf = np.searchsorted(leaves, tree.ends)
    before = tree.depths[leaves][leaf] - tree.depths[tree.ends]
    ids = [tree.ids(node) for node in leaves.tolist()]
    keep = [int(before[leaf == number].max()) + 1 for number in range(len(leaves))]
    for batch, shared in engine.branches(ids, keep):

        def some(part: Sequence[int], shared: int = shared) -> Tensor:
            with engine.running():
                return run(stacked(ids, part), shared, keep[part[0]])

        for part, kept in in_parts(batch, len(batch), some, engine.hooks.model):
            rows = np.flatnonzero(np.isin(leaf, part))
            row = [list(part).index(number) for number in leaf[rows]]
            yield rows, kept[row, kept.shape[1] - 1 - before[rows]]
            done += len(rows)
            progress("read", done, len(prompts))
