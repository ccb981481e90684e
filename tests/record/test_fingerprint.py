from __future__ import annotations

from pathlib import Path
from typing import Any

from ppcheck.measure.checks.choice import Choice
from ppcheck.record.fingerprint import fingerprint
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet

SAID: dict[str, Any] = {
    "check": "choice",
    "id": "it",
    "says": "It does.",
    "on": "game",
    "choice": "a",
    "expect": {"rate": "> 0.5"},
}
PROMPTS = PromptSet.model_validate(
    {"template": "{x}", "vary": {"x": ["tea", "milk"]}, "choices": {"a": "a", "b": "b"}}
)


class LaterChoice(Choice):
    of_later: str = "usual"


def hashed(kind: type[Choice], **more: Any) -> str:
    return fingerprint(kind.model_validate({**SAID, **more}), Grid(PROMPTS, Path()), 0)


def test_a_key_that_a_later_version_adds_leaves_claims_without_it_comparable() -> None:
    assert hashed(LaterChoice) == hashed(Choice)


def test_a_default_that_is_written_out_makes_no_other_claim() -> None:
    assert hashed(LaterChoice, of_later="usual") == hashed(Choice)


def test_another_value_than_the_default_makes_another_claim() -> None:
    assert hashed(LaterChoice, of_later="other") != hashed(Choice)
