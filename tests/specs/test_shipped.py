"""The shipped specs on the demo model's revisions: what holds, and what must fail."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import Spec, load_spec
from ppcheck.subject.load import load, resolve
from tests.specs.examined import examined

pytestmark = pytest.mark.slow

SPECS = Path(__file__).parents[2] / "specs"
NAMED_HEADS = {
    "pain-mover-suffices",
    "pain-mover-is-needed",
    "pain-mover-ignores-pleasure",
    "pleasure-mover-suffices",
    "intensity-mover",
    "pain-draws-attention",
    "pleasure-draws-its-own-head",
    "pain-head-is-needed",
    "pain-head-is-needed-more",
    "pain-has-a-first-mover",
    "pleasure-has-other-movers",
    "pain-head-tells-the-logits",
    "the-first-mlp-tells-the-pain-head",
    "pleasure-goes-by-way-of-mlps",
    "pain-head-speaks",
    "pleasure-head-speaks",
    "every-node-of-pains-circuit-counts",
    "pleasure-has-a-circuit-of-its-own",
    "it-does-little-of-pain",
}
ROLES = {
    *("pain-mover", "needed-pain-mover", "pleasure-mover", "intensity-reader", "pain-watcher"),
}


@cache
def specs(folder: str) -> tuple[Spec, ...]:
    return tuple(load_spec(path, CHECKS) for path in sorted((SPECS / folder).glob("*.pp.yaml")))


@cache
def verdicts(model: str, folder: str) -> dict[str, Verdict]:
    subject = load(resolve(model))
    records = [examined(spec, subject) for spec in specs(folder)]
    return {claim: record.verdict for some in records for claim, record in some.items()}


def behaviours() -> set[str]:
    return {
        entry.id
        for spec in specs("demo")
        for entry in spec.entries
        if entry.claim is not None and entry.claim.family == "behaviour"
    }


def test_the_demo_specs_hold_many_claims_of_every_family_each_with_its_source() -> None:
    claims = [entry.claim for spec in specs("demo") for entry in spec.entries]
    assert len(claims) >= 12
    assert {claim.family for claim in claims if claim} == {
        "behaviour",
        "patching",
        "attention",
        "neurons",
        "probing",
        "ablation",
        "circuits",
        "roles",
        "logits",
        "steering",
    }
    assert all(spec.source for folder in ("demo", "language") for spec in specs(folder))


@pytest.mark.parametrize("model", ["demo", "demo@step1200", "demo@tuned"])
def test_every_claim_holds_on_the_demo_and_on_its_benign_update(model: str) -> None:
    assert set(verdicts(model, "demo").values()) == {Verdict.HOLDS}


def test_rewired_heads_spare_behaviour_and_break_just_the_claims_that_name_a_head() -> None:
    found = verdicts("demo@rewired", "demo")
    broken = {claim: verdict for claim, verdict in found.items() if verdict is not Verdict.HOLDS}
    moved = dict.fromkeys(ROLES, Verdict.MOVED)
    assert broken == dict.fromkeys(NAMED_HEADS, Verdict.FAILS) | moved


def test_without_pain_the_claims_about_pain_fail_and_those_about_pleasure_hold() -> None:
    found = verdicts("demo@blunted", "demo")
    for claim in ("pain-deters", "pain-has-a-dose", "pain-is-worth-points", "pain-mover-suffices"):
        assert found[claim] is Verdict.FAILS
    for claim in ("pleasure-attracts", "pleasure-has-a-dose", "pleasure-mover-suffices"):
        assert found[claim] is Verdict.HOLDS


def test_random_weights_fail_every_claim_that_is_not_about_an_absence() -> None:
    found = verdicts("demo@step0", "demo")
    held = {claim for claim, verdict in found.items() if verdict is Verdict.HOLDS}
    assert held == {"neutral-has-none"}


def test_claims_about_english_are_judged_on_a_real_model_as_the_readme_says(shared: Path) -> None:
    found = verdicts(str(shared / "models" / "stories260K"), "language")
    assert found == {
        "gender-agreement": Verdict.HOLDS,
        "previous-token-head": Verdict.HOLDS,
        "attention-carries-gender": Verdict.HOLDS,
        "mood-at-the-word": Verdict.HOLDS,
        "mood-at-the-full-stop": Verdict.HOLDS,
        "mood-neuron": Verdict.INCONCLUSIVE,
        "mood-of-unseen-words": Verdict.INCONCLUSIVE,
        "mood-guides-the-story": Verdict.HOLDS,
    }
