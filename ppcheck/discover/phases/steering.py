"""Which direction at the final token steers the answer, more than random ones do."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.predict import Prediction, at_least, floor, number
from ppcheck.discover.study import Study, claim, figures
from ppcheck.discover.trace import Effect

PHASE = "steering"
TRIED = 3
"""Layers from the one on in which the difference has arrived."""


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    if effect.trace.column or effect.trace.is_dose:
        return
    first, last = effect.arrives or study.n_layers // 2, study.n_layers - 1
    layers = sorted({first + (last - first) * step // TRIED for step in range(TRIED)})
    steered = {layer: _steered(study, effect, layer) for layer in layers}
    layer = max(steered, key=lambda each: steered[each][1].low)
    moved, excess = steered[layer]
    if excess.low <= 0 or moved.low <= 0:
        yield Nothing(
            PHASE,
            f"a direction between {effect.trace.clean} and {effect.trace.corrupted} may not steer "
            "more than random ones: "
            f"{figures(effect=moved, excess=excess)} after block {layer}",
        )
        return
    trace = effect.trace
    says = (
        f"After block {layer} the direction from {trace.corrupted} to {trace.clean}, added at the "
        f"final token, makes the answer {effect.towards}: by {number(floor(moved.low))} or more "
        "from one end to the other, and more than random directions do."
    )
    expect = {"effect": at_least(moved.low), "excess": at_least(excess.low)}
    id_ = slug(trace.id, f"steers-after-block-{layer}")
    raw = claim(id_, says, "steer", trace.on_corrupted, _keys(effect, layer), expect)
    yield Finding(PHASE, raw, figures(effect=moved, excess=excess))


def _steered(study: Study, effect: Effect, layer: int) -> tuple[Prediction, Prediction]:
    on, keys = effect.trace.on_corrupted, _keys(effect, layer)
    seen = study.look("steer", on, ["effect", "excess"], **keys)
    return study.predicted(seen, "effect"), study.predicted(seen, "excess")


def _keys(effect: Effect, layer: int) -> dict[str, object]:
    trace = effect.trace
    return {
        "site": f"resid_post.L{layer}",
        "direction": {"between": {trace.variable: [trace.clean, trace.corrupted]}},
        "metric": effect.metric,
    }
