"""What the heads that bring a difference look at, and the role that they play."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ppcheck.discover.carriers import ALL
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.phases.heads import place
from ppcheck.discover.places import HEAD, Kind, Place, places
from ppcheck.discover.predict import Prediction, at_least, floor, kept, number
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Carrier, Effect
from ppcheck.spec.sites.site import Sites

PHASE = "roles"
TIMES = 2
"""So many times what a head pays that looks at all tokens alike."""
MOSTLY = 0.4
"""Attention to the token before, from any token, of a previous-token head."""


@dataclass(frozen=True)
class Looked:
    """What a head pays to a place, and what one pays that looks at all tokens alike."""

    place: Place
    paid: Prediction
    even: float

    @property
    def is_sure(self) -> bool:
        """Whether it surely looked there, and will on other units more than at all tokens alike."""
        seen = self.paid.seen
        surely = self.paid.estimate - (seen.estimate - seen.low)
        return surely > TIMES * self.even and self.paid.low > self.even

    @property
    def shown(self) -> str:
        return f"{figures(attention=self.paid)}; a head that looks at nothing pays {self.even:.3g}"


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    for carrier in effect.carriers:
        yield from _of(study, effect, carrier)


def _of(study: Study, effect: Effect, carrier: Carrier) -> Iterator[Finding | Nothing]:
    wanted = effect.source if carrier.position == "final" else effect.origin
    looked = _looked(study, effect, carrier, wanted)
    rests = looked.place.kind is Kind.FIRST and looked.place.name != wanted
    if rests or not looked.is_sure:
        said = f"head {carrier.site} looks at nothing by itself"
        yield Nothing(PHASE, f"{said}: at {looked.place.said} most, {looked.shown}")
        return
    yield _role(study, effect, carrier, looked) or _attends(effect, carrier, looked)
    if looked.place.kind is Kind.PREVIOUS:
        yield from _previous(study, effect, carrier)
    if looked.place.kind is Kind.INDUCTION and effect.induction is None:
        effect.induction = carrier, looked.place.name


def _looked(study: Study, effect: Effect, carrier: Carrier, wanted: str) -> Looked:
    """Where the difference comes from, if the head looks there; else where it looks most surely.

    The first token is last of all, since many heads rest there.
    """
    bench = study.laboratory.bench(study.name)
    around = places(bench, effect.trace.on_clean, carrier.position, effect.choices[0])
    for one in around:
        if one.name == wanted and (own := _paid(study, effect, carrier, [one])[0]).is_sure:
            return own
    paid = _paid(study, effect, carrier, around)
    telling = [each for each in paid if each.is_sure and each.place.kind is not Kind.FIRST]
    return max(telling or paid, key=lambda each: each.paid.low - each.even)


def _paid(study: Study, effect: Effect, carrier: Carrier, around: Sequence[Place]) -> list[Looked]:
    """What the head pays to each place, shrunk towards even attention as one of them."""
    together = [one.site for one in effect.carriers if one.position == carrier.position]
    member = carrier.site if len(together) > 1 else None
    read, apart = [], []
    for one in around:
        keys = {"site": together, "from": carrier.position, "to": one.name}
        seen = study.look("attention", effect.trace.on_clean, ["attention"], **keys)
        paid, even = seen.estimate("attention", member), seen.result.facts.uniform or 0.0
        read.append((one, paid, even))
        apart.append((paid.estimate - even, seen.error("attention", member)))
    found = []
    for (one, paid, even), (_, error) in zip(read, apart, strict=True):
        shrink = kept(apart, error) if len(apart) > 1 else 1.0
        found.append(Looked(one, Prediction(paid, study.prompts.ratio, shrink, even), even))
    return found


def _attends(effect: Effect, carrier: Carrier, looked: Looked) -> Finding:
    trace, low, called = effect.trace, looked.paid.low, HEAD.get(looked.place.kind)
    says = (
        f"From {place(carrier.position)} head {carrier.site} pays {percent(floor(low))} or more "
        f"of its attention to {looked.place.said}{f', as {called} does' if called else ''}, with "
        f"{trace.said}."
    )
    keys = {"site": carrier.site, "from": carrier.position, "to": looked.place.name}
    id_ = slug(trace.id, carrier.site, "attends")
    raw = claim(id_, says, "attention", trace.on_clean, keys, {"attention": at_least(low)})
    return Finding(PHASE, raw, looked.shown)


def _role(study: Study, effect: Effect, carrier: Carrier, looked: Looked) -> Finding | None:
    """The role without its number, and who plays it. Roles are judged on half of the units."""
    trace = effect.trace
    attention, share = (
        floor(replace(each, ratio=2 * each.ratio).low) for each in (looked.paid, carrier.share)
    )
    if share <= 0 or attention <= looked.even:
        return None
    among = _among(study, carrier)
    keys = {
        **({"site": among} if among else {}),
        "pairs": trace.pairs,
        "attends": {"from": carrier.position, "to": looked.place.name, "at_least": attention},
        "effect": {
            "metric": effect.metric,
            "mode": "denoise",
            **({} if carrier.position == "final" else {"position": carrier.position}),
            "at_least": share,
        },
        "played_by": carrier.site,
    }
    seen = study.look("role", trace.on_clean, ["strength"], **keys)
    if seen.estimate("strength", seen.member("strength")).low < 1:
        return None
    called = HEAD.get(looked.place.kind)
    says = (
        f"Some head{f' of block {_layer(carrier)}' if among else ''} looks from "
        f"{place(carrier.position)} at {looked.place.said}, with {number(attention)} of its "
        f"attention or more, and brings {percent(share)} or more of {trace.effect} there. "
        f"It is {carrier.site}{f', {called}' if called else ''}."
    )
    expect = {"strength": ">= 1"}
    id_ = slug(trace.id, looked.place.kind.value if called else "mover", carrier.site)
    raw = claim(id_, says, "role", trace.on_clean, keys, expect)
    return Finding(PHASE, raw, figures(attention=looked.paid, recovery=carrier.share))


def _among(study: Study, carrier: Carrier) -> str | None:
    """The heads of its block, where looking at all would take long; None for all."""
    heads = study.laboratory.model.subject.sites(Sites.parse("L*H*"))
    return f"L{_layer(carrier)}H*" if len(heads) > ALL else None


def _layer(carrier: Carrier) -> str:
    return carrier.site.removeprefix("L").partition("H")[0]


def _previous(study: Study, effect: Effect, carrier: Carrier) -> Iterator[Finding]:
    """Whether it looks at the token before from any token, and not for the word that is there."""
    on, keys = effect.trace.on_clean, {"site": carrier.site, "from": "all", "to": "previous"}
    seen = study.look("attention", on, ["attention"], **keys)
    looked = Looked(
        Place("previous", "the token before"),
        study.predicted(seen, "attention"),
        seen.result.facts.uniform or 0.0,
    )
    low = looked.paid.low
    if not looked.is_sure or low < MOSTLY:
        return
    says = (
        f"Head {carrier.site} pays {percent(floor(low))} or more of its attention to the token "
        "before, whichever token looks: a previous-token head."
    )
    id_ = slug(effect.trace.id, carrier.site, "looks-at-the-token-before")
    raw = claim(id_, says, "attention", on, keys, {"attention": at_least(low)})
    yield Finding(PHASE, raw, looked.shown)
