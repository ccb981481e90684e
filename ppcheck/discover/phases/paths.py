"""Whom the heads that bring a difference tell, and who tells them."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.predict import Prediction, at_least, floor, kept
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Carrier, Effect

PHASE = "paths"
WORTH = 0.05
HEADS = 2
"""Heads whose paths are looked at."""


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    final = [one for one in effect.carriers if one.position == "final"]
    for carrier in final[:HEADS]:
        yield _to_logits(study, effect, carrier)
    for carrier in final[:HEADS]:
        if (layer := _layer(carrier)) > 0:
            yield _from_mlps(study, effect, carrier, layer)


def _to_logits(study: Study, effect: Effect, carrier: Carrier) -> Finding | Nothing:
    keys = _keys(effect, carrier.site, "logits", "final")
    seen = study.look("path", effect.trace.on, ["recovery", "gap"], **keys)
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
    senders = [f"mlp_out.L{number}" for number in range(layer)]
    keys = _keys(effect, senders, carrier.site, effect.source)
    seen = study.look("path", effect.trace.on, ["recovery", "gap"], **keys)
    if layer == 1:
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


def _finding(
    effect: Effect, id_: str, says: str, keys: dict[str, object], share: Prediction
) -> Finding:
    expect = {"recovery": at_least(share.low), "gap": effect.gap_bound}
    raw = claim(id_, says, "path", effect.trace.on, keys, expect)
    return Finding(PHASE, raw, figures(recovery=share))


def _keys(
    effect: Effect, sender: str | list[str], receiver: str, position: str
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
