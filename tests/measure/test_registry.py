from __future__ import annotations

import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ppcheck.measure.core.check import Check
from ppcheck.measure.families import FAMILIES
from ppcheck.measure.registry import CHECKS, json_schema, spec_schema_text
from ppcheck.spec.expectations.range import ANY, Range
from tests.measure.lab import GAME, claim, problems

CLAIMS: dict[str, dict[str, object]] = {
    "choice": {"choice": "a"},
    "reply": {"tokens": 4, "outcomes": {"a": r"\bA\b"}},
    "contrast": {"metric": "p(a)"},
    "dose_response": {"metric": "p(a)", "dose": "strength"},
    "invariance": {"metric": "p(a)", "over": "start"},
    "property": {"forall": {"start": {"sampled": ["on"]}}, "always": "p(a) > 0"},
    "patch": {"site": "L0H0", "mode": "noise", "metric": "kl"},
    "attention": {"site": ["L0H0", "L*H1"], "from": "final", "to": "feeling=pain"},
    "neuron": {"site": "L0N*", "position": -1, "separates": {"feeling": ["pain", "neutral"]}},
    "ablate": {"site": "L0H0", "ablation": "mean", "metric": "p(a)"},
    "role": {"attends": {"from": "final", "to": "feeling", "at_least": 0.2}, "played_by": "L0H1"},
    "flow": {"metric": "p(a)"},
    "steer": {
        "site": "attn_out.L*",
        "largest": "attn_out.L0",
        "direction": {"between": {"feeling": ["pain", "neutral"]}, "by": "probe"},
        "eps": [-200, 200],
        "scale": "unit",
        "metric": "logit_diff(a, b)",
    },
    "direction_ablation": {
        "site": "resid_post.L0",
        "direction": {"file": "valence.safetensors", "tensor": "valence"},
        "metric": "kl",
    },
    "localisation": {"site": "L*H*", "mode": "noise", "metric": "kl", "set": "L0H0", "within": 2},
    "path": {"sender": "L0H0", "receiver": "logits", "mode": "noise", "metric": "kl"},
    "logit_lens": {"metric": "logit_diff(a, b)", "site": "resid_post.L0", "level": 0.9},
    "attribution": {"metric": "logit_diff(a, b)", "site": ["L*H*", "mlp_out.L1"], "top": 1},
    "probe": {"site": "resid_post.L*", "separates": {"feeling": ["pain", "neutral"]}},
    "circuit": {"nodes": "L0H*", "ablation": "zero", "metric": "p(a)", "ranking": "effect"},
}


def spec(kind: str, **changes: object) -> dict[str, object]:
    claim = {"id": "it", "says": "It does.", "on": "game", "expect": {"gap": "> 0"}}
    return {
        "ppcheck": 1,
        "title": "The game",
        "prompts": {"game": GAME},
        "claims": [{**claim, "check": kind, **CLAIMS[kind], **changes}],
    }


def test_a_check_that_does_not_say_how_it_measures_cannot_be_made() -> None:
    class Unfinished(Check):
        family = "behaviour"

        def statistics(self) -> dict[str, Range]:
            return {"gap": ANY}

    fields = {"id": "it", "says": "It does.", "on": "game", "expect": {"gap": "> 0"}}
    with pytest.raises(TypeError, match=r"abstract.*measure"):
        Unfinished.model_validate(fields)


def test_every_check_is_registered_under_the_name_that_specs_give_it() -> None:
    assert CHECKS.keys() == CLAIMS.keys()
    for name, load in CHECKS.items():
        check = load()
        assert issubclass(check, Check)
        assert check.model_fields["check"].annotation.__args__ == (name,)  # type: ignore[union-attr]


def test_every_family_has_a_marker_and_every_marker_a_check() -> None:
    assert {load().family for load in CHECKS.values()} == FAMILIES.keys()


@pytest.mark.parametrize("check", CLAIMS)
def test_the_schema_accepts_a_claim_of_each_kind(check: str) -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(spec(check))


@pytest.mark.parametrize("check", CLAIMS)
@pytest.mark.parametrize("changes", [{"extra": 1}, {"expect": {}}, {"check": "pach"}])
def test_the_schema_refuses_what_the_loader_refuses(check: str, changes: dict[str, object]) -> None:
    assert not Draft202012Validator(json_schema()).is_valid(spec(check, **changes))


OF_A_SAMPLE = {
    **dict.fromkeys(("property", "probe", "role", "steer", "direction_ablation"), "check"),
    "attribution": "top",
    "circuit": "ranking",
}
"""Checks as they are claimed above that judge on a part of their prompts, and by which key."""


@pytest.mark.parametrize("check", CLAIMS)
def test_of_a_fixed_population_no_part_is_judged(check: str) -> None:
    asked = claim(check, **CLAIMS[check])
    said = {
        key: message
        for key, message in problems(asked, {**GAME, "population": "fixed"}).items()
        if "`population: fixed`" in message
    }
    assert list(said) == [key for name, key in OF_A_SAMPLE.items() if name == check]


@pytest.mark.parametrize(
    ("check", "changes", "key"),
    [
        ("ablate", {"ablation": "resample"}, "ablation"),
        ("patch", {"site": "L*H*", "top": 2}, "top"),
        ("localisation", {"set": None, "within": 2}, "within"),
        ("reply", {"samples": 2}, "samples"),
        (
            "contrast",
            {"metric": "rate(a)", "reply": {"tokens": 4, "samples": 2, "outcomes": {"a": "A"}}},
            "reply",
        ),
        ("circuit", {"ranking": None, "expect": {"over_random": "> 0"}}, "expect.over_random"),
    ],
)
def test_nor_what_is_drawn_or_chosen_by_looking(
    check: str, changes: dict[str, object], key: str
) -> None:
    asked = claim(check, **CLAIMS[check] | changes)
    assert "draws others" in problems(asked, {**GAME, "population": "fixed"})[key]
    assert "draws others" not in problems(asked).get(key, "")


def test_the_schema_text_is_the_schema_and_the_same_each_time() -> None:
    assert json.loads(spec_schema_text()) == json_schema()
    assert spec_schema_text() == spec_schema_text()


def test_the_checks_load_without_torch() -> None:
    code = (
        "import sys; from ppcheck.measure.registry import CHECKS; [c() for c in CHECKS.values()];"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
