"""What a dictionary costs by itself: a metric with its reconstruction in the stream's place."""

from __future__ import annotations

from collections.abc import Sequence

from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.interventions.rows import Rows
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
    the stream in its place; of sites that are not features nothing.
    """
    if sites[0].kind is not Kind.FEATURE:
        return Facts(), ()
    costs: dict[str, dict[str, float]] = {}
    notes: list[str] = []
    for metric in metrics:
        rows = Rows.of(bench.subject, encoded, metric, bench.grid.prompt_set.pool)
        edit = bench.subject.reconstructed(rows.encoded, sites[0], position)
        untouched, rebuilt = (
            float(rows.values(read).mean())
            for read in (
                bench.subject.read(rows.encoded, rows.reader),
                bench.subject.intervene(rows.encoded, [(edit,)], rows.reader)[0],
            )
        )
        cost = untouched - rebuilt
        costs[str(metric)] = {"untouched": untouched, "reconstructed": rebuilt, "cost": cost}
        notes.append(
            f"{sites[0].dictionary}'s reconstruction in place of {edit.site} at {position} costs "
            f"{cost:.3g} of {metric} ({rebuilt:.3g}, untouched {untouched:.3g}); edits of features "
            "keep what it leaves out"
        )
    return Facts(extras={"reconstruction": costs}), tuple(notes)
