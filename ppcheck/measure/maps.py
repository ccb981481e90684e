"""What a report draws of many sites: rows by columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ppcheck.measure.statistics import Floats
from ppcheck.spec.site import Site


def site_map(sites: Sequence[Site], values: Floats) -> dict[str, Any]:
    """Values [site] as layer by head, or layer by stream, or what else tells the sites apart.

    ``values`` of the map are [row, column], None where there is no site.
    """
    places = [(_row(site), _column(site)) for site in sites]
    rows, columns = (list(dict.fromkeys(names)) for names in zip(*places, strict=True))
    known = dict(zip(places, values.tolist(), strict=True))
    cells = [[known.get((row, column)) for column in columns] for row in rows]
    return {"rows": rows, "columns": columns, "values": cells}


def _row(site: Site) -> str:
    return "" if site.layer is None else f"L{site.layer}"


def _column(site: Site) -> str:
    if site.index is None:
        return str(site.kind)
    return str(site).removeprefix(_row(site))
