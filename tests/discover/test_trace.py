"""What differs between the prompts of a set."""

from __future__ import annotations

from typing import Any

from ppcheck.discover.trace import class_traces, doses
from ppcheck.spec.prompts.prompt_set import PromptSet

GAME: dict[str, Any] = {
    "template": "{who} feel {strength} {feeling} so",
    "vary": {
        "who": ["we", "they"],
        "strength": {"ordered": ["mild", "firm", "severe"]},
        "feeling": {"neutral": ["hum"], "pain": ["pain"], "joy": ["joy"]},
    },
    "choices": {"a": "A", "b": "B"},
    "pairs": {"feeling": ["pain", "neutral"]},
}


def of(**changes: Any) -> PromptSet:
    return PromptSet.model_validate(GAME | changes)


def test_the_declared_pair_comes_first_and_others_are_against_the_same_class() -> None:
    traces = [(one.clean, one.corrupted) for one in class_traces("game", of())]
    assert traces == [("pain", "neutral"), ("joy", "neutral")]


def test_classes_are_paired_where_no_pair_is_declared() -> None:
    traces = [(one.clean, one.corrupted) for one in class_traces("game", of(pairs={}))]
    assert traces == [("neutral", "pain"), ("neutral", "joy"), ("pain", "joy")]


def test_classes_that_no_template_shows_are_no_difference() -> None:
    hidden = of(template="{who} feel {strength} so", choices={"a": "{feeling}"}, pairs={})
    assert class_traces("game", hidden) == []


def test_a_dose_is_followed_within_each_class() -> None:
    found = list(doses("game", of()))
    assert [(trace.on, trace.pairs, words) for trace, words in found] == [
        (f"game[feeling={label}]", {"strength": ["severe", "mild"]}, 3)
        for label in ("neutral", "pain", "joy")
    ]


def test_selections_are_of_the_class_that_differs() -> None:
    (pain, *_) = class_traces("game", of())
    assert pain.on_clean == "game[feeling=pain]"
    assert pain.on_corrupted == "game[feeling=neutral]"
    assert pain.id == "pain-not-neutral"
