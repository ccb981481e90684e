"""A claim that is judged, and its figures."""

from __future__ import annotations

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, StatisticRecord


def statistic(
    estimate: float,
    verdict: Verdict | None,
    bound: str | None = ">= 0.3",
    low: float | None = None,
    **more: object,
) -> StatisticRecord:
    values = {
        "estimate": estimate,
        "low": estimate - 0.1 if low is None else low,
        "high": estimate + 0.1,
        "n": 12,
        "confidence": 0.95,
        "method": "bca",
        "family": 1,
        "bound": bound,
        "verdict": verdict,
    }
    return StatisticRecord.model_validate(values | more)


def claim(verdict: Verdict, **statistics: StatisticRecord) -> ClaimRecord:
    return ClaimRecord(
        id="mover",
        spec="specs/game.pp.yaml",
        line=7,
        check="patch",
        family="patching",
        model="demo",
        verdict=verdict,
        says="A head moves it.",
        on="game",
        source="Somebody 2024",
        expect={"recovery": ">= 0.3", "damage": "> 0.2"},
        statistics=statistics,
        facts={"prompts": 24, "units": 12},
        notes=("1 of 16 sites chosen on one half of the units, judged on the other",),
    )
