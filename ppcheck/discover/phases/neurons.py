"""Which neurons of the MLP that reads the difference carry it, a few together and one alone."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.carriers import estimated, lot, patched, reached
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.predict import Prediction, at_least, floor, kept
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Effect
from ppcheck.spec.sites.site import Sites

PHASE = "neurons"
TOGETHER = 12
"""Neurons that are patched at once."""
WORTH = 0.05
WORTH_ALONE = 0.02
"""The least share of a single neuron."""


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    """Single neurons seldom do much: the first by the gradients' estimate are patched together."""
    if effect.mlp is None:
        return
    position, layer = effect.mlp.position, effect.mlp.site.partition(".L")[2]
    sites = study.laboratory.model.subject.sites(Sites.parse(f"L{layer}N*"))
    names = [str(site) for site in sites]
    estimates = estimated(study, effect, names, position, "denoise")
    if estimates is None or len(names) <= 2 * TOGETHER:
        return
    ordered = sorted(names, key=lambda name: -estimates[name])
    first, others = ordered[:TOGETHER], sorted(ordered[TOGETHER:], key=lot)[:TOGETHER]
    share, control = (_share(study, effect, some, position) for some in (first, others))
    said = f"{TOGETHER} of the {len(names)} neurons of the MLP of block {layer}"
    shown = f"{figures(recovery=share)}; as many at random {control.seen.estimate:.2g}"
    if share.low <= max(WORTH, control.high):
        yield Nothing(PHASE, f"{said} bring little of {effect.trace.said} together: {shown}")
        return
    says = (
        f"{said} bring {percent(floor(share.low))} or more of {effect.trace.effect} together, at "
        f"the {position}'s token."
    )
    expect = {"recovery": at_least(share.low)}
    id_ = slug(effect.trace.id, f"neurons-of-block-{layer}")
    raw = claim(id_, says, "patch", effect.trace.on, _keys(effect, first, position), expect)
    yield Finding(PHASE, raw, shown)
    yield _alone(study, effect, first, others, position)


def _alone(
    study: Study, effect: Effect, first: list[str], others: list[str], position: str
) -> Finding | Nothing:
    """The one of the first that brings most by itself, held to others at random."""
    seen = patched(study, effect, [*first, *others], position, "denoise")
    shares = seen.effects("recovery")
    best = max(first, key=lambda name: shares[name][0])
    share = study.predicted(seen, "recovery", best, kept(shares.values(), shares[best][1]))
    ceiling = reached(shares[name] for name in others)
    shown = f"{figures(recovery=share)}; {len(others)} at random up to {ceiling:.2g}"
    if share.low <= max(WORTH_ALONE, ceiling):
        said = f"no neuron surely brings much of {effect.trace.said} by itself"
        return Nothing(PHASE, f"{said}: {best} most, {shown}")
    says = (
        f"Neuron {best} alone brings {percent(floor(share.low))} or more of {effect.trace.effect}, "
        f"at the {position}'s token."
    )
    keys = _keys(effect, best, position)
    expect = {"recovery": at_least(share.low)}
    id_ = slug(effect.trace.id, "neuron", best)
    raw = claim(id_, says, "patch", effect.trace.on, keys, expect)
    return Finding(PHASE, raw, shown)


def _share(study: Study, effect: Effect, sites: list[str], position: str) -> Prediction:
    keys = _keys(effect, sites, position)
    seen = study.look("patch", effect.trace.on, ["recovery"], **keys)
    return study.predicted(seen, "recovery")


def _keys(effect: Effect, sites: str | list[str], position: str) -> dict[str, object]:
    return {
        "pairs": effect.trace.pairs,
        "site": sites,
        **({} if isinstance(sites, str) else {"together": True}),
        "position": position,
        "mode": "denoise",
        "metric": effect.metric,
    }
