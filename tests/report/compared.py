"""Claims made up for the page's tests, each against its baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, ComparedStatistic, Comparison
from tests.report.runs import HEADS, claim, statistic

KNOWN = {"prompts": 400, "units": 40}
LAYERS = {f"resid_post.L{layer}": 0.1 * layer for layer in (0, 10, 2, 1, 3, 4, 5, 6, 7, 8, 9)}
DOSES = {"x": [0.0, 1.0, 2.0], "x_label": "dose", "y": [0.9, 0.5, 0.1]}


def step(old: float, new: float, **changes: Any) -> ComparedStatistic:
    fields: dict[str, Any] = {
        "change": Change.UNCHANGED,
        "old": old,
        "new": new,
        "difference": new - old,
        "low": new - old - 0.05,
        "high": new - old + 0.05,
        "n": 40,
        "confidence": 0.999,
        "tolerance": 0.05,
    }
    return ComparedStatistic(**fields | changes)


def against(
    statistics: Mapping[str, ComparedStatistic], then: Mapping[str, Any] | None = None
) -> Comparison:
    """A comparison of these statistics, with what was drawn before."""
    return Comparison.model_validate(
        {
            "change": Change.UNCHANGED,
            "baseline": "good.json",
            "verdict": Verdict.HOLDS,
            "statistics": dict(statistics),
            "then": then or {},
        }
    )


def of_layers(**changes: Any) -> ClaimRecord:
    """A family with one member a layer, given out of order, each with its interval."""
    figures = {
        f"recovery[{name}]": statistic(estimate=value, low=value - 0.05, bound=">= 0.4")
        for name, value in LAYERS.items()
    }
    return claim(
        **{"id": "layers", "statistics": figures, "facts": KNOWN | {"effects": LAYERS}} | changes
    )


def compared_layers() -> ClaimRecord:
    """The same, each layer a tenth less than it was."""
    steps = {f"recovery[{name}]": step(value + 0.1, value) for name, value in LAYERS.items()}
    return of_layers(comparison=against(steps))


def compared_pictures() -> list[ClaimRecord]:
    """A claim for each kind of picture that has then, now and difference, and one that lost it."""
    earlier = HEADS | {"values": [[0.1 for _ in range(4)] for _ in range(4)]}
    recovery = {"recovery": step(0.6, 0.4)}
    curve = {"curves": {"p(a) by dose": DOSES}}
    flow = {"maps": {"recovery of p(a) in resid_post": HEADS}}
    return [
        claim(
            id="map",
            facts=KNOWN | {"maps": {"recovery": HEADS}},
            comparison=against(recovery, {"maps": {"recovery": earlier}}),
        ),
        claim(
            id="curve",
            facts=KNOWN | curve,
            comparison=against(recovery, {"curves": {"p(a) by dose": DOSES | {"y": [1, 1, 1]}}}),
        ),
        claim(
            id="flow",
            check="flow",
            facts=KNOWN | flow | {"from": "H0", "to": "H3"},
            comparison=against(recovery, {"maps": {"recovery of p(a) in resid_post": earlier}}),
        ),
        claim(id="lost", facts=KNOWN | curve, comparison=against(recovery)),
    ]
