"""Attention in prompts of one class against that in prompts of another, unpaired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from tests.measure.checks.test_attention import FEELING, uniform
from tests.measure.checks.test_flow import relay
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    bench,
    by_name,
    claim,
    estimates,
    game,
    problems,
    texts_of,
    token,
    verdict,
)

PAIN, NEUTRAL = "game[feeling=pain]", "game[feeling=neutral]"
APART = game(unit=["feeling", "start", "strength"])
"""No unit has prompts of two classes."""
FIELDS: dict[str, Any] = {"on": PAIN, "to": "feeling", "against_on": NEUTRAL}


def seeking(model: Any) -> None:
    """Head L1H0 looks at the feeling where it is pain, and at all tokens alike where it is not."""
    relay(1)(model)
    words, position = model.transformer.wte.weight, model.transformer.wpe.weight
    position.zero_()
    for word in ("pain", "agony"):
        words[token(word), 4], words[token(word), 5] = 2, -2


def classes(texts: list[str]) -> tuple[list[str], list[str]]:
    pained = [text for text in texts if {"pain", "agony"} & set(text.split())]
    return pained, [text for text in texts if text not in pained]


def test_the_difference_is_that_of_two_means_of_transformers_patterns(tiny: Model) -> None:
    on = bench(tiny, APART)
    found = claim("attention", site="L1H0", **FIELDS).measure(on)
    values, behind = estimates(found), by_name(found)["difference"]
    means = [
        np.mean([tiny.attention(text)[1, 0, -1, FEELING] for text in texts])
        for texts in classes(texts_of(on))
    ]
    assert values["attention"] == pytest.approx(means[0], abs=1e-6)
    assert values["against"] == pytest.approx(means[1], abs=1e-6)
    assert values["difference"] == pytest.approx(means[0] - means[1], abs=1e-6)
    assert behind.statistic.n_units == 96
    assert behind.contributions.mean() == pytest.approx(values["difference"])
    text = behind.examples[0]
    pull = tiny.attention(text)[1, 0, -1, FEELING] - means[1]
    assert behind.contributions[0] == pytest.approx(pull, abs=1e-6)
    assert found.facts.prompts == 96


def test_a_head_that_looks_at_pain_and_at_nothing_else(planted: Callable[[Plant], Model]) -> None:
    """By hand: 1 where there is pain, a sixth where there is not."""
    on = bench(planted(seeking), APART)
    found = estimates(claim("attention", site=["L1H0", "L1H1"], **FIELDS).measure(on))
    assert found["attention L1H0"] == pytest.approx(1, abs=1e-6)
    assert found["against L1H0"] == pytest.approx(1 / 6, abs=1e-6)
    assert found["difference L1H0"] == pytest.approx(5 / 6, abs=1e-6)
    assert found["difference L1H1"] == pytest.approx(0, abs=1e-6)
    for site, verdict_of in (("L1H0", Verdict.HOLDS), ("L1H1", Verdict.FAILS)):
        wanted = claim("attention", site=site, **FIELDS, expect={"difference": ">= 0.5"})
        assert verdict(wanted, on) == verdict_of


def test_a_head_that_looks_everywhere_tells_no_classes_apart(
    planted: Callable[[Plant], Model],
) -> None:
    wanted = claim("attention", site="L1H0", **FIELDS, expect={"difference": "> 0.01"})
    assert verdict(wanted, bench(planted(uniform), APART)) == Verdict.FAILS


def test_any_token_may_be_compared(tiny: Model) -> None:
    """Attention to the first token in prompts of pain, and to the second in the others."""
    on = bench(tiny, APART)
    fields = {"on": PAIN, "to": 0, "against_on": NEUTRAL, "against": 1}
    found = estimates(claim("attention", site="L0H1", **fields).measure(on))
    pained, rest = classes(texts_of(on))
    first = np.mean([tiny.attention(text)[0, 1, -1, 0] for text in pained])
    second = np.mean([tiny.attention(text)[0, 1, -1, 1] for text in rest])
    assert found["difference"] == pytest.approx(first - second, abs=1e-6)


def test_top_chooses_and_judges_on_other_units_of_both_groups(
    planted: Callable[[Plant], Model],
) -> None:
    wanted = claim("attention", site="L*H*", **FIELDS, top=1)
    found = wanted.measure(bench(planted(seeking), APART))
    assert found.facts.kept == ("L1H0",)
    assert by_name(found)["difference L1H0"].statistic.n_units == 48


def test_without_the_other_prompts_the_message_names_them(tiny: Model) -> None:
    wanted = claim("attention", site="L0H0", to="feeling=pain", against="feeling=neutral")
    with pytest.raises(MeasurementError, match="or name the others in `against_on`"):
        wanted.measure(bench(tiny, APART))


def test_all_prompts_are_counted_before_there_is_a_model(tiny: Model) -> None:
    grid = bench(tiny, APART).grid
    wanted = claim("attention", site="L0H0", **FIELDS)
    assert (wanted.units(grid), wanted.most_units(grid, "difference")) == (96, 96)
    assert claim("attention", site="L0H0", on=PAIN, to="feeling").units(grid) == 48


@pytest.mark.parametrize(
    ("against_on", "message"),
    [("others", "select from these"), ("game[feeling=joy]", "no class or word 'joy'")],
)
def test_unknown_prompts_are_refused(against_on: str, message: str) -> None:
    wanted = claim("attention", site="L0H0", to="feeling", against_on=against_on)
    assert message in problems(wanted, GAME)["against_on"]
