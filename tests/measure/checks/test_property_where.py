"""Properties of draws whose words are related: `where`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from tests.measure.checks.test_property import ALWAYS, IDS, counterexample, from_word
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    bench,
    by_name,
    claim,
    game,
    problems,
    token,
)


def test_a_counterexample_is_one_that_the_relations_allow(
    planted: Callable[[Plant], Model],
) -> None:
    """Every number from 7 on breaks it: with m above it the smallest draw is 7 and 8."""
    two = {**IDS, "ids": [token("we"), "{m}", "{n}"], "vary": {"n": ["0"], "m": ["0"]}}
    numbers = {"n": {"integers": [0, 19]}, "m": {"integers": [0, 19]}}
    on = bench(planted(from_word(7)), two)

    def found(**where: Any) -> dict[str, str]:
        asked = claim("property", forall=numbers, always=ALWAYS, **where)
        measurement = asked.measure(on)
        drawn = by_name(measurement)["violations"].examples
        pairs = [tuple(map(int, text.split("'")[1].split()[1:])) for text in drawn]
        assert all(m > n for m, n in pairs) is bool(where)
        words: dict[str, str] = counterexample(measurement)["words"]
        return words

    assert found() == {"n": "7", "m": "0"}
    assert found(where="n < m") == {"n": "7", "m": "8"}


def test_the_relations_stand_in_the_facts(tiny: Model) -> None:
    forall = {"start": {"sampled": ["here", "on"]}, "strength": {"sampled": ["here", "mild"]}}
    asked = claim("property", forall=forall, always="p(a) > 0.5", where="start != strength")
    assert asked.measure(bench(tiny)).facts.extras["where"] == "start != strength"


def test_a_relation_that_almost_no_draw_meets_is_seen_without_a_model() -> None:
    low, high = {"integers": [1, 3]}, {"integers": [3, 9]}
    asked = claim("property", forall={"x": high, "y": low}, always=ALWAYS, where="x < y")
    prompts = {**GAME, "template": "{x} {y}", "vary": {"x": ["1"], "y": ["1"]}, "pairs": {}}
    grid = Grid(PromptSet.model_validate(prompts), Path())
    (problem,) = asked.faults(grid)
    assert problem.key == "where"
    assert "0 of 10,100 draws meet `x < y`" in problem.message
    possible = claim("property", forall={"x": high, "y": low}, always=ALWAYS, where="x <= y")
    assert not list(possible.faults(grid))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("start < strength", "`start < strength` compares numbers, and 'start' may be 'here'"),
        ("start != strenth", "no variable 'strenth': did you mean 'strength'?"),
        ("feeling != strength", "about nothing that `forall` draws"),
    ],
)
def test_what_is_wrong_with_a_relation_is_seen_without_a_model(where: str, message: str) -> None:
    asked = claim(
        "property", forall={"start": {"sampled": ["here", "on"]}}, always=ALWAYS, where=where
    )
    assert message in problems(asked)["where"]


def test_a_word_of_the_prompts_own_that_is_not_a_number_is_refused() -> None:
    asked = claim("property", forall={"n": {"integers": [1, 9]}}, always=ALWAYS, where="n < start")
    prompts = game(template="{start} {n} so", vary={"start": ["1", "here"], "n": ["1"]}, pairs={})
    (problem,) = asked.faults(Grid(PromptSet.model_validate(prompts), Path()))
    assert (problem.key, problem.message) == (
        "where",
        "`n < start` compares numbers, and 'start' may be 'here'",
    )
