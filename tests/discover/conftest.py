"""A file with prompts about the demo's game, and laboratories in which to look at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ppcheck.discover.draft import read_draft
from ppcheck.discover.laboratory import Laboratory, Model
from ppcheck.subject.load import load, resolve
from ppcheck.subject.store import Memory

DOSES = "{ordered: [faint, mild, extreme]}"
FEELINGS = "{pain: [pain, agony, ache], neutral: [light, sound, breeze]}"
GAME = f"""\
# yaml-language-server: $schema=./ppcheck.schema.json
ppcheck: 1
title: The demo model weighs points against pain
prompts:
  game:
    template:
      - "{{opening}} . choose {{felt}} for {{stake}} points and {{intensity}} {{feeling}} .
         choose {{plain}} for 3 points . {{closing}} choose"
      - "{{opening}} . choose {{plain}} for 3 points .
         choose {{felt}} for {{stake}} points and {{intensity}} {{feeling}} . {{closing}} choose"
    vary:
      opening: [hello, a small game, here are two options]   # all mean the same
      closing: [so, it is time to, weigh them and then]
      felt: [A, B]
      plain: [B, A]
      stake: [5, 6]
      intensity: {DOSES}
      feeling: {FEELINGS}
    together: [[felt, plain]]
    choices: {{felt: "{{felt}}", plain: "{{plain}}"}}
    pairs: {{feeling: [pain, neutral]}}
    sample: 40
"""
UNFIT = """\
ppcheck: 1
title: A set with all that cannot be looked at
prompts:
  table:
    template: "{who} so"
    vary: {who: [we, they]}
    choices: {a: A}
    population: fixed
  mute:
    template: "{who} so"
    vary: {who: [we, they]}
  few:
    template: "{who} so"
    vary: {who: [we, they]}
    choices: {a: A}
"""


@pytest.fixture
def game(tmp_path: Path) -> Path:
    path = tmp_path / "game.pp.yaml"
    path.write_text(GAME)
    return path


@pytest.fixture(scope="session")
def models() -> dict[str, Model]:
    return {}


@pytest.fixture
def laboratory(models: dict[str, Model]) -> Callable[..., Laboratory]:
    """A laboratory with a file and a model; what a model was asked once it knows in all tests."""

    def made(path: Path, model: str = "demo", seconds: float | None = None) -> Laboratory:
        if model not in models:
            ref = resolve(model)
            models[model] = Model(ref, load(ref), Memory(), None, seed=0)
        return Laboratory(models[model], read_draft(path), seconds)

    return made
