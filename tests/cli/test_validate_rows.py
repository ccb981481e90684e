"""`ppcheck validate` on prompts that come from a data file: what no row has, and what repeats."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.cli import main

ROWS = """\
ppcheck: 1
title: moods
prompts:
  moods:
    template: "we feel {mood} so"
    rows: moods.csv
    choices: {a: A, b: B}
    pairs: {mood: other}
claims:
  - id: it
    says: It is so.
    on: moods
    check: CHECK
    expect: {EXPECT: ">= 0.1"}
"""
STEERED = "site: resid_pre.L0\n    metric: logit_diff(a, b)"
MOODS = """\
mood,mood.class,mood.dose,other,kind
ache,pain,1,glee,x
sting,pain,2,cheer,x
glee,joy,1,ache,x
"""


@pytest.mark.trust
@pytest.mark.parametrize(
    ("check", "expect", "fields", "key", "message"),
    [
        (
            "probe",
            "accuracy",
            "site: L0H0\n    separates: {mood: [pain, jog]}",
            "separates",
            "no prompt of `moods` has mood=jog: did you mean 'joy'?",
        ),
        (
            "probe",
            "accuracy",
            "site: L0H0\n    separates: {mod: [pain, joy]}",
            "separates",
            "there is no variable or column 'mod': did you mean 'mood'?",
        ),
        (
            "probe",
            "accuracy",
            "site: L0H0\n    separates: {mood: [ache, joy]}",
            "separates",
            "no prompt of `moods` has mood=ache: there is pain, joy",
        ),
        (
            "probe",
            "r2",
            "site: L0H0\n    dose: strength",
            "dose",
            "there is no variable or column 'strength': there is row, mood, other, kind",
        ),
        (
            "dose_response",
            "spearman",
            "metric: p(a)\n    dose: other",
            "dose",
            "prompt 1 of 3 of `moods` has no dose of 'other': give its row one in a column",
        ),
        (
            "neuron",
            "auroc",
            "site: L0N0\n    position: mood\n    separates: {mood: [pain, fear]}",
            "separates",
            "no prompt of `moods` has mood=fear: there is pain, joy",
        ),
        (
            "attention",
            "attention",
            "site: L0H0\n    to: mood=fear",
            "to",
            "no prompt of `moods` has mood=fear: there is pain, joy, ache, sting, glee",
        ),
        (
            "steer",
            "effect",
            f"{STEERED}\n    direction: {{between: {{mood: [pain, fear]}}}}",
            "direction",
            "no prompt of `moods` has mood=fear: there is pain, joy, ache, sting, glee",
        ),
        (
            "steer",
            "effect",
            f"{STEERED}\n    direction: {{between: {{mud: [pain, joy]}}}}",
            "direction",
            "there is no variable or column 'mud': there is row, mood, other, kind",
        ),
        (
            "invariance",
            "size",
            "over: kind\n    metric: p(a)",
            "over",
            "'kind' is the same in all prompts of `moods`",
        ),
        (
            "invariance",
            "size",
            "over: knd\n    metric: p(a)",
            "over",
            "there is no variable or column 'knd': did you mean 'kind'?",
        ),
        (
            "contrast",
            "positive",
            "metric: p(a)\n    pairs: {mood: oter}",
            "pairs",
            "there is no column 'oter': did you mean 'other'?",
        ),
    ],
)
def test_classes_and_columns_that_no_row_has_are_found_with_the_line_of_the_claim(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    check: str,
    expect: str,
    fields: str,
    key: str,
    message: str,
) -> None:
    path = tmp_path / "moods.pp.yaml"
    text = ROWS.replace("CHECK", f"{check}\n    {fields}").replace("EXPECT", expect)
    path.write_text(text.replace(">= 0.1", "<= 0.1") if expect == "size" else text)
    (tmp_path / "moods.csv").write_text(MOODS)
    assert main(["validate", str(path)]) == 1
    (found,) = capsys.readouterr().out.splitlines()
    lines = path.read_text().splitlines()
    line = next(number for number in range(10, len(lines)) if f"{key}: " in lines[number])
    assert found.startswith(f"{path}:{line + 1}: {message}")


@pytest.mark.trust
@pytest.mark.parametrize(
    ("on", "message"),
    [
        ("moods[mood=fear]", "no prompt has mood=fear: there is pain, joy, ache"),
        ("moods[mood=pain|fear]", "no prompt has mood=fear"),
        ("moods[mood!=pian]", "no prompt has mood=pian: did you mean 'pain'?"),
        ("moods[mod=pain]", "there is no variable or column 'mod': did you mean 'mood'?"),
        ("moods[mood=pain, mood=joy]", "`moods[mood=pain, mood=joy]` selects no prompt"),
    ],
)
def test_what_on_names_and_no_row_has_is_an_error_at_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], on: str, message: str
) -> None:
    path = tmp_path / "moods.pp.yaml"
    text = ROWS.replace("CHECK", "choice\n    choice: a").replace("EXPECT", "rate")
    path.write_text(text.replace("on: moods", f"on: {on}"))
    (tmp_path / "moods.csv").write_text(MOODS)
    assert main(["validate", str(path)]) == 1
    assert capsys.readouterr().out.startswith(f"{path}:12: {message}")


@pytest.mark.trust
def test_prompts_that_repeat_and_answers_after_two_spaces_are_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "moods.pp.yaml"
    text = ROWS.replace("CHECK", "choice\n    choice: a").replace("EXPECT", "rate")
    path.write_text(text.replace("a: A", 'a: " A"'))
    (tmp_path / "moods.csv").write_text("mood,other\n" + "ache,glee\n" * 20 + "sting,glee\n" * 20)
    assert main(["validate", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{path}:7: warning: white space meets white space before the cho")
    assert lines[1].startswith(f"{path}:10: warning: it: 38 of its prompts repeat others")
    assert lines[2].startswith(f"{path}:10: warning: it has 2 independent units and needs 5")
