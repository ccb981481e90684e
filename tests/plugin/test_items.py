"""A spec in a pytest run: items, outcomes, and what a failing claim says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import SPEC, write_spec


def line_of(spec: Path, claim: str) -> int:
    return spec.read_text().splitlines().index(f"  - id: {claim}") + 1


@pytest.fixture
def outcomes(pytester: pytest.Pytester, spec: Path) -> dict[str, str]:
    result = pytester.inline_run(spec)
    passed, skipped, failed = result.listoutcomes()
    reports = {"passed": passed, "skipped": skipped, "failed": failed}
    return {
        report.nodeid.partition("::")[2]: outcome
        for outcome, some in reports.items()
        for report in some
    }


def test_each_claim_is_an_item_and_only_false_ones_fail(outcomes: dict[str, str]) -> None:
    assert outcomes == {
        "sure": "passed",
        "deterred": "passed",
        "attracted": "failed",
        "last-stream": "passed",
    }


def test_a_failing_claim_says_all_that_its_reader_needs(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, "-k", "attracted")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(
        [
            "*fails: Pain makes B likelier, which is not so.",
            "*claimed * difference > 0.1",
            "*measured * difference *-0.* [[]-0.*, -0.*]*95 %, n = 9*fails",
            "*on * game: 72 prompts in 9 independent units (opening, points)",
            "*model * demo",
            f"*where * game.pp.yaml:{line_of(spec, 'attracted')}",
            "*run alone * pytest game.pp.yaml::attracted --model=demo",
            "*furthest from `difference > 0.1`:",
            "*-0.* hello . choose A *",
        ]
    )


@pytest.mark.usefixtures("spec")
def test_the_command_that_runs_a_claim_alone_does_so(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("game.pp.yaml::attracted", "--model", "demo")
    result.assert_outcomes(failed=1)


def test_a_claim_stands_at_its_line(pytester: pytest.Pytester, spec: Path) -> None:
    items, _ = pytester.inline_genitems(spec)
    lines = spec.read_text().splitlines()
    for item in items:
        _, line, name = item.reportinfo()
        assert line is not None
        assert lines[line] == f"  - id: {name}"


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (["-k", "deterred"], ["deterred"]),
        (["-k", "contrast"], ["deterred", "attracted"]),
        (["-k", "game and patch"], ["last-stream"]),
        (["-m", "behaviour"], ["sure", "deterred", "attracted"]),
        (["-m", "patching"], ["last-stream"]),
        (["--strict-markers", "-m", "not behaviour"], ["last-stream"]),
    ],
)
def test_claims_are_selected_by_name_check_file_and_family(
    pytester: pytest.Pytester, spec: Path, selection: list[str], names: list[str]
) -> None:
    result = pytester.runpytest_inprocess(spec, "--collect-only", "-q", *selection)
    assert [line for line in result.outlines if "::" in line] == [
        f"game.pp.yaml::{name}" for name in names
    ]


def test_last_failed_runs_what_failed(pytester: pytest.Pytester, spec: Path) -> None:
    pytester.runpytest_inprocess(spec)
    result = pytester.runpytest_inprocess(spec, "--lf")
    result.assert_outcomes(failed=1)


def test_exitfirst_stops_at_the_first_false_claim(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_inprocess(spec, "-x")
    result.assert_outcomes(passed=2, failed=1)


def test_an_inconclusive_claim_fails_and_may_be_let_pass(pytester: pytest.Pytester) -> None:
    few = SPEC.replace("opening: [hello, we play, a small game]", "opening: [hello]")
    spec = write_spec(pytester, few.replace("points: [3, 5, 7]", "points: [3, 7]"))
    result = pytester.runpytest_inprocess(spec, "-k", "deterred")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(
        [
            "*inconclusive: Pain makes B rarer.",
            "*note*2 independent units are too few, 5 are needed: more words for opening, points*",
        ]
    )
    lenient = pytester.runpytest_inprocess(spec, "-k", "deterred", "--ppcheck-lenient")
    lenient.assert_outcomes(xfailed=1, deselected=3)


def test_a_spec_about_other_models_is_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    spec = write_spec(pytester, SPEC.replace("prompts:", "models: [gpt2]\nprompts:", 1))
    result = pytester.runpytest_inprocess(spec, "-rs")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["*the spec is about gpt2, not demo*"])


def test_what_the_model_lacks_is_skipped_with_the_reason(
    pytester: pytest.Pytester, tiny_without_tokenizer: Path, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(
        spec, "-rs", "-k", "sure", f"--model={tiny_without_tokenizer}"
    )
    result.assert_outcomes(skipped=1, deselected=3)
    result.stdout.fnmatch_lines(["*tokenizer*"])


def test_several_models_give_an_item_each(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_inprocess(
        spec, "-k", "deterred or attracted", "--model", "demo", "--model", "demo@blunted", "-v"
    )
    result.stdout.fnmatch_lines(
        [
            "*::deterred[[]demo[]] PASSED*",
            "*::attracted[[]demo[]] FAILED*",
            "*::deterred[[]demo@blunted[]] FAILED*",
            "*::attracted[[]demo@blunted[]] FAILED*",
        ]
    )


def test_a_bad_claim_is_an_error_and_the_others_run(pytester: pytest.Pytester) -> None:
    spec = write_spec(pytester, SPEC.replace("check: patch", "check: pach"))
    result = pytester.runpytest_inprocess(spec)
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*game.pp.yaml:*: unknown check 'pach': did you mean 'patch'?"])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.usefixtures("spec")
def test_a_spec_that_cannot_be_read_is_one_error_and_other_specs_run(
    pytester: pytest.Pytester,
) -> None:
    write_spec(pytester, "ppcheck: 1\n\tclaims: []\n", "tabs")
    result = pytester.runpytest_inprocess("-k", "tabs or sure")
    result.assert_outcomes(passed=1, errors=1, deselected=3)
    result.stdout.fnmatch_lines(["*tabs.pp.yaml:2: *tab*"])


def test_misaligned_pairs_are_an_error_never_a_pass(pytester: pytest.Pytester) -> None:
    text = SPEC.replace("[light, sound]", "[sound of light, light of sound]")
    spec = write_spec(
        pytester, text.replace("site: resid_post.L3", "site: L0H0\n    position: all")
    )
    result = pytester.runpytest_inprocess(spec, "-k", "last-stream")
    result.assert_outcomes(errors=1, deselected=3)
    result.stdout.fnmatch_lines(["*game.pp.yaml:*: pairs tokenise to different lengths*"])


def test_weights_that_hold_nan_are_an_error_never_a_pass(
    pytester: pytest.Pytester, spec: Path, demo_with_nan: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, f"--model={demo_with_nan}")
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(["*NaN*"])


FINER = SPEC.replace("[3, 5, 7]", "[3, 4, 6, 7]")
MOVER = """\
  - id: pain-mover
    says: Some head looks at pain and brings it to the choice.
    check: role
    on: game
    attends: {from: final, to: feeling=pain, at_least: 0.1}
    effect: {metric: "logit_diff(a, b)", mode: denoise, at_least: 0.1}
    played_by: L3H3
    expect: {strength: ">= 1"}
