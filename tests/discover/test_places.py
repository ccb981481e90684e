"""What stands at a place to the token that looks there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppcheck.discover.places import Kind, is_final, places, repeats
from ppcheck.measure.core.check import Bench
from tests.measure.lab import bench, save

AGAIN: dict[str, Any] = {
    "template": "{start} {x} {y} so {z} {x}",
    "vary": {"start": ["here", "now"], "x": ["A", "C"], "y": ["pain", "hum"], "z": ["we", "they"]},
    "choices": {"yes": "{y}", "no": "{z}"},
}


@pytest.fixture
def on(tmp_path: Path) -> Bench:
    return bench(save(tmp_path / "model"), AGAIN)


def kinds(on: Bench, position: str, answer: str = "yes") -> dict[str, Kind]:
    return {each.name: each.kind for each in places(on, "game", position, answer)}


def test_a_repeated_word_is_distinguished_from_what_followed_it(on: Bench) -> None:
    assert kinds(on, "final") == {
        "start": Kind.FIRST,
        "x[0]": Kind.DUPLICATE,
        "y": Kind.INDUCTION,
        "z": Kind.PREVIOUS,
        "final": Kind.PLAIN,
    }


def test_an_answer_that_follows_no_repeated_word_is_an_answer(on: Bench) -> None:
    assert kinds(on, "z")["y"] is Kind.ANSWER
    assert kinds(on, "z", answer="no")["y"] is Kind.PLAIN


def test_where_no_variable_stands_before_the_token_before_is_a_place(on: Bench) -> None:
    assert kinds(on, "z")["previous"] is Kind.PREVIOUS


def test_a_first_token_outside_every_variable_is_named_by_its_number(tmp_path: Path) -> None:
    on = bench(save(tmp_path / "model"), {**AGAIN, "template": "so {start} {x} {y} and {z} {x}"})
    assert kinds(on, "final")["0"] is Kind.FIRST


def test_a_word_that_is_the_same_in_all_prompts_is_not_a_repeat(tmp_path: Path) -> None:
    fixed = {**AGAIN, "vary": {**AGAIN["vary"], "x": ["A"]}}
    on = bench(save(tmp_path / "model"), fixed)
    assert Kind.INDUCTION not in kinds(on, "final").values()
    assert not repeats(on, "game", "final")


def test_only_the_word_that_stood_before_repeats(on: Bench) -> None:
    assert repeats(on, "game", "final")
    assert not repeats(on, "game", "y")


def test_the_last_token_is_final_whatever_it_is_called(on: Bench) -> None:
    assert is_final(on, "game", "x")
    assert not is_final(on, "game", "y")
