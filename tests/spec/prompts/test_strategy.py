from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import TypeAdapter

from ppcheck.spec.prompts.strategy import Strategy, StrategyField

GOOD = [
    ({"integers": [1, 9]}, Strategy("integers", 1, 9)),
    ({"sampled": ["so", 5]}, Strategy("sampled", 1, 1, ("so", "5"))),
    ({"subset": ["a", "b"]}, Strategy("subset", 0, 2, ("a", "b"))),
    ({"subset": ["a", "b"], "at_least": 1}, Strategy("subset", 1, 2, ("a", "b"))),
    ({"filler": ["a"], "at_most": 20}, Strategy("filler", 0, 20, ("a",))),
    ({"filler": ["a"]}, Strategy("filler", 0, 8, ("a",))),
]
BAD = [
    (["a"], "a strategy is"),
    ({}, "a strategy is"),
    ({"words": ["a"]}, "got 'words'"),
    ({"integers": [1, 9], "sampled": ["a"]}, "got 'integers and sampled'"),
    ({"integers": [9, 1]}, "the first and the last"),
    ({"integers": [1, True]}, "the first and the last"),
    ({"integers": 9}, "the first and the last"),
    ({"integers": [1, 9], "at_least": 1}, "no meaning beside `integers`"),
    ({"subset": ["a"], "at_mots": 1}, "did you mean 'at_most'?"),
    ({"sampled": []}, "takes a list of words"),
    ({"sampled": ["a", "a"]}, "different words"),
    ({"filler": ["a", ""]}, "none of them empty"),
    ({"subset": ["a"], "at_most": 2}, "numbers up to 1"),
    ({"filler": ["a"], "at_least": 9}, "numbers up to 100"),
    ({"filler": ["a"], "at_least": -1}, "a number of words"),
]


@pytest.mark.parametrize(("value", "strategy"), GOOD)
def test_strategies_are_read(value: dict[str, Any], strategy: Strategy) -> None:
    assert Strategy.parse(value) == strategy


@pytest.mark.parametrize(("value", "message"), BAD)
def test_what_is_no_strategy_is_refused_with_what_would_be_one(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Strategy.parse(value)


def test_the_schema_accepts_what_is_read() -> None:
    schema = Draft202012Validator(TypeAdapter(StrategyField).json_schema())
    assert all(schema.is_valid(value) for value, _ in GOOD)
    assert not schema.is_valid({"words": ["a"]})
    assert not schema.is_valid({"integers": [1, 9], "at_least": 1})


def test_a_strategy_is_said_in_words() -> None:
    said = [str(strategy) for _, strategy in GOOD]
    assert said == [
        "an integer from 1 to 9",
        "one of so, 5",
        "0 to 2 of a, b",
        "1 to 2 of a, b",
        "0 to 20 times one of a",
        "0 to 8 times one of a",
    ]
