"""Direct attribution of clean minus corrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.plan import plan
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.measure.checks.test_attribution import ALL, METRIC, by_hand
from tests.measure.checks.test_flow import relay, swapped
from tests.measure.lab import (
    DEMO,
    GAME,
    Model,
    Plant,
    answering,
    bench,
    by_name,
    claim,
    estimates,
    last,
    problems,
    read_back,
    sides_of,
    texts_of,
    token,
    verdict,
)

PAIRS = {"feeling": ["pain", "neutral"]}
DEFAULT = 3.0
COMMON = 20.0
"""What all words have in two coordinates: much more than what tells them apart."""
VALUES = {"pain": 2.0, "agony": 1.0, "light": -1.0, "hum": -2.0}


def biased(model: Any) -> None:
    """Block 1 takes the feeling to the end, where the last word prefers A whatever it is."""
    relay(1)(model)
    words = model.transformer.wte.weight
    words[:, 0], words[:, 1] = COMMON, -COMMON
    words[token("so"), 6], words[token("so"), 7] = DEFAULT, -DEFAULT


def preferred(feeling: str) -> tuple[float, float]:
    """What the last word and the head add to A minus B in `biased`, worked out by hand.

    Each norm divides by the root of the mean square over 16 coordinates; the unembedding takes six
    times coordinate 6.
    """
    value = VALUES[feeling]
    brought = 2 * value / np.sqrt((2 * COMMON**2 + 2 * value**2 + 2 * 1**2) / 16)
    scale = np.sqrt((2 * COMMON**2 + 2 * (DEFAULT + brought) ** 2) / 16)
    return float(6 * DEFAULT / scale), float(6 * brought / scale)


def test_the_difference_is_carried_by_the_head_that_brings_it(
    planted: Callable[[Plant], Model],
) -> None:
    """Without pairs most is written by the last word, which is the same in both prompts."""
    on = bench(planted(biased))
    fields: dict[str, Any] = {"site": ["embed", "L1H0"], "metric": METRIC}
    alone = estimates(claim("attribution", on="game[feeling=pain]", **fields).measure(on))
    found = estimates(claim("attribution", **fields, pairs=PAIRS).measure(on))
    pain, agony, light, hum = (np.array(preferred(word)) for word in VALUES)
    default, brought = (pain - light + agony - hum) / 2
    assert found["attribution L1H0"] == pytest.approx(brought, rel=1e-4)
    assert found["attribution embed"] == pytest.approx(default, rel=1e-4)
    assert found["gap"] == pytest.approx(default + brought, rel=1e-4)
    assert found["share L1H0"] == pytest.approx(brought / (default + brought), rel=1e-4)
    assert alone["attribution embed"] == pytest.approx((pain + agony)[0] / 2, rel=1e-4)
    assert alone["share embed"] > 0.8
    assert abs(found["share embed"]) < 0.1


def test_a_claim_about_the_difference_holds_and_fails(planted: Callable[[Plant], Model]) -> None:
    on = bench(planted(biased))
    for site, verdict_of in (("L1H0", Verdict.HOLDS), ("L1H1", Verdict.FAILS)):
        expect = {"share": ">= 0.9", "gap": "> 0.3"}
        wanted = claim("attribution", site=site, metric=METRIC, pairs=PAIRS, expect=expect)
        assert verdict(wanted, on) == verdict_of


def test_each_pair_is_the_difference_of_what_hooks_see(tiny: Model) -> None:
    on = bench(tiny)
    found = claim("attribution", site=ALL, metric=METRIC, pairs=PAIRS).measure(on)
    clean = [text for text in texts_of(on) if {"pain", "agony"} & set(text.split())]
    twins = list(map(swapped, clean))
    sides = [[by_hand(tiny, text) for text in texts] for texts in (clean, twins)]
    logits = last(tiny, clean) - last(tiny, twins)
    gaps = logits[:, token("A")] - logits[:, token("B")]
    behind = by_name(found)
    assert [sides_of(text) for text in behind["gap"].examples] == list(
        zip(clean, twins, strict=True)
    )
    np.testing.assert_allclose(behind["gap"].contributions, gaps, atol=1e-5)
    for site in sides[0][0].keys() - {"biases"}:
        added = np.array([one[site] - other[site] for one, other in zip(*sides, strict=True)])
        contributions = behind[f"attribution {site}"].contributions
        np.testing.assert_allclose(contributions, added, atol=1e-5, err_msg=site)
        share = estimates(found)[f"share {site}"]
        assert share == pytest.approx(added.sum() / gaps.sum(), rel=1e-3, abs=1e-4)


def test_the_parts_add_up_to_the_difference(tiny: Model) -> None:
    found = claim("attribution", site="L*H*", metric=METRIC, pairs=PAIRS).measure(bench(tiny))
    gap, parts = estimates(found)["gap"], found.facts.extras["parts"]
    assert sum(parts.values()) == pytest.approx(gap, abs=1e-5)
    assert parts["biases"] == pytest.approx(0, abs=1e-6)  # both sides have the same
    assert found.facts.extras["untouched"] == pytest.approx(gap, abs=1e-5)
    every = found.facts.maps[f"added to {METRIC}, clean - corrupted by all parts"]
    cells = [cell for row in every.values for cell in row if cell is not None]
    assert sum(cells) == pytest.approx(gap, abs=1e-5)
    assert read_back(found.facts) == found.facts


def test_the_largest_difference_is_chosen_on_one_half(planted: Callable[[Plant], Model]) -> None:
    wanted = claim("attribution", site=["embed", "L*H*"], metric=METRIC, pairs=PAIRS, top=1)
    found = wanted.measure(bench(planted(biased)))
    assert found.facts.kept == ("L1H0",)
    assert by_name(found)["share L1H0"].statistic.n_units == 3


def test_what_does_not_tell_the_two_apart_has_no_parts(planted: Callable[[Plant], Model]) -> None:
    """The last word alone decides, and it is the same in both."""
    wanted = claim("attribution", site="embed", metric=METRIC, pairs=PAIRS)
    with pytest.raises(MeasurementError, match="same on clean and corrupted"):
        wanted.measure(bench(planted(answering({"so": 1.0}))))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [({"feeling": ["pain", "joy"]}, "no class 'joy'"), ({"mood": ["a", "b"]}, "no template has")],
)
def test_unknown_pairs_are_refused(pairs: dict[str, Any], message: str) -> None:
    wanted = claim("attribution", site="L0H0", metric=METRIC, pairs=pairs)
    assert message in problems(wanted)["pairs"]


def test_the_whole_is_called_gap_or_total() -> None:
    names = {
        key: set(claim("attribution", site="L0H0", metric=METRIC, pairs=pairs).statistics())
        for key, pairs in (("alone", None), ("pairs", PAIRS))
    }
    assert names["pairs"] ^ names["alone"] == {"gap", "total"}


def test_pairs_are_suggested_where_the_prompts_have_them() -> None:
    def advice(on: str, pairs: Any = None, without: str = "") -> list[str]:
        wanted = claim("attribution", on=on, site="L0H0", metric=METRIC, pairs=pairs)
        prompts = {key: value for key, value in GAME.items() if key != without}
        return list(wanted.advice(Grid(PromptSet.model_validate(prompts), Path())))

    (said,) = advice("game")
    assert "`pairs: {feeling: [pain, neutral]}` reads what differs" in said
    assert advice("game", PAIRS) == []
    assert advice("game[feeling=neutral]") == []
    assert advice("game", without="pairs") == []


def test_a_plan_counts_both_sides(demo: Subject) -> None:
    grid = Grid(PromptSet.model_validate(DEMO), Path())
    fields = {"site": "L1H1", "metric": "logit_diff(with, without)"}
    alone = plan(demo, {"it": (claim("attribution", **fields), grid)}, Memory())
    both = plan(demo, {"it": (claim("attribution", **fields, pairs=PAIRS), grid)}, Memory())
    assert both.refused == {}
    assert both.members("direct") == 2 * alone.members("direct")
