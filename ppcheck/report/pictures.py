"""What a page draws of a claim, read from its facts: maps, curves, bars, attention, flow."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.facts import Curve, CurvePoint, Facts, Map, Number
from ppcheck.record.run import ClaimRecord
from ppcheck.report.layers import is_by_layer, layer_curves
from ppcheck.report.text import printable
from ppcheck.report.then import drawn_then, effects_then, has_then, lacking, map_then

Json = dict[str, Any]

FEWEST_BARS = 3
MOST_BARS = 40
_ALIKE, _LESS_ALIKE = 0.4, 0.25
"""The share of a title that two curves have in common where they are drawn in one picture."""
_DANGLING = re.compile(r"\s(at|in|of|along|from|for)$")
_HEAD = re.compile(r"(L\d+)(H\d+)")


def pictures(claim: ClaimRecord) -> Json:
    """All pictures of the claim by kind, each with its title; kinds without one are left out."""
    layers = layer_curves(claim)
    found = {
        "flow": _flow(claim),
        "maps": [each for each in _maps(claim) if not (layers and len(each["columns"]) == 1)],
        "bars": [] if layers and is_by_layer(claim.facts.effects) else _bars(claim.facts),
        "curves": [*map(_shortened, layers), *_curves(claim)],
        "attention": _attention(claim.facts),
        "separations": _separations(claim.facts),
    }
    return {kind: some for kind, some in found.items() if some}


def rounded(value: Any) -> float | None:
    """Four significant digits, as much as a page shows; None for what is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(f"{value:.4g}")


def _shortened(tree: Any) -> Any:
    """All numbers in it rounded."""
    if isinstance(tree, dict):
        return {key: _shortened(each) for key, each in tree.items()}
    if isinstance(tree, list):
        return [_shortened(each) for each in tree]
    return rounded(tree) if isinstance(tree, float) else tree


def printed(names: Sequence[Any]) -> list[str]:
    return [printable(str(name)) for name in names]


def moved_from_to(claim: ClaimRecord) -> list[str] | None:
    """From whom to whom: of a choice since the baseline, or of a role since its spec."""
    if claim.comparison is not None and claim.comparison.moved:
        return list(map(printable, claim.comparison.moved))
    players, expected = claim.facts.players, claim.facts.played_by
    if claim.verdict is Verdict.MOVED and players and expected:
        return [printable(expected), printable(", ".join(players))]
    return None


def _maps(claim: ClaimRecord) -> list[Json]:
    """Maps of sites, with those outlined that a claim chose or names, now and before."""
    facts = claim.facts
    maps = [_compared_map(claim, title, each) for title, each in facts.maps.items()]
    if not maps and (heads := _by_head(facts.effects)):
        maps = [_map("effect by head", heads) | _then(claim, heads, _heads_then(claim, heads))]
    before, now = (side.split(", ") for side in moved_from_to(claim) or ("", ""))
    chosen = facts.set_ or facts.kept
    among = len(facts.effects or chosen) if facts.searched is None else facts.searched
    if not any(now) and len(chosen) < among:
        now = printed(chosen)
    outlines = {"now": list(filter(None, now)), "before": list(filter(None, before))}
    return [each | outlines for each in maps if len(each["rows"]) * len(each["columns"]) > 1]


def _map(title: str, drawn: Map) -> Json:
    return {
        "title": printable(title),
        "rows": printed(drawn.rows),
        "columns": printed(drawn.columns),
        "values": [[rounded(value) for value in row] for row in drawn.values],
    }


def _compared_map(claim: ClaimRecord, title: str, now: Map) -> Json:
    return _map(title, now) | _then(claim, now, map_then(claim, title, now))


def _then(claim: ClaimRecord, now: Map, then: Sequence[Sequence[Number | None]]) -> Json:
    """The map's values in the baseline, and what is missing of them."""
    if not has_then(claim):
        return {}
    known = any(value is not None for row in then for value in row)
    values = {"then": [list(map(rounded, row)) for row in then]} if known else {}
    return values | {"lacking": lacking(chain(*now.values), chain(*then))}


def _heads_then(claim: ClaimRecord, heads: Map) -> list[list[Number | None]]:
    known = effects_then(claim)
    return [[known.get(row + column) for column in heads.columns] for row in heads.rows]


def _by_head(effects: Mapping[str, Number | None]) -> Map | None:
    """Layer by head, where every effect is one head's; None otherwise."""
    places = {name: _HEAD.fullmatch(name) for name in effects}
    if len(places) < FEWEST_BARS or not all(places.values()):
        return None
    known = {match.groups(): effects[name] for name, match in places.items() if match}
    rows, columns = (
        sorted(dict.fromkeys(names), key=_number) for names in zip(*known, strict=True)
    )
    values = [[known.get((row, column)) for column in columns] for row in rows]
    return Map(rows=tuple(rows), columns=tuple(columns), values=values)


def _number(name: str) -> int:
    return int(name[1:])


def _bars(facts: Facts) -> list[Json]:
    effects = facts.effects
    if len(effects) < FEWEST_BARS or facts.maps or _by_head(effects):
        return []
    largest = sorted(effects, key=lambda name: -abs(rounded(effects[name]) or 0.0))[:MOST_BARS]
    return [
        {
            "title": f"effects, the {len(largest)} largest of {len(effects):,}",
            "names": printed(largest),
            "values": [rounded(effects[name]) for name in largest],
        }
    ]


