from __future__ import annotations

from typing import Any

import pytest

from ppcheck.subject.subject import Subject
from tests.measure.lab import DEMO, Model, bench, claim, game

pytestmark = pytest.mark.trust

METRIC = "logit_diff(a, b)"
PATCH = {"mode": "denoise", "metric": METRIC}


def doubts(model: Model | Subject, prompts: dict[str, Any], check: str, **fields: Any) -> list[str]:
    asked, on = claim(check, **fields), bench(model, prompts)
    return list(asked.doubts(on, asked.measure(on)))


@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("patch", {"site": "resid_post.L1", **PATCH}),
        ("patch", {"site": "resid_post.L*", "top": 1, **PATCH}),
        ("patch", {"site": ["attn_out.L*", "mlp_out.L*"], "together": True, **PATCH}),
        ("ablate", {"site": "resid_post.L1", "ablation": "zero", "metric": METRIC}),
        ("patch", {"site": "resid_post.L1", "position": "all but 0", **PATCH}),
        ("patch", {"site": "resid_post.L1", "position": ["feeling", "final"], **PATCH}),
        ("role", {"site": "resid_post.L*", "effect": {**PATCH, "at_least": 0.3}}),
        ("localisation", {"site": "resid_post.L*", **PATCH}),
    ],
)
def test_what_all_logits_are_read_from_has_the_whole_effect_by_definition(
    tiny: Model, check: str, fields: dict[str, Any]
) -> None:
    assert any("by definition" in said for said in doubts(tiny, game(), check, **fields))


@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("patch", {"site": "resid_post.L0", **PATCH}),
        ("patch", {"site": "resid_post.L*", **PATCH}),
        ("patch", {"site": "resid_post.L1", "position": "feeling", **PATCH}),
        ("patch", {"site": "resid_post.L1", "position": "all but final", **PATCH}),
        ("patch", {"site": ["attn_out.L*"], "together": True, **PATCH}),
        ("ablate", {"site": "L0H0", "ablation": "zero", "metric": METRIC}),
    ],
)
def test_what_could_have_no_effect_is_not_doubted(
    tiny: Model, check: str, fields: dict[str, Any]
) -> None:
    assert doubts(tiny, game(), check, **fields) == []


def test_a_reference_of_the_class_alone_is_said(tiny: Model) -> None:
    fields = {"site": "L0H0", "ablation": "mean", "metric": METRIC}
    only = doubts(tiny, game(), "ablate", on="game[feeling=pain]", **fields)
    assert only == ["the reference has feeling=pain alone, which the ablation leaves in place"]
    assert doubts(tiny, game(), "ablate", **fields) == []


def test_a_probe_that_reads_no_more_than_the_words_is_said(tiny: Model) -> None:
    fields = {"site": "resid_post.L1", "separates": {"feeling": ["pain", "neutral"]}}
    fields["position"] = "feeling"
    (said,) = doubts(tiny, game(), "probe", expect={"accuracy": ">= 0.6"}, **fields)
    assert said.startswith("the words alone give accuracy 1.00")
    assert doubts(tiny, game(), "probe", expect={"over_words": ">= -0.1"}, **fields) == []


def test_a_switch_point_outside_the_doses_is_said(demo: Subject) -> None:
    fields = {"metric": "p(with)", "dose": "intensity"}
    prompts = {**DEMO, "pairs": {"feeling": ["pain", "neutral"]}}
    said = doubts(
        demo,
        prompts,
        "dose_response",
        on="game[feeling=neutral]",
        expect={"switch_point": "<= 100"},
        **fields,
    )
    assert all("outside the doses" in each for each in said)
