"""In which blocks the difference leaves its token, where it stops, and where it arrives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.predict import Prediction, at_least, floor, number
from ppcheck.discover.seen import Seen
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Effect
from ppcheck.judge.interval import Estimate

PHASE = "flow"
SHALLOW = 12
"""Layers up to which all of them are patched at every variable."""
THERE = 0.5
"""The recovery from which on most of a difference is at a position."""
HARDLY = 0.25
STEPS = 6
"""Layers of a deep model that are tried first."""
SURE = 0.005
_SAID = {
    "leaves": "It leaves its own in block {0}.",
    "handover": "More of it is there than at its own from block {0} on.",
    "arrives": "Most of it is there from block {0} on.",
}


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    if study.n_layers > SHALLOW:
        yield from _deep(study, effect)
        return
    seen = _flow(study, effect, {})
    layers = _layers(study, seen, ("handover", "leaves", "arrives"))
    if not layers:
        yield Nothing(PHASE, f"{effect.trace.said} moves the answer, but through no one block")
        return
    arrives = seen.estimate("arrives").estimate
    effect.arrives = min(int(arrives), study.n_layers - 1)
    yield _claim(effect, seen, layers, {})
    for stop in _stops(seen, effect, study):
        found = _flow(study, effect, {"to": stop})
        here = _layers(study, found, ("handover", "arrives"))
        if here:
            effect.stops = (*effect.stops, stop)
            yield _claim(effect, found, here, {"to": stop})


def _flow(study: Study, effect: Effect, to: Mapping[str, str]) -> Seen:
    trace, keys = effect.trace, {"pairs": effect.trace.pairs, "metric": effect.metric, **to}
    return study.look("flow", trace.on, ["handover"], **keys)


def _layers(study: Study, seen: Seen, names: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """The layers in which each of these will happen on other units, where that says something."""
    found = {name: _range(seen.estimate(name, tail=SURE)) for name in names if seen.has(name)}
    width, last = max(1, study.n_layers // 4), study.n_layers
    return {
        name: ends
        for name, ends in found.items()
        if ends is not None and ends[1] - ends[0] <= width and ends[0] < last
    }


def _range(seen: Estimate) -> tuple[int, int] | None:
    """A layer more on either side, where it is not the same in all resamples."""
    if not (math.isfinite(seen.low) and math.isfinite(seen.high)):
        return None
    low, high = math.floor(seen.low), math.ceil(seen.high)
    return (low, high) if low == high else (max(0, low - 1), high + 1)


def _claim(
    effect: Effect, seen: Seen, layers: Mapping[str, tuple[int, int]], to: Mapping[str, str]
) -> Finding:
    trace, place = effect.trace, f"the {to['to']}'s token" if to else "the final token"
    whole = f"{trace.effect} moves to {place}."
    each = [text.format(_said(layers[name])) for name, text in _SAID.items() if name in layers]
    says = " ".join([whole[:1].upper() + whole[1:], *each])
    expect = {name: f"{low}..{high}" for name, (low, high) in layers.items()}
    keys = {"pairs": trace.pairs, "metric": effect.metric, **to}
    ends = ", ".join(f"{name} L{seen.estimate(name).estimate:.0f}" for name in layers)
    id_ = f"{trace.id}-goes-to-{to['to']}" if to else f"{trace.id}-moves"
    raw = claim(id_, says, "flow", trace.on, keys, expect)
    return Finding(PHASE, raw, f"{ends}; {figures(gap=effect.gap)}")


def _said(ends: tuple[int, int]) -> str:
    low, high = ends
    return f"{low}" if low == high else f"{low} to {high}"


def _stops(seen: Seen, effect: Effect, study: Study) -> Iterator[str]:
    """The variable at whose tokens most of the difference is on its way, if there is one."""
    drawn = seen.result.facts.maps[f"recovery of {effect.metric} in resid_post"]
    best = {
        position: max((row[column] or 0.0 for row in drawn.values[: study.n_layers - 1]), default=0)
        for column, position in enumerate(drawn.columns)
        if position not in (effect.origin, "final")
    }
    if best and (stop := max(best, key=lambda position: best[position])) and best[stop] >= THERE:
        yield stop


def _deep(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    """The same of a deep model, where only some layers are patched, at the final token."""
    last = study.n_layers - 1
    tried = sorted({round(last * step / STEPS) for step in range(1, STEPS)})
    shares = _shares(study, effect, tried)
    while (between := _between(shares, last)) is not None:
        shares |= _shares(study, effect, [between])
    there = [layer for layer, share in sorted(shares.items()) if share.low >= THERE]
    absent = [layer for layer, share in sorted(shares.items()) if share.high <= HARDLY]
    said = effect.trace.said
    if there:
        effect.arrives = there[0]
        yield _stream(effect, there[0], shares[there[0]], is_there=True)
    else:
        best = max(shares.values(), key=lambda share: share.low)
        yield Nothing(
            PHASE, f"{said}: not surely at the final token before the end; {figures(recovery=best)}"
        )
    if absent:
        yield _stream(effect, absent[-1], shares[absent[-1]], is_there=False)


def _shares(study: Study, effect: Effect, layers: list[int]) -> dict[int, Prediction]:
    found = {}
    for layer in layers:
        seen = study.look("patch", effect.trace.on, ["recovery"], **_patch(effect, layer))
        found[layer] = study.predicted(seen, "recovery")
    return found


def _between(shares: Mapping[int, Prediction], last: int) -> int | None:
    """A layer between the last without most of the difference and the first with it."""
    there = [layer for layer, share in shares.items() if share.seen.estimate >= THERE]
    first = min(there, default=last)
    before = max((layer for layer in shares if layer < first), default=0)
    return (before + first) // 2 if first - before > 1 else None


def _patch(effect: Effect, layer: int) -> dict[str, object]:
    return {
        "pairs": effect.trace.pairs,
        "site": f"resid_post.L{layer}",
        "position": "final",
        "mode": "denoise",
        "metric": effect.metric,
    }


def _stream(effect: Effect, layer: int, share: Prediction, *, is_there: bool) -> Finding:
    trace = effect.trace
    if is_there:
        amount, how = at_least(share.low), f"{percent(floor(share.low))} or more"
    else:
        edge = max(0.1, share.high)
        amount, how = f"<= {number(math.ceil(100 * edge) / 100)}", "hardly any"
    says = f"After block {layer}, {how} of {trace.effect} is at the final token."
    expect = {"recovery": amount}
    when = "arrived" if is_there else "not-yet-there"
    raw = claim(f"{trace.id}-{when}", says, "patch", trace.on, _patch(effect, layer), expect)
    return Finding(PHASE, raw, figures(recovery=share))
