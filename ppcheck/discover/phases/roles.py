"""What the heads that bring a difference look at, and the role that they play."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ppcheck.discover.carriers import ALL
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.phases.heads import place
from ppcheck.discover.predict import Prediction, at_least, floor, number
from ppcheck.discover.study import Study, claim, figures, percent, three
from ppcheck.discover.trace import Carrier, Effect
from ppcheck.spec.sites.site import Sites

PHASE = "roles"
TIMES = 2
"""So many times what a head pays that looks at all tokens alike."""


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    for carrier in effect.carriers:
        yield from _of(study, effect, carrier)


def _of(study: Study, effect: Effect, carrier: Carrier) -> Iterator[Finding | Nothing]:
    trace = effect.trace
    to = effect.source if carrier.position == "final" else effect.origin
    keys = {"site": carrier.site, "from": carrier.position, "to": to}
    seen = study.look("attention", trace.on_clean, ["attention"], **keys)
    paid, even = study.predicted(seen, "attention"), seen.result.facts.uniform or 0.0
    shown = f"{figures(attention=paid)}; a head that looks at nothing pays {three(even)}"
    if paid.low <= TIMES * even:
        said = f"head {carrier.site} does not look at the {to} by itself"
        yield Nothing(PHASE, f"{said}: {shown}")
        return
    heads = study.laboratory.model.subject.sites(Sites.parse("L*H*"))
    if len(heads) <= ALL and (role := _role(study, effect, carrier, paid, to)) is not None:
        yield role
        return
    says = (
        f"From {place(carrier.position)} head {carrier.site} pays {percent(floor(paid.low))} or "
        f"more of its attention to the {to}, with {trace.said}."
    )
    id_ = slug(trace.id, carrier.site, "attends")
    raw = claim(id_, says, "attention", trace.on_clean, keys, {"attention": at_least(paid.low)})
    yield Finding(PHASE, raw, shown)


def _role(
    study: Study, effect: Effect, carrier: Carrier, paid: Prediction, to: str
) -> Finding | None:
    """The role without its number, and who plays it. Roles are judged on half of the units."""
    trace = effect.trace
    attention, share = (
        floor(replace(each, ratio=2 * each.ratio).low) for each in (paid, carrier.share)
    )
    if share <= 0 or attention <= 0:
        return None
    keys = {
        "pairs": trace.pairs,
        "attends": {"from": carrier.position, "to": to, "at_least": attention},
        "effect": {
            "metric": effect.metric,
            "mode": "denoise",
            **({} if carrier.position == "final" else {"position": carrier.position}),
            "at_least": share,
        },
        "played_by": carrier.site,
    }
    seen = study.look("role", trace.on_clean, ["strength", "gap"], **keys)
    if seen.estimate("strength", seen.member("strength")).low < 1:
        return None
    says = (
        f"Some head looks from {place(carrier.position)} at the {to}, with "
        f"{number(attention)} of its attention or more, and brings {percent(share)} or more of "
        f"{trace.effect} there. It is {carrier.site}."
    )
    expect = {"strength": ">= 1", "gap": effect.gap_bound}
    raw = claim(slug(trace.id, "mover", carrier.site), says, "role", trace.on_clean, keys, expect)
    return Finding(PHASE, raw, figures(attention=paid, recovery=carrier.share))
