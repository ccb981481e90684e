from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.judge.ceiling import Ceiling, ceilings
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.statistics.statistics import Mean, Proportion
from tests.measure.lab import claim, game

WORDS = ["here", "there", "now", "then", "they", "on", "go", "see", "and", "we", "joy", "shade"]


def of(check: str, units: int, **fields: Any) -> list[Ceiling]:
    vary = {
        "start": WORDS[:units],
        "strength": {"ordered": ["mild", "firm"]},
        "feeling": {"pain": ["pain", "agony"], "neutral": ["light", "hum"]},
    }
    grid = Grid(PromptSet.model_validate(game(vary=vary)), Path())
    return list(ceilings(claim(check, **fields), grid))


@pytest.mark.trust
@pytest.mark.parametrize(
    ("units", "bound", "needed"),
    [(10, ">= 0.8", 17), (10, ">= 0.69", None), (12, "> 0.9", 35), (10, "<= 0.1", 35)],
)
def test_a_rate_has_a_ceiling_that_its_units_give(
    units: int, bound: str, needed: int | None
) -> None:
    found = of("contrast", units, metric="p(a)", expect={"positive": bound})
    assert [each.needed for each in found] == ([] if needed is None else [needed])
    for each in found:
        best = np.full(each.units, bound[0] == ">")
        rate = Proportion(best, np.arange(each.units), "positive")
        judgement = judge([rate], {"positive": Bound.parse(bound)}, seed=0)
        assert judgement.verdict is Verdict.INCONCLUSIVE
        assert each.best == pytest.approx(
            (judgement.findings[0].estimate.low, judgement.findings[0].estimate.high)
        )


@pytest.mark.trust
def test_with_as_many_units_as_are_named_the_bound_can_hold() -> None:
    (found,) = of("contrast", 10, metric="p(a)", expect={"positive": ">= 0.8"})
    assert found.needed is not None
    for units, verdict in ((found.needed, Verdict.HOLDS), (found.needed - 1, Verdict.INCONCLUSIVE)):
        rate = Proportion(np.ones(units, dtype=bool), np.arange(units), "positive")
        assert judge([rate], {"positive": found.bound}, seed=0).verdict is verdict


@pytest.mark.trust
def test_what_top_looks_at_is_not_judged() -> None:
    probe = {"site": "resid_post.L*", "separates": {"feeling": ["pain", "neutral"]}, "top": 1}
    (found,) = of("probe", 12, **probe, expect={"accuracy": ">= 0.6"})
    assert (found.units, found.needed) == (6, 8)
    right = Mean(np.ones(6), np.arange(6), "accuracy", support=(0, 1))
    (finding,) = judge([right], {"accuracy": found.bound}, seed=0).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert found.best == pytest.approx((finding.estimate.low, finding.estimate.high))


@pytest.mark.trust
def test_a_rank_among_random_circuits_is_as_sure_as_there_are_circuits() -> None:
    circuit = {"nodes": "L0H0", "ablation": "zero", "metric": "p(a)"}
    beats = {"expect": {"beats_random": ">= 0.9"}}
    (found,) = of("circuit", 12, **circuit, random=8, **beats)
    assert found.units == 8
    assert not of("circuit", 12, **circuit, random=8, expect={"beats_random": ">= 0.6"})


def test_a_family_is_surer_only_with_more_units() -> None:
    probe = {"separates": {"feeling": ["pain", "neutral"]}, "expect": {"accuracy": ">= 0.7"}}
    assert not of("probe", 12, site="resid_post.L0", **probe)
    (found,) = of("probe", 12, site=["resid_post.L[0-1]", "L0H[0-1]"], **probe)
    assert found.units == 12


def test_what_lies_between_the_ends_has_no_ceiling() -> None:
    probe = {"site": "resid_post.L0", "separates": {"feeling": ["pain", "neutral"]}}
    assert not of("probe", 5, **probe, expect={"accuracy": "0.4..0.6"})
    (found,) = of("contrast", 5, metric="p(a)", expect={"positive": "0.45..0.55"})
    assert found.needed is not None
