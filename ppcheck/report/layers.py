"""Families with one member a layer, as curves over the layers in their order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ppcheck.measure.core.facts import Curve
from ppcheck.record.leading import member_of, statistic_of
from ppcheck.record.run import ClaimRecord, ComparedStatistic, StatisticRecord
from ppcheck.report.text import printable
from ppcheck.report.then import Value, agree, effects_then, has_then, lacking
from ppcheck.spec.expectations.bound import Bound

Json = dict[str, Any]
Sites = dict[str, list[tuple[int, str]]]

FEWEST_LAYERS = 3
BY_LAYER = ("layer", "blocks")
"""The axis of curves over layers that a check draws itself."""
_LAYERED = re.compile(r"(\w+)\.L(\d+)")


@dataclass(frozen=True)
class _Family:
    """Values now and then by member, and the figures of members that have one."""

    title: str
    now: Mapping[str, Value]
    then: Mapping[str, Value]
    figures: Mapping[str, StatisticRecord] = field(default_factory=dict)
    steps: Mapping[str, ComparedStatistic] = field(default_factory=dict)


def layer_curves(claim: ClaimRecord) -> list[Json]:
    """A picture for each family of layers, with a line for each site (``resid_post``)."""
    own = claim.facts.curves.values()
    if any(isinstance(one, Curve) and one.x_label in BY_LAYER for one in own):
        return []
    found = [family for family in _families(claim) if _by_site(family.now)]
    return [_picture(family, compared=has_then(claim)) for family in found]


def is_by_layer(names: Iterable[str]) -> bool:
    """Whether the curves show all of these sites."""
    everything = list(names)
    return 0 < len(everything) == sum(map(len, _by_site(everything).values()))


def _families(claim: ClaimRecord) -> list[_Family]:
    """One for each statistic; where a claim chose a few of many sites, of all that it looked at."""
    effects, found = claim.facts.effects, []
    for title, figures in _figures(claim).items():
        estimates: dict[str, Value] = {name: one.estimate for name, one in figures.items()}
        same = agree(estimates, effects)
        if same or len(effects) <= len(figures):
            steps = _steps(claim, title, figures)
            then = effects_then(claim) if same else {name: s.old for name, s in steps.items()}
            now = {**effects, **estimates} if same else estimates
            found.append(_Family(title, now, then, figures, steps))
    return found or [_Family("effect", effects, effects_then(claim))]


def _figures(claim: ClaimRecord) -> dict[str, dict[str, StatisticRecord]]:
    """Figures of layers by statistic and member."""
    found: dict[str, dict[str, StatisticRecord]] = {}
    for name, one in claim.statistics.items():
        member = member_of(name)
        if member is not None and _LAYERED.fullmatch(member):
            found.setdefault(statistic_of(name), {})[member] = one
    return found


def _steps(claim: ClaimRecord, title: str, members: Iterable[str]) -> dict[str, ComparedStatistic]:
    """Differences by member, of those that are compared with themselves."""
    if claim.comparison is None:
        return {}
    compared = {member: claim.comparison.statistics.get(f"{title}[{member}]") for member in members}
    return {member: one for member, one in compared.items() if one and one.was is None}


def _by_site(names: Iterable[str]) -> Sites:
    """Layers with their members, in order, of each site that has enough of them."""
    found: Sites = {}
    for name in names:
        if place := _LAYERED.fullmatch(name):
            found.setdefault(place[1], []).append((int(place[2]), name))
    return {site: sorted(some) for site, some in found.items() if len(some) >= FEWEST_LAYERS}


def _picture(family: _Family, *, compared: bool) -> Json:
    sites = _by_site(family.now)
    members = [name for some in sites.values() for _, name in some]
    values = [[known.get(name) for name in members] for known in (family.now, family.then)]
    return {
        "title": printable(f"{family.title} by layer"),
        "x_label": "layer",
        "y_label": printable(family.title),
        "lines": [_line(family, site, some) for site, some in sites.items()],
        "marks": [],
        "bound": _bound(family),
        "lacking": lacking(*values) if compared else "",
    }


def _line(family: _Family, site: str, places: Sequence[tuple[int, str]]) -> Json:
    """An end of an interval that is missing is None; what no layer has is left out."""
    members = [name for _, name in places]
    figures = [family.figures.get(name) for name in members]
    steps = [family.steps.get(name) for name in members]
    columns: dict[str, list[Value]] = {
        "low": [None if one is None else one.low for one in figures],
        "high": [None if one is None else one.high for one in figures],
        "then": [family.then.get(name) for name in members],
        "step_low": [None if one is None else one.low for one in steps],
        "step_high": [None if one is None else one.high for one in steps],
    }
    line: Json = {"name": printable(site), "x": [layer for layer, _ in places]}
    some = {name: values for name, values in columns.items() if values.count(None) < len(values)}
    return line | {"y": [family.now[name] for name in members]} | some


def _bound(family: _Family) -> list[Value] | None:
    """The edges, where all members have the same bound."""
    texts = {one.bound for one in family.figures.values()}
    text = texts.pop() if len(texts) == 1 else None
    if text is None:
        return None
    bound = Bound.parse(text)
    return [edge if math.isfinite(edge) else None for edge in (bound.low, bound.high)]