"""


def test_a_role_that_moved_passes_with_a_warning(pytester: pytest.Pytester) -> None:
    spec = write_spec(pytester, FINER + MOVER)
    result = pytester.runpytest_inprocess(spec, "-k", "pain-mover")
    result.assert_outcomes(passed=1, deselected=4, warnings=1)
    where = f"*game.pp.yaml:{line_of(spec, 'pain-mover')}"
    result.stdout.fnmatch_lines(
        [
            f"{where}: MovedWarning: pain mover moved from L3H3 to L1H*",
            "→*pain-mover*pain mover moved from L3H3 to L1H*",
            "1 claim: 1 moved (1 passed)",
        ]
    )


def test_where_identity_is_strict_a_role_that_moved_fails(pytester: pytest.Pytester) -> None:
    strict = MOVER.replace("played_by: L3H3", "played_by: L3H3\n    identity: strict")
    spec = write_spec(pytester, FINER + strict)
    result = pytester.runpytest_inprocess(spec, "-k", "pain-mover", "--ppcheck-lenient")
    result.assert_outcomes(failed=1, deselected=4)
    result.stdout.fnmatch_lines(
        [
            "→ moved: Some head looks at pain and brings it to the choice.",
            "*moved * pain mover moved from L3H3 to L1H*",
            "*measured *played_by[[]L3H3[]]*fails",
        ]
    )


@pytest.mark.trust
def test_a_class_that_no_row_has_is_an_error_at_the_line_of_the_claim(
    pytester: pytest.Pytester,
) -> None:
    write_spec(
        pytester,
        """
ppcheck: 1
title: moods
prompts:
  moods: {template: "{mood} . so choose", rows: moods.csv, choices: {a: A, b: B}}
claims:
  - id: probed
    says: It is read.
    check: probe
    on: moods
    site: L0H0
    separates: {mood: [pain, jog]}
    expect: {accuracy: ">= 0.9"}
  - id: selected
    says: It is chosen.
    check: choice
    on: moods[mod=pain]
    choice: a
    expect: {rate: ">= 0.9"}
""",
        "moods",
    )
    (pytester.path / "moods.csv").write_text("mood,mood.class\nache,pain\njoy,joy\n")
    result = pytester.runpytest_inprocess("moods.pp.yaml")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        [
            "moods.pp.yaml:12: no prompt of `moods` has mood=jog: did you mean 'joy'?",
            "moods.pp.yaml:17: there is no variable or column 'mod': did you mean 'mood'?",
        ]
    )
    assert "KeyError" not in result.stdout.str()
