"""What a dictionary costs by itself: a metric with its reconstruction in the stream's place."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.metrics import own_readout
from ppcheck.spec.expectations.metric import Metrics
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.tokens.encoding import Encoded

Cost = tuple[Facts, tuple[str, ...]]
"""What a record says of it, as facts and as notes."""


def reconstruction(
    bench: Bench, encoded: Encoded, sites: Sequence[Site], position: Position, metrics: Metrics
) -> Cost:
    """Each metric's mean over the prompts, untouched and with what the sites' dictionary makes of
    the stream in its place; of sites that are no features nothing.
    """
    if sites[0].kind is not Kind.FEATURE:
        return Facts(), ()
    edit = bench.subject.reconstructed(encoded, sites[0], position)
    found: dict[str, dict[str, float]] = {}
    notes: list[str] = []
    for metric in metrics:
        reader = own_readout(bench.subject, encoded, metric, bench.grid.prompt_set.pool)
        untouched = float(bench.subject.read(encoded, reader).mean())
        rebuilt = float(bench.subject.intervene(encoded, [(edit,)], reader).mean())
        cost = untouched - rebuilt
        found[str(metric)] = {"untouched": untouched, "reconstructed": rebuilt, "cost": cost}
        notes.append(
            f"{sites[0].dictionary}'s reconstruction in place of {edit.site} at {position} costs "
            f"{cost:.3g} of {metric} ({rebuilt:.3g}, untouched {untouched:.3g}); edits of features "
            "keep what it leaves out"
        )
    return Facts(extras={"reconstruction": found}), tuple(notes)
