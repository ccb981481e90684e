"""What a report draws of probes: maps of sites, and curves by layer with both controls."""

from __future__ import annotations

import numpy as np

from ppcheck.measure.core.charts import site_map
from ppcheck.measure.core.facts import Curve, Facts, Map
from ppcheck.measure.probes.controlled import FittedProbes
from ppcheck.measure.probes.inputs import ProbeInputs, Streams


def charts(inputs: ProbeInputs, streams: Streams, fitted: FittedProbes, what: str) -> Facts:
    """A map of all sites at each position, and three curves of each stream, of ``what`` is read."""
    figure = f"{fitted.skill.name} of {what}"
    return Facts(maps=_maps(inputs, fitted, figure), curves=_curves(streams, fitted, figure))


def _maps(inputs: ProbeInputs, fitted: FittedProbes, figure: str) -> dict[str, Map]:
    shares = np.array([merits.sum() for merits in fitted.merits]) / fitted.skill.weight.sum()
    maps = {}
    for position in inputs.positions:
        here = [n for n, (_, at) in enumerate(inputs.all) if at == position]
        maps[f"{figure} at {position}"] = site_map([inputs.all[n][0] for n in here], shares[here])
    return maps


def _curves(streams: Streams, fitted: FittedProbes, figure: str) -> dict[str, Curve]:
    curves = {}
    for title, numbers in streams.items():
        merits = {
            "": [fitted.merits[n] for n in numbers],
            ", words alone": [fitted.words for _ in numbers],
            ", shuffled labels": [fitted.shuffled[n] for n in numbers],
        }
        for control, by_layer in merits.items():
            curves[f"{figure} in {title}{control}"] = fitted.skill.curve(by_layer)
    return curves
