"""What a report draws: many sites as rows by columns, means as a curve with its band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppcheck.arrays import Floats, Labels
from ppcheck.measure.core.facts import Map
from ppcheck.spec.sites.site import Site
from ppcheck.statistics.statistics import Mean

NORMAL = 1.96
"""Standard errors on either side of a mean that make its 95 % interval."""


def site_map(sites: Sequence[Site], values: Floats) -> Map:
    """Values [site] as layer by head, or layer by stream, or what else tells the sites apart.

    ``values`` of the map are [row, column], None where there is not a site.
    """
    places = [(_row(site), _column(site)) for site in sites]
    rows, columns = (list(dict.fromkeys(names)) for names in zip(*places, strict=True))
    known = dict(zip(places, values.tolist(), strict=True))
    cells = [[known.get((row, column)) for column in columns] for row in rows]
    return Map(rows=tuple(rows), columns=tuple(columns), values=cells)


def arrow_map(names: Sequence[str], values: Sequence[float]) -> Map:
    """Values of arrows such as ``L0H2 → L1H1.v`` as sender by receiver, None where none is."""
    ends = [tuple(name.split(" → ")) for name in names]
    rows, columns = (list(dict.fromkeys(side)) for side in zip(*ends, strict=True))
    known = dict(zip(ends, values, strict=True))
    cells = [[known.get((row, column)) for column in columns] for row in rows]
    return Map(rows=tuple(rows), columns=tuple(columns), values=cells)


def drawn_means(samples: Sequence[tuple[Floats, Labels]]) -> dict[str, list[float]]:
    """Means of samples, each values and units [example], with the 95 % interval of each alone.

    The intervals are normal, with the error that `Mean` gives: to look at, not to judge by.
    """
    means = [Mean(values, units, "mean") for values, units in samples]
    ones = [np.ones((1, mean.n_units)) for mean in means]
    middle = np.array([mean.estimate(one)[0] for mean, one in zip(means, ones, strict=True)])
    half = NORMAL * np.array([mean.error(one)[0] for mean, one in zip(means, ones, strict=True)])
    return {"y": middle.tolist(), "low": (middle - half).tolist(), "high": (middle + half).tolist()}


def _row(site: Site) -> str:
    return site.dictionary if site.layer is None else f"L{site.layer}"


def _column(site: Site) -> str:
    if site.index is None:
        return str(site.kind)
    return str(site).removeprefix(_row(site))
