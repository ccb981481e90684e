from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from ppcheck.judge.verdict import Verdict
from ppcheck.statistics.statistics import Proportion
from ppcheck.subject.subject import Subject
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
    game,
    last,
    problems,
    texts_of,
    token,
    verdict,
)

TOKENS = [token("A"), token("B")]
ALL_TO_A = answering(dict.fromkeys(["so"], 0.5))


def test_rate_probability_and_mass_are_those_of_transformers(tiny: Model) -> None:
    on = bench(tiny)
    logits = last(tiny, texts_of(on))
    shares = softmax(logits[:, TOKENS], axis=1)
    found = estimates(claim("choice", choice="b").measure(on))
    assert found["rate"] == pytest.approx((shares[:, 1] > shares[:, 0]).mean())
    assert found["probability"] == pytest.approx(shares[:, 1].mean(), abs=1e-5)
    mass = softmax(logits, axis=1)[:, TOKENS].sum(axis=1).mean()
    assert found["mass"] == pytest.approx(mass, abs=1e-5)


def test_values_are_kept_for_each_prompt(tiny: Model) -> None:
    on = bench(tiny)
    behind = by_name(claim("choice", choice="a").measure(on))["probability"]
    assert list(behind.examples) == texts_of(on)
    np.testing.assert_array_equal(behind.contributions, behind.statistic.values())
    assert behind.statistic.n_units == 6


@given(st.integers(1, 3))
@settings(max_examples=3, deadline=None)
def test_probabilities_of_all_choices_sum_to_one(tiny: Model, synonyms: int) -> None:
    prompts = game(choices={"a": ["A", "go", "on"][:synonyms], "b": "B", "c": "C so"})
    probabilities = [
        estimates(claim("choice", choice=name).measure(bench(tiny, prompts)))["probability"]
        for name in ("a", "b", "c")
    ]
    assert sum(probabilities) == pytest.approx(1)


def test_a_claim_about_a_choice_holds_fails_and_turns_with_the_weights(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(ALL_TO_A), game(unit=["start", "strength"]))
    assert verdict(claim("choice", choice="a", expect={"rate": ">= 0.6"}), on) == Verdict.HOLDS
    assert verdict(claim("choice", choice="b", expect={"rate": ">= 0.6"}), on) == Verdict.FAILS


def test_a_tie_is_no_choice(planted: Callable[[Plant], Model]) -> None:
    on = bench(planted(answering({})))
    for name in ("a", "b"):
        found = estimates(claim("choice", choice=name).measure(on))
        assert found["rate"] == 0
        assert found["probability"] == pytest.approx(0.5)


def test_rate_is_a_proportion(tiny: Model) -> None:
    behind = by_name(claim("choice", choice="a").measure(bench(tiny)))["rate"]
    assert isinstance(behind.statistic, Proportion)


@pytest.mark.parametrize(
    ("choice", "choices", "message"),
    [
        ("aa", GAME["choices"], "did you mean 'a'"),
        ("a", {"a": "A"}, "no other choice"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    choice: str, choices: dict[str, str], message: str
) -> None:
    assert message in problems(claim("choice", choice=choice), game(choices=choices))["choice"]


def test_the_demo_model_answers_with_its_options(demo: Subject) -> None:
    wanted = claim("choice", choice="with", expect={"mass": ">= 0.99"})
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
