"""Whom the heads that bring a difference tell, and who tells them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ppcheck.discover.carriers import estimated, halved, reached, tried
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.phases.heads import place
from ppcheck.discover.places import is_final
from ppcheck.discover.predict import Prediction, at_least, floor, kept
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Carrier, Effect
from ppcheck.spec.sites.site import Sites

PHASE = "paths"
WORTH = 0.05
HEADS = 2
"""Heads whose paths are looked at."""
FEW = 4
"""Of more senders so many by the gradients' estimate, and as many others at random."""
LEAST = 2
"""Earlier heads below which there is nothing to compare with."""
THROUGH = {"q": "queries", "k": "keys", "v": "values"}


@dataclass(frozen=True)
class _Told:
    """The head that tells another most at a position; ``ceiling`` is what others may tell it."""

    sender: str
    position: str
    share: Prediction
    ceiling: float

    @property
    def is_sure(self) -> bool:
        return self.share.low > max(WORTH, self.ceiling)


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    final = [one for one in effect.carriers if one.position == "final"]
    for carrier in final[:HEADS]:
        yield _to_logits(study, effect, carrier)
    for carrier in final[:HEADS]:
        if (layer := _layer(carrier)) > 0:
            yield _from_mlps(study, effect, carrier, layer)
            yield from _from_heads(study, effect, carrier, layer)


def _to_logits(study: Study, effect: Effect, carrier: Carrier) -> Finding | Nothing:
    keys = _keys(effect, carrier.site, "logits", "final")
    seen = study.look("path", effect.trace.on, ["recovery"], **keys)
    share, said = study.predicted(seen, "recovery"), effect.trace.said
    if share.low < WORTH:
        what = f"head {carrier.site} tells the logits little directly of {said}"
        return Nothing(PHASE, f"{what}: {figures(recovery=share)}")
    says = (
        f"Head {carrier.site} tells the logits directly: {percent(floor(share.low))} or more of "
        f"{effect.trace.effect} takes this one path."
    )
    id_ = slug(effect.trace.id, carrier.site, "tells-the-logits")
    return _finding(effect, id_, says, keys, share)


def _from_mlps(study: Study, effect: Effect, carrier: Carrier, layer: int) -> Finding | Nothing:
    """The earlier MLP that tells the head most, at the token that it comes from."""
    senders = _mlps(study, effect, layer)
    keys = _keys(effect, senders, carrier.site, effect.source)
    seen = study.look("path", effect.trace.on, ["recovery"], **keys)
    if len(senders) == 1:
        best, share = senders[0], study.predicted(seen, "recovery")
    else:
        shares = seen.effects("recovery")
        path = max(shares, key=lambda each: shares[each][0])
        shrink = kept(shares.values(), shares[path][1])
        best, share = path.partition(" ")[0], study.predicted(seen, "recovery", path, shrink)
    if share.low < WORTH:
        what = f"no MLP tells head {carrier.site} much of {effect.trace.said} directly"
        return Nothing(PHASE, f"{what}: {best} most, {figures(recovery=share)}")
    says = (
        f"The MLP of block {best.partition('.L')[2]} tells head {carrier.site} directly, at the "
        f"{effect.source}'s token: {percent(floor(share.low))} or more of {effect.trace.effect} "
        "goes this way."
    )
    id_ = slug(effect.trace.id, best, "tells", carrier.site)
    return _finding(effect, id_, says, _keys(effect, best, carrier.site, effect.source), share)


def _mlps(study: Study, effect: Effect, layer: int) -> list[str]:
    """Those before the layer; of many those that gradients say bring most."""
    names = [f"mlp_out.L{number}" for number in range(layer)]
    if layer <= FEW:
        return names
    estimates = estimated(study, effect, names, effect.source, "denoise")
    if estimates is None:
        return names
    return sorted(names, key=lambda name: -estimates[name])[:FEW]


