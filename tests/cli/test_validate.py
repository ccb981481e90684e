"""`ppcheck validate`: problems with file and line, warnings, and what is left whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ppcheck.cli import main
from tests.spec.example import SPEC, changed


def test_a_valid_spec_is_said_to_be_so(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(spec)]) == 0
    assert capsys.readouterr().out == f"{spec}: 2 claims, no problem\n"


def test_a_claim_with_too_few_units_is_valid_with_a_warning(
    spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec.write_text(SPEC)
    assert main(["validate", str(spec)]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{spec}:13: warning: first has 3 independent units and needs 5")
    assert "more words to item" in second
    assert last == f"{spec}: 2 claims, 2 warnings"


@pytest.mark.trust
def test_a_bound_that_so_few_units_cannot_reach_is_valid_with_a_warning(
    spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec.write_text(changed(spec.read_text(), {'{rate: ">= 0.5"}': '{rate: ">= 0.8"}'}))
    assert main(["validate", str(spec)]) == 0
    warning, last = capsys.readouterr().out.splitlines()
    assert warning == (
        f'{spec}:13: warning: first: `rate: ">= 0.8"` cannot hold over 6 independent units: where '
        "all of them agree its interval is [0.541, 1]; 17 could"
    )
    assert last == f"{spec}: 2 claims, 1 warning"


def test_no_number_of_units_is_asked_of_prompts_that_are_all_there_is(
    spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixed = "    population: fixed\n"
    whole = {"    pairs:": f"{fixed}    pairs:", '{rate: ">= 0.5"}': '{rate: ">= 0.99"}'}
    spec.write_text(changed(SPEC, whole))
    assert main(["validate", str(spec)]) == 0
    assert capsys.readouterr().out == f"{spec}: 2 claims, no problem\n"
    spec.write_text(changed(spec.read_text(), {fixed: "    half: judge\n"}))
    assert main(["validate", str(spec)]) == 0
    assert "warning" in capsys.readouterr().out
    spec.write_text(changed(spec.read_text(), {"    half": f"{fixed}    half"}))
    assert main(["validate", str(spec)]) == 1
    assert f"{spec}:11: population: the prompts are all there is" in capsys.readouterr().out


def test_every_problem_is_printed_once(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec.write_text(changed(SPEC, {"choice: two": "choice: tow", "site: L0H0": "site: x"}))
    assert main(["validate", str(spec)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"{spec}:17:", f"{spec}:23:"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "on: game\n    site",
            "on: game[feeling=joy]\n    site",
            "22: `game[feeling=joy]` selects no clean prompt, one with feeling=pain",
        ),
        (
            "on: game\n    choice",
            "on: game[feeling=joy, feeling=pain]\n    choice",
            "16: `game[feeling=joy, feeling=pain]` selects no prompt: the grid is empty",
        ),
        ("    pairs", "    sample: 1\n    half: judge\n    pairs", "12: the grid is empty: `half`"),
        (
            "    choices",
            "    rows: ../a.csv\n    choices",
            "10: '../a.csv' leads out of the spec's",
        ),
    ],
)
def test_prompts_and_pairs_are_expanded(
    spec: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    spec.write_text(changed(SPEC, {old: new}))
    assert main(["validate", str(spec)]) == 1
    line, *_ = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{spec}:{message}")


def test_a_folder_is_every_spec_below_it(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    below = spec.parent / "below" / "bad.pp.yaml"
    below.parent.mkdir()
    below.write_text("- a\n")
    (spec.parent / "notes.yaml").write_text("a: 1\n")
    assert main(["validate", str(spec.parent)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{below}:1: a spec has the keys `ppcheck: 1`")
    assert lines[1] == f"{spec}: 2 claims, no problem"


def test_a_folder_without_specs_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{tmp_path}: there is no spec (*.pp.yaml) in this folder\n"


def test_a_missing_file_is_said_and_the_others_are_checked(
    spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = spec.parent / "none.pp.yaml"
    assert main(["validate", str(missing), str(spec)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{missing}:1: there is no such file",
        f"{spec}: 2 claims, no problem",
    ]


def test_the_command_returns_the_exit_code_and_imports_no_torch(spec: Path) -> None:
    code = (
        "import sys; from ppcheck.cli import main; code = main(['validate', *sys.argv[1:]]);"
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    for path, expected in ((spec, 0), (spec.parent / "none.pp.yaml", 1)):
        command = [sys.executable, "-c", code, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (expected, "")


@pytest.mark.trust
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "check: dose_response\n    metric: p(two)\n    dose: dose",
            "all prompts of `game[dose=mild]` have one dose of 'dose': it takes two to compare",
        ),
        (
            "check: contrast\n    metric: p(two)-p(three)",
            "metric: 'p(two)-p(three)' is not a metric",
        ),
        ("check: choice\n    choice: yes", "yes, on and true are read as a truth value: put the"),
    ],
)
def test_messages_say_what_would_be_right(
    spec: Path, capsys: pytest.CaptureFixture[str], fields: str, message: str
) -> None:
    name = {"contrast": "positive", "dose_response": "slope"}.get(fields.split()[1], "rate")
    claim = f"  - id: it\n    says: x\n    on: game[dose=mild]\n    expect: {{{name}: '> 0.1'}}\n"
    text = spec.read_text().partition("  - id: first")[0] + f"{claim}    {fields}\n"
    spec.write_text(text)
    assert main(["validate", str(spec)]) == 1
    found = capsys.readouterr().out
    assert message in found
    assert found.startswith(f"{spec}:{len(text.splitlines())}: ")
