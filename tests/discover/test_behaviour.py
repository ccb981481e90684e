"""What a model answers, and what it writes where it seldom answers with the choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.phases import behaviour
from ppcheck.discover.study import Study
from tests.measure.lab import save, saying

Make = Callable[..., Laboratory]
SET = """\
ppcheck: 1
title: What comes after so
prompts:
  game:
    template: "{start} we {verb} so"
    vary: {start: [here, there, now, then, they, and], verb: [feel, see, go]}
    choices: {first: A, second: B}
"""
TALKS = {"so": {"go": 0.98, "B": 0.02}, "A": {".": 1.0}, "B": {".": 1.0}}


@pytest.fixture
def look(laboratory: Make, tmp_path: Path) -> Callable[..., list[Finding | Nothing]]:
    """What is said of the answers of a model in which words follow others."""

    def looked(following: Mapping[str, Mapping[str, float]]) -> list[Finding | Nothing]:
        path = tmp_path / "game.pp.yaml"
        path.write_text(SET)
        lab = laboratory(path, str(save(tmp_path / "model", saying(following)).path))
        return list(behaviour.look(Study(lab, lab.draft.sets["game"])))

    return looked


def test_replies_are_claimed_where_choices_are_not_the_next_token(
    look: Callable[..., list[Finding | Nothing]],
) -> None:
    mass, writes = look({**TALKS, "go": {"A": 1.0}})
    assert isinstance(mass, Nothing)
    assert isinstance(writes, Finding)
    assert writes.claim["expect"] == {"rate(first)": ">= 0.36"}
    assert writes.seen.endswith("most often 'go A'")


def test_replies_without_a_choice_are_not_claimed(
    look: Callable[..., list[Finding | Nothing]],
) -> None:
    _, writes = look({**TALKS, "go": {"on": 1.0}, "on": {".": 1.0}})
    assert isinstance(writes, Nothing)
    assert "writes none of the choices" in writes.said
    assert writes.said.endswith("most often 'go on'")


def test_a_model_that_answers_with_the_choices_is_not_asked_to_write(
    look: Callable[..., list[Finding | Nothing]],
) -> None:
    (mass,) = look({**TALKS, "so": {"A": 0.9, "B": 0.1}})
    assert isinstance(mass, Finding)


def test_what_it_writes_is_left_out_where_it_takes_too_much_of_the_time(
    laboratory: Make, tmp_path: Path
) -> None:
    path = tmp_path / "game.pp.yaml"
    path.write_text(SET)
    lab = laboratory(path, str(save(tmp_path / "model", saying(TALKS)).path))
    study = Study(lab, lab.draft.sets["game"])
    study.look("choice", "game", ["mass"], choice="first")
    lab.seconds = 1e-9
    _, writes = behaviour.look(study)
    assert isinstance(writes, Nothing)
    assert writes.said.startswith("what the model writes was not looked at: it takes about")
