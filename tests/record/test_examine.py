from __future__ import annotations

from pathlib import Path

from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import load_spec
from ppcheck.subject.load import load
from ppcheck.subject.model.locate import resolve
from tests.spec.dictionaries import random_weights, write_dictionary
from tests.specs.examined import examined

SPEC = """
ppcheck: 1
title: a feature of the stream
features: {sae.x: sae}
prompts:
  game:
    template: "hello . {feeling} . so choose"
    vary: {feeling: {pain: [pain, agony, ache, torment, anguish], neutral: [light, sound, breeze]}}
    choices: {a: A, b: B}
claims:
  - id: feature
    says: The feature separates them.
    check: neuron
    on: game
    site: sae.x[1]
    position: feeling
    separates: {feeling: [pain, neutral]}
    expect: {auroc: ">= 0.6"}
"""


def test_a_record_says_at_which_site_its_features_act(tmp_path: Path) -> None:
    demo = load(resolve("demo"))
    write_dictionary(tmp_path / "sae", random_weights(width=demo.shape.d_model))
    (tmp_path / "game.pp.yaml").write_text(SPEC)
    found = examined(load_spec(tmp_path / "game.pp.yaml", CHECKS), demo)["feature"]
    assert found.is_measured
    assert found.facts.features == {"sae.x": "resid_post.L0"}
