from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from ppcheck.measure.registry import CHECKS
from ppcheck.record.examine import Examination
from ppcheck.record.known import KnownClaims
from ppcheck.spec.load import load_spec
from ppcheck.subject.model.locate import resolve
from ppcheck.subject.model.settings import STANDARD

SPEC = """
ppcheck: 1
title: a direction from a file
prompts:
  game:
    template: "hello . {feeling} . so choose"
    vary: {feeling: {pain: [pain, agony], neutral: [light, sound]}}
    choices: {a: A, b: B}
claims:
  - id: steered
    says: The direction moves the choice.
    check: steer
    on: game
    site: resid_post.L1
    direction: {file: "a direction.vec"}
    metric: logit_diff(a, b)
    expect: {slope: "> 0"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "game.pp.yaml").write_text(SPEC)
    (tmp_path / "a direction.vec").write_bytes(b"one")
    return tmp_path


def name(folder: Path, seed: int = 0) -> str | None:
    """What the claim is called by a process that has just started."""
    spec = load_spec(folder / "game.pp.yaml", CHECKS)
    claims = KnownClaims(folder / "claims", STANDARD)
    examination = Examination(spec, spec.entries[0], "demo", seed)
    names = claims.names(examination, resolve("demo"))
    return None if names is None else names.measured


def test_a_file_that_a_claim_names_is_part_of_it_whatever_it_is_called(folder: Path) -> None:
    first = name(folder)
    assert first is not None
    assert name(folder) == first
    (folder / "a direction.vec").write_bytes(b"two")
    assert name(folder) != first


def test_another_seed_and_another_python_are_another_claim(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = name(folder)
    assert name(folder, seed=1) != first
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    assert name(folder) != first


def test_another_version_of_a_library_is_another_claim(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = name(folder)
    other = "ppcheck.record.known.version"
    monkeypatch.setattr(other, lambda each: version(each) + "x" * (each == "scipy"))
    assert name(folder) != first
