"""First-order estimates of patches and edits, all sites from one backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import Progress, batches, stacked
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.hooks import Hook, by_hook, operated
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits, check_once
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.model.device import in_numpy
from ppcheck.subject.operations.jobs import slots_of
from ppcheck.subject.tokens.alignment import align
from ppcheck.subject.tokens.encoding import Encoded

STEP = 1e-4
"""By how much a logit is moved to see what a readout makes of it."""
GRAPH = 8
"""A backward pass keeps about so many times the numbers that a capture keeps."""
_NO_GRADIENT = frozenset({Kind.PATTERN, Kind.RESID_MID})


@dataclass(frozen=True, eq=False)
class Slopes:
    """Each site's ``activations`` and the metric's ``gradients`` by them, [row, token, width]."""

    activations: Mapping[Site, Tensor]
    gradients: Mapping[Site, Tensor]

    def moved(self, site: Site, row: int, tokens: Integers, values: Tensor) -> float:
        """What the metric gains, to first order, where tokens take ``values`` [token, width]."""
        gained = (values - self.activations[site][row, tokens]) * self.gradients[site][row, tokens]
        return float(gained.sum())


def estimate_patch(
    engine: Engine,
    target: Encoded,
    source: Encoded,
    cells: Sequence[Cell],
    readout: Readout,
    steps: int,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.estimate_patch`."""
    sites = _checked(engine, [site for cell in cells for site in cell.sites])
    everywhere = Cell((), Position("all"))
    aligned = align(target, source, [*cells, everywhere] if steps else cells)
    values = np.zeros((len(cells), len(target)))
    starts = [Site(Kind.EMBED)] if steps else []

    def run(numbers: Sequence[int]) -> None:
        seen = _activations(engine, stacked(source.ids, numbers), [*sites, *starts])
        path = (seen[starts[0]], steps) if steps else None
        slopes = _slopes(engine, target, numbers, sites, readout, path)
        for row, number in enumerate(numbers):
            for place, cell in enumerate(cells):
                to, since = aligned[cell.position][number]
                values[place, number] = sum(
                    slopes.moved(site, row, to, seen[site][row, since]) for site in cell.sites
                )

    keys = [(len(a), len(b)) for a, b in zip(target.ids, source.ids, strict=True)]
    for done in _in_batches(engine, keys, run):
        progress("gradient", done, len(target))
    return values