def _from_heads(
    study: Study, effect: Effect, carrier: Carrier, layer: int
) -> Iterator[Finding | Nothing]:
    """The earlier head that tells the head most, where it looks and where it looks from."""
    sites = study.laboratory.model.subject.sites(Sites.parse("L*H*"))
    earlier = [str(site) for site in sites if (site.layer or 0) < layer]
    if len(earlier) < LEAST:
        return
    places = _places(study, effect)
    told = [_told(study, effect, carrier, earlier, position) for position in places]
    yield from (_tells(study, effect, carrier, one) for one in told if one.is_sure)
    if not any(one.is_sure for one in told):
        best = max(told, key=lambda one: one.share.low)
        yield Nothing(
            PHASE,
            f"no head tells head {carrier.site} much of {effect.trace.said} directly, and more "
            f"than others do: {best.sender} most, at {place(best.position)}, "
            f"{figures(recovery=best.share)}, others up to {best.ceiling:.2g}",
        )


def _places(study: Study, effect: Effect) -> list[str]:
    bench, source = study.laboratory.bench(study.name), effect.source
    same = is_final(bench, effect.trace.on_clean, source)
    return ["final"] if same else [source, "final"]


def _told(
    study: Study, effect: Effect, carrier: Carrier, earlier: list[str], position: str
) -> _Told:
    leading, control = tried(study, effect, earlier, position, "denoise", FEW)
    keys = _keys(effect, [*leading, *control], carrier.site, position)
    seen = study.look("path", effect.trace.on, ["recovery"], **keys)
    paths = seen.effects("recovery")
    names = {path.partition(" ")[0]: path for path in paths}
    shares = {name: paths[path] for name, path in names.items()}
    if not control:
        leading, control = halved(shares)
    best = max(leading, key=lambda name: shares[name][0])
    shrink = kept(shares.values(), shares[best][1])
    share = study.predicted(seen, "recovery", names[best], shrink)
    return _Told(best, position, share, reached(shares[name] for name in control))


def _tells(study: Study, effect: Effect, carrier: Carrier, told: _Told) -> Finding:
    """With what the receiver does with it, where one of its inputs alone is surely told as much."""
    ports = _ports(study, carrier)
    keys = _keys(effect, told.sender, ports, told.position)
    seen = study.look("path", effect.trace.on, ["recovery"], **keys)
    shares = seen.effects("recovery")
    path = max(shares, key=lambda each: shares[each][0])
    share = study.predicted(seen, "recovery", path, kept(shares.values(), shares[path][1]))
    receiver, through = carrier.site, ""
    if share.low > max(WORTH, told.ceiling):
        receiver = path.rpartition(" ")[2]
        through = f", through its {THROUGH[receiver[-1]]}"
    else:
        share = told.share
    says = (
        f"Head {told.sender} tells head {carrier.site} directly, at {place(told.position)}"
        f"{through}: {percent(floor(share.low))} or more of {effect.trace.effect} goes this way."
    )
    id_ = slug(effect.trace.id, told.sender, "tells", receiver, "at", told.position)
    return _finding(effect, id_, says, _keys(effect, told.sender, receiver, told.position), share)


def _ports(study: Study, carrier: Carrier) -> list[str]:
    """Its queries, keys and values; several heads may share keys and values."""
    shape = study.laboratory.model.subject.shape
    layer, _, number = carrier.site.removeprefix("L").partition("H")
    shared = int(number) * shape.n_key_value_heads // shape.n_heads
    return [f"L{layer}H{number}.q", f"L{layer}H{shared}.k", f"L{layer}H{shared}.v"]


def _finding(
    effect: Effect, id_: str, says: str, keys: dict[str, object], share: Prediction
) -> Finding:
    expect = {"recovery": at_least(share.low)}
    raw = claim(id_, says, "path", effect.trace.on, keys, expect)
    return Finding(PHASE, raw, figures(recovery=share))


def _keys(
    effect: Effect, sender: str | list[str], receiver: str | list[str], position: str
) -> dict[str, object]:
    return {
        "pairs": effect.trace.pairs,
        "sender": sender,
        "receiver": receiver,
        "position": position,
        "mode": "denoise",
        "metric": effect.metric,
    }


def _layer(carrier: Carrier) -> int:
    return int(carrier.site.removeprefix("L").partition("H")[0])