def _curves(claim: ClaimRecord) -> list[Json]:
    """Curves whose titles begin alike share a picture, and are named by the rest."""
    groups: list[list[str]] = []
    named = {title: _curve(drawn) for title, drawn in claim.facts.curves.items()}
    for title in named:
        if groups and _together(groups[-1][0], title, named):
            groups[-1].append(title)
        else:
            groups.append([title])
    return [_picture(claim, group, named) for group in groups]


def _together(one: str, other: str, named: Mapping[str, Curve]) -> bool:
    """Whether one axis serves both: where axes have no name, titles must be more alike."""
    first, second = (named[title].y_label for title in (one, other))
    alike = _LESS_ALIKE if first and first == second else _ALIKE
    return first == second and len(_beginning([one, other])) >= alike * min(len(one), len(other))


def _curve(drawn: Curve | Sequence[CurvePoint]) -> Curve:
    """Points have no band."""
    if isinstance(drawn, Curve):
        return drawn
    return Curve(x=tuple(point.x for point in drawn), y=tuple(point.y for point in drawn))


def _beginning(titles: Sequence[str]) -> str:
    """What all titles begin with."""
    columns = takewhile(lambda letters: len(set(letters)) == 1, zip(*titles, strict=False))
    return "".join(letters[0] for letters in columns)


def _picture(claim: ClaimRecord, titles: Sequence[str], named: Mapping[str, Curve]) -> Json:
    common = _beginning(titles)
    if any(title[len(common) :][:1] not in ("", " ", ",") for title in titles):
        common = common[: common.rfind(" ") + 1]
    lines = [_line(named[title]) | _line_then(claim, title, named[title]) for title in titles]
    for title, line in zip(titles, lines, strict=True):
        line["name"] = printable(title[len(common) :].strip(" ,") or titles[0])
    whole = _DANGLING.sub("", common.strip(" ,"))
    first = named[titles[0]]
    return {
        "title": printable(whole if len(titles) > 1 else titles[0]),
        "x_label": printable(first.x_label),
        "y_label": printable(first.y_label),
        "lines": lines,
        "marks": _marks(claim),
        "bound": None,
        "lacking": _lacking(lines) if has_then(claim) else "",
    }


def _line(drawn: Curve) -> Json:
    """A curve with its band, if it has one."""
    columns: Json = {"x": list(map(rounded, drawn.x)), "y": list(map(rounded, drawn.y))}
    if any(value is None for value in columns["x"]):
        columns["x"] = printed(drawn.x)
    bands = {"low": drawn.low, "high": drawn.high}
    return columns | {end: list(map(rounded, values)) for end, values in bands.items() if values}


def _line_then(claim: ClaimRecord, title: str, now: Curve) -> Json:
    """The curve of this title in the baseline, at the same places, with its band if it had one."""
    kept = drawn_then(claim).curves.get(title)
    if kept is None:
        return {}
    old = _curve(kept)
    columns = {"then": old.y, "then_low": old.low, "then_high": old.high}
    at = {name: dict(zip(old.x, values, strict=True)) for name, values in columns.items() if values}
    return {name: [rounded(known.get(x)) for x in now.x] for name, known in at.items()}


def _lacking(lines: Sequence[Json]) -> str:
    nothing = [[None] * len(line["x"]) for line in lines]
    then = [line.get("then", none) for line, none in zip(lines, nothing, strict=True)]
    return lacking(chain(*(line["y"] for line in lines)), chain(*then))


def _marks(claim: ClaimRecord) -> list[Json]:
    """Where a curve crosses: the switch points, with their intervals."""
    return [
        {
            "name": printable(name),
            "x": rounded(one.estimate),
            "low": rounded(one.low),
            "high": rounded(one.high),
        }
        for name, one in claim.statistics.items()
        if name.startswith("switch_point") and rounded(one.estimate) is not None
    ]


def _attention(facts: Facts) -> list[Json]:
    return [
        {
            "title": printable(f"{each.head} from {each.from_}"),
            "tokens": printed(each.tokens),
            "weights": list(map(rounded, each.weights)),
        }
        for each in facts.patterns
    ]


def _separations(facts: Facts) -> list[Json]:
    return [
        {
            "title": printable(title),
            "groups": [
                {"name": printable(name), "values": list(map(rounded, values))}
                for name, values in groups.items()
            ],
        }
        for title, groups in facts.separations.items()
    ]


def _flow(claim: ClaimRecord) -> list[Json]:
    """The residual stream's maps of `flow`, with the layer at which the effect is handed over."""
    if claim.check != "flow":
        return []
    facts, stream = claim.facts, " in resid_post"
    return [
        {
            **_compared_map(claim, title, each),
            "title": printable(title.removesuffix(stream)),
            "from": printable(str(facts.from_)),
            "to": printable(str(facts.to)),
            "handover": _handover(_estimates(claim), title),
            "handover_then": _handover(_estimates_then(claim), title),
        }
        for title, each in facts.maps.items()
        if title.endswith(stream)
    ]


def _handover(estimates: Mapping[str, float], title: str) -> float | None:
    """Of the metric that the title names, or of the only one."""
    found = {n: one for n, one in estimates.items() if n.partition("[")[0] == "handover"}
    named = [one for name, one in found.items() if name.partition("[")[2].rstrip("]") in title]
    return rounded(named[0]) if named else None


def _estimates(claim: ClaimRecord) -> dict[str, float]:
    return {name: one.estimate for name, one in claim.statistics.items()}


def _estimates_then(claim: ClaimRecord) -> dict[str, float]:
    compared = claim.comparison.statistics if claim.comparison else {}
    return {name: one.old for name, one in compared.items()}
