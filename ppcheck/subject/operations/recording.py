"""What sites compute in untouched runs: of a tree of the prompts, each token once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import Progress, stacked
from ppcheck.subject.engine.engine import Engine, Sequences
from ppcheck.subject.engine.growth import Growth
from ppcheck.subject.engine.hooks import Hook, Hooks, by_hook
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.engine.replay import EMBEDDING, Replay
from ppcheck.subject.engine.tree import Tree
from ppcheck.subject.model.device import in_numpy
from ppcheck.subject.operations.jobs import slots_of
from ppcheck.subject.tokens.encoding import Encoded


@dataclass(frozen=True, eq=False)
class Seen:
    """Some of the tokens asked for: ``prompts`` [n] by number, and their ``places`` [n] there.

    ``activations`` are [n, component, width] by hook, components as in `by_hook`.
    """

    prompts: Integers
    places: Integers
    activations: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Asked:
    """What ``sites`` compute at tokens ``at[prompt]`` of the prompts ``ids``.

    ``what`` is its name in ``progress``.
    """

    ids: Sequences
    sites: Sequence[Site]
    at: Sequence[Integers]
    what: str
    progress: Progress


def capture(
    engine: Engine, ids: Sequences, sites: Sequence[Site], at: Sequence[int], progress: Progress
) -> list[Floats]:
    """See `Subject.capture`; a negative token counts from the end."""
    if any(site.kind is Kind.PATTERN for site in sites):
        raise UnsupportedError("a pattern has no one activation at a token: measure `attention`")
    tokens = [np.array([t % len(row)]) for row, t in zip(ids, at, strict=True)]
    found: dict[str, Floats] = {}
    for seen in recorded(engine, Asked(ids, sites, tokens, "capture", progress)):
        for hook, some in seen.activations.items():
            empty = np.empty((len(ids), *some.shape[1:]))
            found.setdefault(hook, empty)[seen.prompts] = in_numpy(some)
    slots = slots_of(sites)
    return [found[site.hook][:, slots[site]] for site in sites]


def means(
    engine: Engine,
    encoded: Encoded,
    sites: Sequence[Site],
    position: Position,
    *,
    pooled: bool,
    progress: Progress,
) -> list[Floats]:
    """See `Subject.means`."""
    at = [np.array(row, dtype=np.int64) for row in encoded.positions(position)]
    if not pooled and len(counts := {len(row) for row in at}) > 1:
        raise MeasurementError(
            f"{position} is {min(counts)} to {max(counts)} tokens: prompts of different lengths "
            "have a mean only pooled over their tokens"
        )
    if not any(map(len, at)):
        raise MeasurementError(f"no prompt has a token at {position} to take the mean of")
    places = 1 if pooled else len(at[0])
    totals = {site: np.zeros((places, engine.shape.width(site.kind))) for site in sites}
    for seen in recorded(engine, Asked(encoded.ids, sites, at, "means", progress)):
        where = np.zeros_like(seen.places) if pooled else seen.places
        for site, slot in slots_of(sites).items():
            np.add.at(totals[site], where, in_numpy(seen.activations[site.hook][:, slot]))
    count = sum(map(len, at)) if pooled else len(encoded)
    return [totals[site][0 if pooled else slice(None)] / count for site in sites]


def recorded(engine: Engine, asked: Asked) -> Iterator[Seen]:
    """Everything that is asked for, each token of a prompt once.

    Patterns, and what only the bridge computes, come from whole passes, as does all of a model
    whose prompts are not run as a tree.
    """
    hooks = list(by_hook(asked.sites))
    if engine.no_tree is None and engine.replay and engine.hooks.places(hooks) is not None:
        return _of_tree(engine, engine.replay, asked)
    return _of_whole_passes(engine, asked)


def _of_tree(engine: Engine, replay: Replay, asked: Asked) -> Iterator[Seen]:
    """What follows the last token that is asked for, in a prompt or a block, is not run."""
    sites, (prompts, places) = asked.sites, _places(asked.at)
    tree, nodes = _tree(asked)
    layers = 1 + max(EMBEDDING if site.layer is None else site.layer for site in sites)
    growth, done = Growth(replay, tree), 0

    def grow(part: Sequence[int]) -> Seen:
        chosen = np.flatnonzero((part[0] <= nodes) & (nodes <= part[-1]))
        reads, slots = np.unique(nodes[chosen], return_inverse=True)
        visits, seen = _recorder(engine.hooks, sites, reads - part[0], layers)
        with engine.running():
            growth.grow(range(part[0], part[-1] + 1), reads, visits, layers)
        if len(reads) and (silent := by_hook(sites).keys() - seen.keys()):
            raise UnsupportedError(f"{engine.hooks.model} does not compute {min(silent)}")
        rows = torch.from_numpy(slots)
        some = {hook: found[rows.to(found.device)] for hook, found in seen.items()}
        return Seen(prompts[chosen], places[chosen], some)

    size = engine.tree_tokens(tree.height)
    for _, seen in in_parts(range(len(tree)), size, grow, engine.hooks.model):
        if len(seen.prompts):
            yield seen
        done += len(seen.prompts)
        asked.progress(asked.what, done, len(prompts))


def _tree(asked: Asked) -> tuple[Tree, Integers]:
    """The tree of the prompts up to what is asked for, and the node of each token, [token]."""
    numbers = [number for number, tokens in enumerate(asked.at) if len(tokens)]
    tree = Tree.of([asked.ids[n][: int(asked.at[n].max()) + 1] for n in numbers])
    ends = zip(numbers, tree.ends.tolist(), strict=True)
    nodes = [np.append(tree.above(end), end)[asked.at[number]] for number, end in ends]
    return tree, np.concatenate(nodes)


def _places(at: Sequence[Integers]) -> tuple[Integers, Integers]:
    """The row of each token, and its place in that row, [token], of tokens ``at[row]``."""
    counts = list(map(len, at))
    rows = np.repeat(np.arange(len(at)), counts)
    return rows, np.concatenate([np.arange(count) for count in counts])


def _recorder(
    hooks: Hooks, sites: Sequence[Site], slots: Integers, layers: int
) -> tuple[dict[int, dict[Kind, Hook]], dict[str, Tensor]]:
    """Hooks that keep what ``sites`` compute at ``slots`` of a part, and where they keep it.

    The last block runs these slots alone.
    """
    seen: dict[str, Tensor] = {}
    at = torch.from_numpy(slots)

    def record(hook: str, some: Sequence[Site], *, is_last: bool) -> Hook:
        def keep(activation: Tensor) -> None:
            chosen = activation if is_last else activation[:, at.to(activation.device)]
            seen[hook] = hooks.components(chosen, some)[0]

        return keep

    visits: dict[int, dict[Kind, Hook]] = {}
    for hook, some in by_hook(sites).items():
        layer = EMBEDDING if some[0].layer is None else some[0].layer
        keep = record(hook, some, is_last=layer == layers - 1 != EMBEDDING)
        visits.setdefault(layer, {})[some[0].kind] = keep
    return visits, seen


def _of_whole_passes(engine: Engine, asked: Asked) -> Iterator[Seen]:
    def run(numbers: Sequence[int]) -> Seen:
        at = [asked.at[number] for number in numbers]
        (rows, places), tokens = _places(at), np.concatenate(at)
        ids = stacked(asked.ids, numbers)
        seen = engine.record(ids, asked.sites, lambda components: components[rows, tokens])
        return Seen(np.array(numbers)[rows], places, seen)

    for _, seen in engine.in_batches(asked.ids, run, asked.what, asked.progress):
        yield seen
