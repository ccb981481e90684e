"""Which block's attention, and which MLP, brings the difference where it goes."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.carriers import Search, search
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.predict import at_least, floor
from ppcheck.discover.study import Study, claim, figures, percent
from ppcheck.discover.trace import Effect

PHASE = "blocks"
WORTH = 0.15
"""The least share that makes a layer worth a claim."""
STREAMS = {"attn_out": "attention", "mlp_out": "MLP"}


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    places = ("final", *effect.stops)
    for stream, position in (*(("attn_out", each) for each in places), ("mlp_out", effect.source)):
        found = search(study, effect, f"{stream}.L*", position, WORTH)
        if stream == "mlp_out" and found.found:
            effect.mlp = found.found[0]
        yield _of(found, effect, stream, position)


def _of(found: Search, effect: Effect, stream: str, position: str) -> Finding | Nothing:
    trace = effect.trace
    where = "the final token" if position == "final" else f"the {position}'s token"
    if not found.found:
        best = found.best
        return Nothing(
            PHASE,
            f"the {STREAMS[stream]} of no one block brings {trace.said} to {where}: "
            f"{best.site} most, {figures(recovery=best.share)}",
        )
    best = found.found[0]
    says = (
        f"The {STREAMS[stream]} of block {best.site.partition('.L')[2]} brings "
        f"{percent(floor(best.share.low))} or more of {trace.effect} to {where}."
    )
    keys = {
        "pairs": trace.pairs,
        "site": best.site,
        "position": position,
        "mode": "denoise",
        "metric": effect.metric,
    }
    expect = {"recovery": at_least(best.share.low)}
    id_ = slug(trace.id, best.site, *([] if position == "final" else ["at", position]))
    raw = claim(id_, says, "patch", trace.on, keys, expect)
    return Finding(PHASE, raw, f"{figures(recovery=best.share)}, the first of {found.sites}")
