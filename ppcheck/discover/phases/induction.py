"""Which earlier head an induction head needs: one that looks at the token before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ppcheck.discover.carriers import BEST, lot, reached
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.phases.heads import place
from ppcheck.discover.phases.roles import TIMES
from ppcheck.discover.predict import Prediction, at_least, floor, kept, number
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Carrier, Effect
from ppcheck.spec.sites.site import Sites

PHASE = "induction"
FEW = 4
"""Heads that are ablated of those that look at the token before most."""


@dataclass(frozen=True)
class _Earlier:
    """What earlier heads pay to the token before, and what one that looks at all tokens alike."""

    paid: Mapping[str, Prediction]
    even: float


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    """What an earlier head writes where the word stood first is the same in both of a pair: it is
    set to its mean.
    """
    if effect.induction is None:
        return
    carrier, at = effect.induction
    earlier = _earlier(study, effect, carrier, at)
    if earlier is None:
        return
    ordered = sorted(earlier.paid, key=lambda head: -earlier.paid[head].seen.estimate)
    first = ordered[: max(1, min(FEW, len(ordered) // 2))]
    control = sorted(ordered[len(first) :], key=lot)[:BEST]
    seen = study.look(
        "ablate", effect.trace.on_clean, ["drop"], **_keys(effect, [*first, *control], at)
    )
    drops = seen.effects("drop")
    best = max(first, key=lambda head: drops[head][0])
    drop = study.predicted(seen, "drop", best, kept(drops.values(), drops[best][1]))
    ceiling = reached(drops[head] for head in control)
    paid = earlier.paid[best]
    shown = f"{figures(attention=paid)}, {figures(drop=drop)}, others up to {ceiling:.2g}"
    if paid.low <= TIMES * earlier.even or drop.low <= max(0.0, ceiling):
        said = f"no head that looks from {place(at)} at the token before is surely needed"
        yield Nothing(PHASE, f"{said} by {carrier.site}: {best} most, {shown}")
        return
    yield _looks(effect, best, at, paid)
    yield _needed(effect, best, at, drop)


def _earlier(study: Study, effect: Effect, carrier: Carrier, at: str) -> _Earlier | None:
    """None where there are fewer than two to compare."""
    layer = int(carrier.site.removeprefix("L").partition("H")[0])
    sites = study.laboratory.model.subject.sites(Sites.parse("L*H*"))
    heads = [str(site) for site in sites if (site.layer or 0) < layer]
    if len(heads) < 2:
        return None
    keys = {"site": heads, "from": at, "to": "previous"}
    seen = study.look("attention", effect.trace.on_clean, ["attention"], **keys)
    even = seen.result.facts.uniform or 0.0
    apart = {
        head: (paid - even, error) for head, (paid, error) in seen.effects("attention").items()
    }
    paid = {
        head: Prediction(
            seen.estimate("attention", head),
            study.prompts.ratio,
            kept(apart.values(), error),
            even,
        )
        for head, (_, error) in apart.items()
    }
    return _Earlier(paid, even)


def _looks(effect: Effect, head: str, at: str, paid: Prediction) -> Finding:
    says = (
        f"From {place(at)} head {head} pays {percent(floor(paid.low))} or more of its attention to "
        "the token before: a previous-token head."
    )
    keys = {"site": head, "from": at, "to": "previous"}
    expect = {"attention": at_least(paid.low)}
    id_ = slug(effect.trace.id, head, "looks-back")
    raw = claim(id_, says, "attention", effect.trace.on_clean, keys, expect)
    return Finding(PHASE, raw, figures(attention=paid))


def _needed(effect: Effect, head: str, at: str, drop: Prediction) -> Finding:
    says = (
        f"The answer needs what head {head} writes at {place(at)}: its mean over the prompts in "
        f"its place takes {number(floor(drop.low))} or more from {effect.metric}."
    )
    id_ = slug(effect.trace.id, "needs", head, "at", at)
    raw = claim(
        id_,
        says,
        "ablate",
        effect.trace.on_clean,
        _keys(effect, head, at),
        {"drop": at_least(drop.low)},
    )
    return Finding(PHASE, raw, figures(drop=drop))


def _keys(effect: Effect, site: str | Sequence[str], at: str) -> dict[str, object]:
    return {
        "site": site,
        "position": at,
        "ablation": "mean",
        "reference": effect.trace.prompts,
        "metric": effect.metric,
    }
