from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from ppcheck.measure.registry import CHECKS
from ppcheck.record.examine import Examination
from ppcheck.record.known import KnownClaims, Names
from ppcheck.record.run import ClaimRecord
from ppcheck.spec.claim import Claim
from ppcheck.spec.load import load_spec
from ppcheck.subject.model.locate import resolve
from ppcheck.subject.model.settings import STANDARD
from tests.spec.dictionaries import random_weights, write_dictionary

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


def names(folder: Path, seed: int = 0) -> Names:
    """What the claim is called by a process that has just started."""
    spec = load_spec(folder / "game.pp.yaml", CHECKS)
    (entry,) = spec.entries
    assert entry.error is None
    claims = KnownClaims(folder / "claims", STANDARD)
    found = claims.names(Examination(spec, entry, "demo", seed), resolve("demo"))
    assert found is not None
    return found


def edited(folder: Path, old: str, new: str) -> Names:
    assert old in SPEC
    (folder / "game.pp.yaml").write_text(SPEC.replace(old, new))
    return names(folder)


def test_a_file_that_a_claim_names_is_part_of_it_whatever_it_is_called(folder: Path) -> None:
    first = names(folder)
    assert names(folder) == first
    (folder / "a direction.vec").write_bytes(b"two")
    assert names(folder).measured != first.measured


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The direction moves the choice.", "Other words."),
        ("title: a direction", "source: a paper\ntitle: a direction"),
        ("    check: steer", "    source: another paper\n    check: steer"),
        ('expect: {slope: "> 0"}', 'expect: {slope: "> 0"}\n    tolerance: {slope: 1}'),
        ("claims:", "# a line more\nclaims:"),
    ],
)
def test_words_are_no_part_of_a_claim(folder: Path, old: str, new: str) -> None:
    first = names(folder)
    assert edited(folder, old, new) == first


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"> 0"', '"> 0.1"'),
        ('"> 0"', '"< 0"'),
        ('"> 0"', '">= 0"'),
        ("    on: game", "    on: game\n    correction: holm"),
    ],
)
def test_a_bound_and_its_correction_are_of_what_is_judged_alone(
    folder: Path, old: str, new: str
) -> None:
    first = names(folder)
    other = edited(folder, old, new)
    assert other.measured == first.measured
    assert other.judged != first.judged


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('slope: "> 0"', 'effect: "> 0"'),
        ('slope: "> 0"', 'slope: "> 0", effect: "> 0"'),
        ("logit_diff(a, b)", "logit_diff(b, a)"),
        ("logit_diff(a, b)", "[p(a), p(b)]"),
        ("resid_post.L1", "resid_post.L2"),
        ("on: game", "on: game[feeling=pain]"),
        ("agony]", "agony, ache]"),
        ("so choose", "so  choose"),
        ("b: B", "b: C"),
        ("id: steered", "id: steered-too"),
    ],
)
def test_all_else_of_a_claim_and_its_prompts_is_of_what_is_measured(
    folder: Path, old: str, new: str
) -> None:
    first = names(folder)
    other = edited(folder, old, new)
    assert other.measured != first.measured
    assert other.judged != first.judged


def test_another_confidence_is_judged_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = names(folder)
    monkeypatch.setattr(Claim, "confidence", 0.9)
    other = names(folder)
    assert other.measured == first.measured
    assert other.judged != first.judged


def test_another_seed_and_another_python_are_another_measurement(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = names(folder)
    assert names(folder, seed=1).measured != first.measured
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    assert names(folder).measured != first.measured


def test_another_version_of_a_library_and_other_source_are_another_measurement(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = names(folder)
    with monkeypatch.context() as patch:
        other = "ppcheck.record.known.version"
        patch.setattr(other, lambda each: version(each) + "x" * (each == "scipy"))
        assert names(folder).measured != first.measured
    monkeypatch.setattr("ppcheck.record.known.source_hash", lambda folders: f"edited {folders}")
    assert names(folder).measured != first.measured


FEATURE = SPEC.replace('    direction: {file: "a direction.vec"}\n', "").replace(
    "resid_post.L1", "sae.x[1]"
)


@pytest.mark.trust
def test_a_claim_about_a_feature_is_another_once_its_dictionary_is(folder: Path) -> None:
    write_dictionary(folder / "sae")
    (folder / "game.pp.yaml").write_text(
        FEATURE.replace("prompts:", "features: {sae.x: sae}\nprompts:", 1)
    )
    first, said = names(folder), recorded(folder)
    assert names(folder) == first
    assert recorded(folder) == said
    assert said.measures["features.sae.x"].startswith("sae (")
    for changed in ({"architecture": "topk", "k": 2}, {"weights": random_weights(seed=1)}):
        write_dictionary(folder / "sae", **changed)
        assert names(folder).measured != first.measured
        assert recorded(folder).fingerprint != said.fingerprint
    write_dictionary(folder / "sae")
    assert names(folder) == first


def recorded(folder: Path) -> ClaimRecord:
    """The record of the claim, left unmeasured."""
    spec = load_spec(folder / "game.pp.yaml", CHECKS)
    return Examination(spec, spec.entries[0], "demo", 0).left_out("not now")
