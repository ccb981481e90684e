from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import ppcheck.spec
from ppcheck.cli import main
from ppcheck.measure.registry import spec_schema_text
from ppcheck.spec.source import read_source
from tests.plugin.conftest import SPEC as DEMO
from tests.spec.example import SPEC, changed

ROOT = Path(__file__).parents[2]
SCHEMA = Path(next(iter(ppcheck.spec.__path__))) / "schema.json"
SHIPPED = sorted((ROOT / "specs").rglob("*.pp.yaml"))


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "game.pp.yaml"
    path.write_text(SPEC.replace("[tea, milk, salt]", "[tea, milk, salt, mint, rice, soap]"))
    return path


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


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


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "required: command" in capsys.readouterr().err


def test_the_schema_is_printed_and_the_committed_one_is_not_stale(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == spec_schema_text()
    assert SCHEMA.read_text(encoding="utf-8") == spec_schema_text(), "run `make schema`"


def test_the_shipped_specs_are_valid_and_fit_the_schema(schema: Draft202012Validator) -> None:
    assert SHIPPED
    assert main(["validate", *map(str, SHIPPED)]) == 0
    for path in SHIPPED:
        schema.validate(read_source(path).data)


VALID: list[dict[str, str]] = [
    {},
    {"title: the game": "title: the game\nmodels: [demo, '!gpt2']\nsource: Me 2026"},
    {"[tea, milk, salt]": "[1.50, 2, tea]"},
    {"[faint, mild, severe]}": "[1, 2], doses: [0, 0.5]}"},
    {"template: ": "seed: 3\n    half: judge\n    sample: 2\n    unit: [item]\n    template: "},
    {"template: ": "together: [[item, dose]]\n    pool: max\n    template: "},
    {"pairs: {feeling: [pain, joy]}": "pairs: {feeling: item}"},
    {"site: L0H0": "site: [L0H0, L*H*]\n    position: -1\n    pairs: {dose: [faint, mild]}"},
    {
        '    template: "win 2 for {dose} {feeling} and {item} . pick"': "    turns:\n"
        '    - {role: user, content: "{dose} {feeling} {item}"}'
    },
    {
        '"win 2 for {dose} {feeling} and {item} . pick"': '["{dose} {feeling} {item}", '
        '"{item} {dose} {feeling}"]'
    },
]


@pytest.mark.parametrize("changes", VALID, ids=range(len(VALID)))
def test_the_schema_accepts_what_the_loader_accepts(
    spec: Path, schema: Draft202012Validator, changes: dict[str, str]
) -> None:
    spec.write_text(changed(SPEC, changes))
    assert main(["validate", str(spec)]) == 0
    schema.validate(read_source(spec).data)


@pytest.mark.parametrize(
    "changes",
    [
        {"title: the game": "title: the game\nextra: 1"},
        {"    choices: ": "    extra: 1\n    choices: "},
        {"    site: ": "    extra: 1\n    site: "},
        {"check: patch": "check: pach"},
        {"[tea, milk, salt]": "[no, tea]"},
        {"[tea, milk, salt]": "[]"},
        {"mode: denoise": "mode: denoize"},
        {"    mode: denoise\n": ""},
        {"site: L0H0": "site: {a: b}"},
        {"pairs: {feeling: [pain, joy]}": "pairs: {feeling: [pain]}"},
        {"pairs: {feeling: [pain, joy]}": "pairs: {feeling: [pain, joy], item: [tea, milk]}"},
        {"title: the game": "title: the game\nmodels: demo"},
        {"    template: ": "    turns: [{role: user, contnt: a}]\n    seed: "},
    ],
    ids=lambda changes: next(iter(changes.values()))[:40],
)
def test_the_schema_refuses_what_the_loader_refuses(
    spec: Path, schema: Draft202012Validator, changes: dict[str, str]
) -> None:
    spec.write_text(changed(SPEC, changes))
    assert main(["validate", str(spec)]) == 1
    assert not schema.is_valid(read_source(spec).data)


@pytest.fixture
def demo_spec(tmp_path: Path) -> Path:
    path = tmp_path / "specs" / "game.pp.yaml"
    path.parent.mkdir()
    path.write_text(DEMO)
    return path


def test_a_plan_says_what_a_run_would_do_and_what_is_known_already(
    demo_spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(demo_spec.parent), "--model", "demo"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("demo\n  asked for     8 measurements by 4 claims\n")
    assert "  in the cache  0\n" in text
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={demo_spec.parents[1]}"]
    subprocess.run([*command, str(demo_spec)], cwd=ROOT, capture_output=True, check=False)
    assert main(["plan", str(demo_spec)]) == 0
    text = capsys.readouterr().out
    assert "  in the cache  4\n  to measure    0\n" in text
    assert "FLOP" not in text


def test_a_plan_leaves_out_specs_about_other_models(
    demo_spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_spec.write_text(DEMO.replace("prompts:", "models: [gpt2]\nprompts:", 1))
    assert main(["plan", str(demo_spec), "--model", "demo", "--model", "demo@blunted"]) == 0
    text = capsys.readouterr().out
    assert text.count("0 measurements by 0 claims") == 2


@pytest.mark.parametrize(
    ("change", "model", "message"),
    [
        (("check: choice", "check: chioce"), "demo", "unknown check 'chioce'"),
        (("", ""), "demo@blunt", "blunted"),
    ],
)
def test_what_cannot_be_planned_is_one_line(
    demo_spec: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    model: str,
    message: str,
) -> None:
    demo_spec.write_text(DEMO.replace(*change))
    assert main(["plan", str(demo_spec), "--model", model]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert message in line


def test_a_plan_of_a_folder_without_specs_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(tmp_path)]) == 1
    assert "there is no spec" in capsys.readouterr().out


def test_a_plan_takes_the_options_of_a_run(
    demo_spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={demo_spec.parents[1]}"]
    double = "--ppcheck-dtype=float64"
    subprocess.run([*command, double, str(demo_spec)], cwd=ROOT, capture_output=True, check=False)
    for options, known in (([double], 4), ([], 0), ([double, "--ppcheck-no-cache"], 0)):
        assert main(["plan", str(demo_spec), "--ppcheck-memory=1GB", *options]) == 0
        assert f"  in the cache  {known}\n" in capsys.readouterr().out
    assert main(["plan", str(demo_spec), "--ppcheck-device=cuda:9"]) == 1
    assert "no device 'cuda:9'" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["plan", str(demo_spec), "--ppcheck-memory=lots"])
    assert "'lots' is no size: write 4GB" in capsys.readouterr().err


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


@pytest.mark.trust
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "check: dose_response\n    metric: p(two)\n    dose: dose",
            "all prompts of `game[dose=mild]` have one dose of 'dose': it takes two to compare",
        ),
        ("check: contrast\n    metric: p(two)-p(three)", "metric: 'p(two)-p(three)' is no metric"),
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
