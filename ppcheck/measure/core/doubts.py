"""Why a claim that holds may say less than it seems to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site

if TYPE_CHECKING:
    from ppcheck.measure.core.check import CheckResult
    from ppcheck.subject.model.info import Shape


def of_all_that_is_read(
    shape: Shape,
    sites: Sequence[Site],
    position: Position,
    *,
    together: bool = False,
    one_decides: bool = False,
) -> Iterator[str]:
    """Sites, alone or ``together``, that hold all from which the logits are made.

    ``one_decides`` says that one such site among others is enough to make the claim hold.
    """
    if not position.has_final:
        return
    last = Site(Kind.RESID_POST, shape.n_layers - 1)
    kinds, layers = (Kind.ATTN_OUT, Kind.MLP_OUT), range(shape.n_layers)
    written = {Site(kind, layer) for kind in kinds for layer in layers}
    if last in sites and (one_decides or together or len(sites) == 1):
        yield f"{last} is all that the logits are read from: it has the whole effect by definition"
    elif together and written <= set(sites):
        yield "all that attention and MLPs write has the whole effect by definition"


def estimates(result: CheckResult, name: str) -> list[float]:
    """Every estimate of the statistic ``name``, in whatever metric."""
    found = (one.statistic for one in result.statistics)
    return [
        float(one.estimate(np.ones((1, one.n_units)))[0])
        for one in found
        if one.name.partition("@")[0] == name
    ]
