"""The smallest set of heads and MLPs that does most of it, beside random sets."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.predict import Prediction, at_least, floor
from ppcheck.discover.seen import Seen
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Effect
from ppcheck.errors import MeasurementError, UnsupportedError

PHASE = "circuit"
LEVEL = 0.75
"""The faithfulness that a circuit must have."""
MOST = 24
"""Nodes beyond which a list of them explains nothing; nor does more than half of all."""
METHODS = ("effect by integrated_gradients", "effect by attribution", "effect")


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    """Of doses there is none: what they change runs through what their class does."""
    if effect.trace.is_dose:
        return
    order = _order(study, effect)
    most = min(MOST, len(order) // 2)
    enough = _smallest(study, effect, order[:most])
    said = effect.trace.said
    if enough is None:
        share = _faithful(study, effect, order[:most])
        what = f"no {most} of {len(order)} heads and MLPs surely do {percent(LEVEL)} of {said}"
        yield Nothing(PHASE, f"{what} by themselves: {figures(faithfulness=share)}")
        return
    nodes = order[:enough]
    seen = _seen(study, effect, nodes, random=20)
    share, ahead = study.predicted(seen, "faithfulness"), study.predicted(seen, "over_random")
    shown = figures(faithfulness=share, over_random=ahead)
    if ahead.low <= 0:
        yield Nothing(PHASE, f"{enough} nodes do much of {said}, but so do random ones: {shown}")
        return
    says = (
        f"{enough} of {len(order)} heads and MLPs bring {percent(floor(share.low))} or more of "
        f"{effect.trace.effect} by themselves, and more than random sets of as many."
    )
    expect = {
        "faithfulness": at_least(share.low),
        "over_random": at_least(ahead.low),
    }
    keys = _keys(effect, nodes, random=20)
    raw = claim(slug(effect.trace.id, "circuit"), says, "circuit", effect.trace.on, keys, expect)
    yield Finding(PHASE, raw, shown)


def _order(study: Study, effect: Effect) -> list[str]:
    """All nodes, the best first, by the first method that this model and these prompts allow."""
    trace, problem = effect.trace, None
    keys = {"pairs": trace.pairs, "ablation": "corrupted", "metric": effect.metric}
    for method in METHODS:
        try:
            seen = study.look("circuit", trace.on, ["cpr"], **keys, ranking=method)
        except (MeasurementError, UnsupportedError) as error:
            problem = error
            continue
        return list(seen.result.facts.ranking)
    raise problem or MeasurementError("no order of the nodes was found")


def _smallest(study: Study, effect: Effect, order: list[str]) -> int | None:
    """How many of the first nodes are faithful enough; None where not all of them are."""
    if _faithful(study, effect, order).low < LEVEL:
        return None
    few, enough = 0, len(order)
    while enough - few > 1:
        middle = (few + enough) // 2
        if _faithful(study, effect, order[:middle]).low >= LEVEL:
            enough = middle
        else:
            few = middle
    return enough


def _faithful(study: Study, effect: Effect, nodes: list[str]) -> Prediction:
    return study.predicted(_seen(study, effect, nodes, random=0), "faithfulness")


def _seen(study: Study, effect: Effect, nodes: list[str], random: int) -> Seen:
    expect = ["faithfulness", *(["over_random"] if random else [])]
    return study.look("circuit", effect.trace.on, expect, **_keys(effect, nodes, random))


def _keys(effect: Effect, nodes: list[str], random: int) -> dict[str, object]:
    return {
        "pairs": effect.trace.pairs,
        "nodes": nodes,
        "ablation": "corrupted",
        "random": random,
        "subsets": 0,
        "metric": effect.metric,
    }