def estimate_edits(
    engine: Engine,
    encoded: Encoded,
    cells: Sequence[Edits],
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.estimate_edits`."""
    check_once(cells)
    sites = _checked(engine, [edit.site for cell in cells for edit in cell])
    at = {edit.position: encoded.positions(edit.position) for cell in cells for edit in cell}
    values = np.zeros((len(cells), len(encoded)))

    def run(numbers: Sequence[int]) -> None:
        slopes = _slopes(engine, encoded, numbers, sites, readout, None)
        for row, number in enumerate(numbers):
            for place, cell in enumerate(cells):
                for edit in cell:
                    tokens = np.array(at[edit.position][number], dtype=np.int64)
                    vectors = torch.from_numpy(np.array(edit.at(number, len(tokens))))
                    now = slopes.activations[edit.site][row, tokens]
                    new = operated(edit.operation, now, vectors)
                    values[place, number] += slopes.moved(edit.site, row, tokens, new)

    for done in _in_batches(engine, [(len(ids),) for ids in encoded.ids], run):
        progress("gradient", done, len(encoded))
    return values


def _checked(engine: Engine, sites: Sequence[Site]) -> list[Site]:
    """The distinct sites. Raises UnsupportedError for one that no gradient is taken by."""
    for site in sites:
        engine.hooks.check(site)
        if site.kind in _NO_GRADIENT:
            raise UnsupportedError(f"no gradient is taken by {site}: measure its patch")
    return list(dict.fromkeys(sites))


def _in_batches(
    engine: Engine, keys: Sequence[tuple[int, ...]], run: Callable[[Sequence[int]], None]
) -> Iterator[int]:
    """Run all prompts, those of one key together; how many are done, after each batch."""
    done = 0
    for numbers in batches(keys, lambda key: max(1, engine.captured_rows(max(key)) // GRAPH)):
        for part, _ in in_parts(numbers, len(numbers), run, engine.hooks.model):
            done += len(part)
            yield done


def _activations(engine: Engine, ids: Integers, sites: Sequence[Site]) -> dict[Site, Tensor]:
    """Activations in double precision at all tokens of ids [row, token]: [row, token, width]."""
    return _by_site(engine.record(ids, sites, lambda components: components), sites)


def _slopes(
    engine: Engine,
    encoded: Encoded,
    numbers: Sequence[int],
    sites: Sequence[Site],
    readout: Readout,
    path: tuple[Tensor, int] | None,
) -> Slopes:
    """At the prompts themselves; along a ``path``, the mean of the gradients at its steps.

    A path goes from input embeddings [row, token, width] to the prompts' own, in so many steps.
    """
    ids = stacked(encoded.ids, numbers)
    rows = np.array(numbers, dtype=np.int64)
    if path is None:
        return _passed(engine, ids, sites, readout, rows, None)
    start, steps = path
    own = _activations(engine, ids, sites)
    total = {site: torch.zeros_like(own[site]) for site in sites}
    for step in range(steps):
        share = (step + 0.5) / steps
        found = _passed(engine, ids, sites, readout, rows, (start, share)).gradients
        for site in sites:
            total[site] += found[site] / steps
    return Slopes(own, total)


def _passed(
    engine: Engine,
    ids: Integers,
    sites: Sequence[Site],
    readout: Readout,
    rows: Integers,
    mixed: tuple[Tensor, float] | None,
) -> Slopes:
    """One pass forward and backward; ``mixed`` are other inputs, and the share of the own.

    Raises MeasurementError where an activation or a gradient is not finite.
    """
    groups, kept = by_hook(sites), dict[str, Tensor]()

    def begin(embedded: Tensor) -> Tensor:
        if mixed is not None:
            other, share = mixed
            embedded = share * embedded + (1 - share) * other.to(embedded)
        return embedded.detach().requires_grad_()

    def keeper(hook: str) -> Hook:
        def keep(activation: Tensor) -> Tensor:
            # What is returned, and no view of it, is what the model goes on with.
            kept[hook] = activation.clone()
            return kept[hook]

        return keep

    hooks = [(Site(Kind.EMBED).hook, begin), *((hook, keeper(hook)) for hook in groups)]
    logits = engine.forward(ids, hooks, gradients=True)[:, -1]
    with engine.running(gradients=True):
        few = torch.from_numpy(_tokens(readout)[rows]).to(logits.device)
        chosen = logits.gather(1, few)
        weights = torch.from_numpy(slopes_of(readout, in_numpy(chosen.detach()), rows))
        found = torch.autograd.grad(
            chosen, list(kept.values()), weights.to(chosen), allow_unused=True
        )

    def shown(tensors: Iterable[Tensor]) -> dict[Site, Tensor]:
        pairs = zip(kept, tensors, strict=True)
        seen = {hook: engine.hooks.components(t.detach(), groups[hook]) for hook, t in pairs}
        return _by_site(seen, sites)

    slopes = zip(found, kept.values(), strict=True)
    gradients = shown(torch.zeros_like(k) if slope is None else slope for slope, k in slopes)
    return Slopes(shown(kept.values()), gradients)


def slopes_of(readout: Readout, logits: Floats, rows: Integers) -> Floats:
    """What the readout gains with each logit, [row, k], by central differences."""
    slopes = np.empty_like(logits)
    for column in range(logits.shape[1]):
        step = np.zeros_like(logits)
        step[:, column] = STEP
        ahead, behind = (readout.values(logits + sign * step, rows) for sign in (1, -1))
        slopes[:, column] = (ahead - behind) / (2 * STEP)
    return slopes


def _tokens(readout: Readout) -> Integers:
    if readout.tokens is None:
        raise UnsupportedError(
            "gradients are of metrics over the choices alone: use logit_diff, p or log_p, or rank "
            "by ablating"
        )
    return readout.tokens


def _by_site(seen: Mapping[str, Tensor], sites: Sequence[Site]) -> dict[Site, Tensor]:
    slots = slots_of(sites)
    return {site: seen[site.hook][:, :, slots[site]].double().cpu() for site in sites}
