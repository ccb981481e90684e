"""Which heads bring the difference, and which the model cannot do without."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.carriers import Search, patched, search
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.places import is_final, repeats
from ppcheck.discover.predict import at_least, floor
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Carrier, Effect

PHASE = "heads"
WORTH = 0.05
"""The least share of the difference that makes a head worth a claim."""
MOST = 3
"""Heads that are named at a position."""


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    """What suffices at each position, then what is needed of it."""
    for position in ("final", *effect.stops, *_again(study, effect)):
        found = search(study, effect, "L*H*", position, WORTH)
        if not found.found:
            yield _none(found, effect, position)
        for carrier in found.found[:MOST]:
            effect.carriers.append(carrier)
            yield _suffices(effect, carrier, found)
    for carrier in effect.carriers:
        yield from _needed(study, effect, carrier)


def _again(study: Study, effect: Effect) -> Iterator[str]:
    """Where the difference comes from, if the same word stands before: heads there may look back at
    it.
    """
    bench, on, origin = study.laboratory.bench(study.name), effect.trace.on_clean, effect.origin
    if repeats(bench, on, origin) and not is_final(bench, on, origin):
        yield origin


def place(position: str) -> str:
    return "the final token" if position == "final" else f"the {position}'s token"


def _none(found: Search, effect: Effect, position: str) -> Nothing:
    best, least = found.best, max(found.ceiling, WORTH)
    return Nothing(
        PHASE,
        f"no head surely brings {percent(least)} or more of {effect.trace.said} to "
        f"{place(position)}, and more than others do: {best.site} most, "
        f"{figures(recovery=best.share)}, others up to {found.ceiling:.2g}",
    )


def _suffices(effect: Effect, carrier: Carrier, found: Search) -> Finding:
    trace = effect.trace
    says = (
        f"Head {carrier.site} alone brings {percent(floor(carrier.share.low))} or more of "
        f"{trace.effect} to {place(carrier.position)}."
    )
    expect = {"recovery": at_least(carrier.share.low)}
    keys = _keys(effect, carrier, "denoise")
    raw = claim(slug(trace.id, "head", carrier.site), says, "patch", trace.on, keys, expect)
    seen = f"{figures(recovery=carrier.share)}, {found.tried} of {found.sites} heads patched"
    return Finding(PHASE, raw, seen)


def _needed(study: Study, effect: Effect, carrier: Carrier) -> Iterator[Finding]:
    trace = effect.trace
    damage = study.predicted(
        patched(study, effect, [carrier.site], carrier.position, "noise"), "damage"
    )
    if damage.low < WORTH:
        return
    says = (
        f"Without what head {carrier.site} brings, {percent(floor(damage.low))} or more of "
        f"{trace.effect} is lost."
    )
    expect = {"damage": at_least(damage.low)}
    keys = _keys(effect, carrier, "noise")
    raw = claim(slug(trace.id, "needs", carrier.site), says, "patch", trace.on, keys, expect)
    yield Finding(PHASE, raw, figures(damage=damage))


def _keys(effect: Effect, carrier: Carrier, mode: str) -> dict[str, object]:
    return {
        "pairs": effect.trace.pairs,
        "site": carrier.site,
        "position": carrier.position,
        "mode": mode,
        "metric": effect.metric,
    }
