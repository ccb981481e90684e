"""Ids of claims on several models: pytest's own, so that pytest finds what it is to run again.

The claims here end before anything is measured: they are misspelt, or about other models.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import SPEC, write_spec

pytestmark = pytest.mark.trust
BOTH = ("--model=demo", "--model=demo@blunted")
CLAIMS = ("sure", "deterred", "attracted", "last-stream")
BROKEN = SPEC.replace("check: contrast", "check: contrats")
"""`deterred` and `attracted` are errors, on every model."""
OTHERS = SPEC.replace("prompts:", "models: [gpt2]\nprompts:", 1)
"""Every claim is skipped."""


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    result = pytester.runpytest_inprocess("--collect-only", "-q", *arguments)
    return [line for line in result.outlines if "::" in line]


@pytest.fixture
def failed(pytester: pytest.Pytester) -> tuple[str, ...]:
    """Two claims failed on both models; the models, as options."""
    write_spec(pytester, BROKEN)
    result = pytester.runpytest_inprocess("-k", "contrats", *BOTH)
    result.assert_outcomes(errors=4, deselected=4)
    return BOTH


FAILED = [
    f"game.pp.yaml::{claim}[{model}]"
    for model in ("demo", "demo@blunted")
    for claim in ("deterred", "attracted")
]


def test_last_failed_runs_what_failed_on_each_model_and_nothing_else(
    pytester: pytest.Pytester, failed: tuple[str, ...]
) -> None:
    assert collected(pytester, "--lf", *failed) == FAILED


def test_failed_first_runs_it_first(pytester: pytest.Pytester, failed: tuple[str, ...]) -> None:
    found = collected(pytester, "--ff", *failed)
    assert found[:4] == FAILED
    assert len(set(found)) == 8


def test_new_first_runs_what_has_not_run(
    pytester: pytest.Pytester, failed: tuple[str, ...]
) -> None:
    write_spec(pytester, OTHERS, "new")
    assert collected(pytester, "--nf", *failed)[:8] == [
        f"new.pp.yaml::{claim}[{model}]" for model in ("demo", "demo@blunted") for claim in CLAIMS
    ]


def test_stepwise_goes_on_at_the_claim_that_failed_and_skips_none_that_has_not_run(
    pytester: pytest.Pytester,
) -> None:
    """Claims run model by model, and so that is the order in which it has to look."""
    write_spec(pytester, OTHERS, "a")
    write_spec(pytester, BROKEN.replace("check: choice", "check: choise"), "b")
    pytester.runpytest_inprocess("--sw", *BOTH).assert_outcomes(skipped=4, errors=1)
    assert collected(pytester, "--sw", *BOTH) == [
        *(f"b.pp.yaml::{claim}[demo]" for claim in CLAIMS),
        *(f"a.pp.yaml::{claim}[demo@blunted]" for claim in CLAIMS),
        *(f"b.pp.yaml::{claim}[demo@blunted]" for claim in CLAIMS),
    ]


@pytest.mark.parametrize(
    ("models", "asked", "found"),
    [
        (BOTH, "attracted", ["attracted[demo]", "attracted[demo@blunted]"]),
        (BOTH, "attracted[demo@blunted]", ["attracted[demo@blunted]"]),
        (BOTH[:1], "attracted", ["attracted"]),
        (BOTH[:1], "attracted[demo]", ["attracted[demo]"]),
        (("--model=./a b[1]::c",), "attracted", ["attracted"]),
        (
            ("--model=./a b[1]::c", "--model=demo"),
            "attracted[./a%20b%5B1%5D::c]",
            ["attracted[./a%20b%5B1%5D::c]"],
        ),
    ],
)
def test_a_claim_is_found_by_its_id_and_by_its_name_alone(
    pytester: pytest.Pytester, models: tuple[str, ...], asked: str, found: list[str]
) -> None:
    write_spec(pytester, BROKEN)
    folder = pytester.path / "a b[1]::c"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    ids = [f"game.pp.yaml::{name}" for name in found]
    assert collected(pytester, f"game.pp.yaml::{asked}", *models) == ids


def test_one_model_of_a_claim_can_be_left_out(
    pytester: pytest.Pytester, failed: tuple[str, ...]
) -> None:
    assert collected(pytester, "--lf", f"--deselect={FAILED[-1]}", *failed) == FAILED[:-1]


def test_an_id_with_a_model_that_is_not_asked_for_is_not_found(pytester: pytest.Pytester) -> None:
    write_spec(pytester, BROKEN)
    result = pytester.runpytest_inprocess("game.pp.yaml::attracted[demo@tuned]", *BOTH)
    assert result.ret is pytest.ExitCode.USAGE_ERROR


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), ("--dist=loadgroup",)])
def test_workers_find_what_failed(
    pytester: pytest.Pytester, failed: tuple[str, ...], how: tuple[str, ...]
) -> None:
    pytester.runpytest_subprocess("-n2", *how, "-k", "contrats", *failed).assert_outcomes(errors=4)
    again = pytester.runpytest_subprocess("-n2", *how, "--lf", *failed)
    again.assert_outcomes(errors=4)
    assert collected(pytester, "--lf", *failed) == FAILED


def test_a_dot_in_a_claims_id_is_shown_as_it_is(pytester: pytest.Pytester, spec: Path) -> None:
    spec.write_text(BROKEN.replace("id: deterred", "id: deterred.2"), encoding="utf-8")
    result = pytester.runpytest_inprocess("-v", "-k", "deterred.2")
    result.stdout.fnmatch_lines(
        ["game.pp.yaml::deterred.2 ERROR*", "*_ ERROR at setup of deterred.2 *_*"]
    )
