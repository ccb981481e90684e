from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ppcheck.demo import weights_path

SPEC = """
ppcheck: 1
title: one behaviour, one role
prompts:
  game:
    template: "{opening} . choose {felt} for {stake} points and {intensity} {feeling} .
      choose {plain} for {sure} points . {closing} choose"
    vary:
      opening: [hello, a small game, here are two options]
      closing: [so, it is time to]
      felt: [A, B]
      plain: [B, A]
      stake: [5, 6, 7]
      sure: [3, 4]
      intensity: {ordered: [strong, extreme]}
      feeling: {pain: [pain], neutral: [light]}
    together: [[felt, plain]]
    choices: {felt: "{felt}", plain: "{plain}"}
    pairs: {feeling: [pain, neutral]}
claims:
  - id: pain-deters
    says: Pain makes the option that brings it rarer.
    check: contrast
    on: game
    metric: p(felt)
    expect: {difference: "<= -0.2"}
  - id: pain-mover
    says: Some head brings pain to the decision.
    check: role
    on: game
    effect: {metric: "logit_diff(felt, plain)", mode: denoise, at_least: 0.3}
    played_by: L1H1
    expect: {strength: ">= 1", gap: "< -1"}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec of two claims in the present folder, which is the test's own."""
    monkeypatch.chdir(tmp_path)
    path = Path("specs", "small.pp.yaml")
    path.parent.mkdir()
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The demo model in a folder of its own."""
    return Path(shutil.copytree(weights_path(), tmp_path / "copied"))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A model whose weights end too soon."""
    path = Path(shutil.copytree(weights_path(), tmp_path / "broken"))
    (path / "model.safetensors").write_bytes((path / "model.safetensors").read_bytes()[:1000])
    return path
