"""The gate: baselines that are blessed, compared with, and never lost; models side by side."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.demo import weights_path
from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.report.claims import MARKS
from ppcheck.report.gate import MARKS as CHANGES
from tests.plugin.conftest import SPEC, write_spec
from tests.sensitivity.changes import scaled

Reader = Callable[[str], dict[str, Any]]
GATE = ("--ppcheck-baseline", "good.json")
KEYS = [f"game.pp.yaml::{name}" for name in ("attracted", "deterred", "last-stream", "sure")]


@pytest.fixture
def blessed(pytester: pytest.Pytester, spec: Path) -> Path:
    """`good.json` holds what the demo model does."""
    pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-bless")
    return pytester.path / "good.json"


def claims(path: Path) -> list[str]:
    return sorted(json.loads(path.read_text())["claims"])


def changes(record: dict[str, Any]) -> dict[str, str]:
    return {claim["id"]: claim["comparison"]["change"] for claim in record["claims"]}


def test_a_missing_baseline_informs_and_fails_nothing(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, *GATE, "-k", "deterred")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["no baseline yet: --ppcheck-bless writes good.json"])
    assert not (pytester.path / "good.json").exists()


def test_a_baseline_is_written_only_when_it_is_blessed(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    assert claims(blessed) == KEYS
    before = blessed.read_bytes()
    result = pytester.runpytest_inprocess(spec, *GATE, "--model=demo@blunted")
    assert blessed.read_bytes() == before
    result.stdout.fnmatch_lines(
        [
            "*deterred*< -0.1*regressed from -0.*",
            "behaviour regressed, mechanism no longer holds: *deterred*",
            "against good.json: 1 regressed, *",
        ]
    )


def test_the_same_model_is_unchanged_in_terminal_record_and_junit(
    pytester: pytest.Pytester, spec: Path, blessed: Path, read_record: Reader
) -> None:
    assert blessed.exists()
    result = pytester.runpytest_inprocess(
        spec, *GATE, "--ppcheck-json=run.json", "--junitxml=junit.xml"
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["against good.json: 4 unchanged"])
    assert set(changes(read_record("run.json")).values()) == {"unchanged"}
    tree = ET.parse(pytester.path / "junit.xml")
    found = [p.get("value") for p in tree.iter("property") if p.get("name") == "change"]
    assert found == ["unchanged"] * 4


def test_every_output_says_the_same_of_each_claim(
    pytester: pytest.Pytester, spec: Path, blessed: Path, read_record: Reader
) -> None:
    assert blessed.exists()
    result = pytester.runpytest_inprocess(
        *(spec, *GATE, "--model=demo@blunted", "--ppcheck-json=run.json", "--junitxml=junit.xml"),
        *("--ppcheck-markdown=run.md", "--ppcheck-report=page"),
    )
    found = read_record("run.json")["claims"]
    said = {c["id"]: (Verdict(c["verdict"]), Change(c["comparison"]["change"])) for c in found}
    assert len({change for _, change in said.values()}) == 4
    junit = {}
    for case in ET.parse(pytester.path / "junit.xml").iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        junit[case.get("name")] = (properties["verdict"], properties["change"])
    assert junit == said
    (listed,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>',
        (pytester.path / "page/index.html").read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    rows = json.loads(listed)["claims"]
    assert {row["id"]: (row["verdict"], row["change"]["kind"]) for row in rows} == said
    (sentence,) = [
        p.get("value")
        for p in ET.parse(pytester.path / "junit.xml").iter("property")
        if p.get("name") == "ppcheck"
    ]
    assert f">{sentence}</h1>" in (pytester.path / "page/index.html").read_text(encoding="utf-8")
    markdown = (pytester.path / "run.md").read_text(encoding="utf-8").replace("\\", "")
    suite = ET.parse(pytester.path / "junit.xml").find("testsuite")
    assert suite is not None
    counts = {name: suite.get(name) for name in ("failures", "errors", "skipped")}
    assert counts == {"failures": "3", "errors": "0", "skipped": "0"}
    for text in (result.stdout.str(), markdown):
        assert str(sentence) in text
        assert "(3 failed, 1 passed)" in text
    for name, (verdict, change) in said.items():
        marks = f"{re.escape(MARKS[verdict])}.*{name}.*{CHANGES[change]} {change}"
        assert re.search(rf"^\| {marks}", markdown, flags=re.MULTILINE), name
        assert re.search(rf"^{marks}", result.stdout.str(), flags=re.MULTILINE), name


def test_a_claim_that_still_holds_may_have_regressed(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    path = write_spec(pytester, SPEC.replace('{difference: "< -0.1"}', '{difference: "< 0.9"}'))
    pytester.runpytest_inprocess(path, *GATE, "--ppcheck-bless", "-k", "deterred")
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "deterred", "--model=demo@blunted")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["▼ regressed from -0.*, and still holds: Pain makes B rarer.", "*baseline*→*tolerance*"]
    )
    assert claims(blessed) == KEYS


def test_a_partial_run_neither_deletes_nor_fails_what_it_left_out(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-bless", "-k", "sure")
    result.assert_outcomes(passed=1)
    assert claims(blessed) == KEYS
    assert "gone" not in result.stdout.str()


@pytest.mark.trust
def test_a_claim_that_held_and_is_gone_from_its_spec_fails_until_that_is_blessed(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    path = write_spec(pytester, SPEC.replace("id: deterred", "id: put-off"))
    result = pytester.runpytest_inprocess(path, *GATE)
    result.assert_outcomes(passed=3, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "⊘ no longer measured: Pain makes B rarer.",
            "*then*holds in good.json",
            "*now*its spec no longer has it",
            "-  deterred *its spec no longer has it*⊘ no longer measured",
            "2 of 5 claims do not pass: 1 is no longer measured, 1 does not hold",
            "5 claims: 3 hold, 1 fails, 1 not applicable (1 failed, 3 passed, 1 error)",
        ]
    )
    result = pytester.runpytest_inprocess(path, *GATE, "--ppcheck-bless")
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["blessed: *; taken out, since no longer measured: *::deterred; *"])
    assert claims(blessed) == sorted([KEYS[0], *KEYS[2:], "game.pp.yaml::put-off"])


def test_a_claim_that_did_not_hold_may_be_gone_from_its_spec(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    assert blessed.exists()
    path = write_spec(pytester, SPEC.replace("id: attracted", "id: drawn"))
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "sure or attracted")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["against good.json: 1 unchanged, 1 gone"])


def test_other_prompts_are_not_comparable_and_no_regression(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    assert blessed.exists()
    path = write_spec(pytester, SPEC.replace("points: [3, 5, 7]", "points: [3, 5, 8]"))
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "deterred")
    result.stdout.fnmatch_lines(
        [
            "*≠ not comparable:*",
            "*prompts.vary.points was*",
            "against good.json: 1 not comparable",
        ]
    )


def test_a_run_that_was_cut_short_blesses_nothing(pytester: pytest.Pytester, spec: Path) -> None:
    pytester.makeconftest("def pytest_runtest_teardown(item):\n    raise KeyboardInterrupt\n")
    result = pytester.runpytest_subprocess(spec, *GATE, "--ppcheck-bless")
    result.stdout.fnmatch_lines(["not blessed: the run did not come to its end, *"])
    assert not (pytester.path / "good.json").exists()


def test_a_damaged_baseline_is_an_error_at_the_start(pytester: pytest.Pytester, spec: Path) -> None:
    (pytester.path / "good.json").write_text("{")
    result = pytester.runpytest_inprocess(spec, *GATE)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*good.json is not a baseline*--ppcheck-bless*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ppcheck-bless"], "name --ppcheck-baseline"),
        ([*GATE, "--ppcheck-against=demo"], "not both"),
        ([*GATE, "--ppcheck-bless", "--model=demo", "--model=demo@tuned"], "of one model"),
        (["--ppcheck-against=demo@nonsense"], "no revision 'nonsense'"),
    ],
)
def test_options_that_clash_are_refused(
    pytester: pytest.Pytester, spec: Path, arguments: list[str], message: str
) -> None:
    result = pytester.runpytest_inprocess(spec, *arguments)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


@pytest.mark.trust
def test_a_run_with_another_seed_than_its_baseline_is_refused(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    assert blessed.exists()
    result = pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-seed=7")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    assert "good.json was measured with seed 0, and this run has 7" in result.stderr.str()


def test_another_model_stands_in_for_a_baseline(
    pytester: pytest.Pytester, spec: Path, read_record: Reader
) -> None:
    result = pytester.runpytest_inprocess(
        spec, "--ppcheck-against=demo", "--model=demo@blunted", "--ppcheck-json=run.json"
    )
    found = changes(read_record("run.json"))
    assert found["deterred"] == "regressed"
    assert found["last-stream"] == "no longer holds"
    result.stdout.fnmatch_lines(["against demo: 1 regressed, *"])


@pytest.mark.slow
def test_the_gate_gives_the_same_under_xdist(
    pytester: pytest.Pytester, spec: Path, blessed: Path, read_record: Reader
) -> None:
    assert blessed.exists()
    for name, arguments in (("one.json", ()), ("two.json", ("-n", "2"))):
        pytester.runpytest_subprocess(
            spec, *GATE, "--model=demo@blunted", f"--ppcheck-json={name}", *arguments
        )
    one, two = read_record("one.json"), read_record("two.json")
    assert [c["comparison"] for c in one["claims"]] == [c["comparison"] for c in two["claims"]]


FEW = ("-k", "deterred or sure")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """Two specs in `specs`, and `good.json` beside it with what the demo model does."""
    for name in "ab":
        spec = pytester.path / "specs" / f"{name}.pp.yaml"
        spec.parent.mkdir(exist_ok=True)
        spec.write_text(SPEC, encoding="utf-8")
    pytester.runpytest_inprocess("specs", *GATE, *FEW, "--ppcheck-bless")
    return pytester.path


@pytest.mark.slow
@pytest.mark.trust
def test_what_is_lost_is_told_once_under_xdist(pytester: pytest.Pytester, project: Path) -> None:
    (project / "specs" / "b.pp.yaml").unlink()
    path = project / "specs" / "a.pp.yaml"
    path.write_text(SPEC.replace("id: sure", "id: safe"), encoding="utf-8")
    options = (*GATE, "-k", "sure or safe or deterred", "-n", "2")
    result = pytester.runpytest_subprocess("specs", *options)
    result.assert_outcomes(passed=2, errors=3)
    result.stdout.fnmatch_lines(["5 claims: 2 hold, 3 not applicable (2 passed, 3 error)"])
    pytester.runpytest_subprocess("specs", *options, "--ppcheck-bless")
    assert claims(project / "good.json") == [IN_BOTH[0], "specs/a.pp.yaml::safe"]


IN_BOTH = [f"specs/{spec}.pp.yaml::{claim}" for spec in "ab" for claim in ("deterred", "sure")]


@pytest.mark.trust
def test_a_claim_is_the_same_from_whatever_folder_pytest_is_started(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch, read_record: Reader
) -> None:
    assert claims(project / "good.json") == IN_BOTH
    monkeypatch.chdir(project / "specs")
    options = "--ppcheck-baseline=../good.json", "--ppcheck-json=../run.json", "-k", "deterred"
    result = pytester.runpytest_inprocess("a.pp.yaml", *options, "--model=demo@blunted")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["against ../good.json: 1 regressed"])
    record = read_record("run.json")
    assert [claim["spec"] for claim in record["claims"]] == ["specs/a.pp.yaml"]
    assert record["specs"] == {"specs/a.pp.yaml": ["sure", "deterred", "attracted", "last-stream"]}


@pytest.mark.trust
def test_blessing_from_another_folder_takes_nothing_of_other_specs_out(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = pytester.mkdir("elsewhere")
    monkeypatch.chdir(elsewhere)
    options = "--ppcheck-baseline=../good.json", "--ppcheck-bless", "-k", "deterred"
    pytester.runpytest_inprocess("../specs/a.pp.yaml", *options)
    assert claims(project / "good.json") == IN_BOTH


@pytest.mark.trust
def test_a_baseline_that_was_moved_away_from_its_specs_compares_nothing_and_fails(
    pytester: pytest.Pytester, project: Path
) -> None:
    folder = pytester.mkdir("kept")
    for file in project.glob("good.json*"):
        file.rename(folder / file.name)
    (project / "specs").rename(project / "claims")
    before = (folder / "good.json").read_bytes()
    moved = "--ppcheck-baseline=kept/good.json"
    for more in ((), ("--ppcheck-bless",)):
        result = pytester.runpytest_inprocess("claims", moved, "-k", "sure", *more)
        result.assert_outcomes(passed=2)
        assert result.ret == (pytest.ExitCode.TESTS_FAILED)
        result.stdout.fnmatch_lines(["nothing was compared: *kept/good.json is about specs/a.pp*"])
    result.stdout.fnmatch_lines(["not blessed: nothing was compared: *"])
    assert (folder / "good.json").read_bytes() == before


@pytest.mark.trust
def test_a_spec_file_that_is_gone_is_no_longer_measured_where_it_was_looked_for(
    pytester: pytest.Pytester, project: Path
) -> None:
    (project / "specs" / "b.pp.yaml").unlink()
    result = pytester.runpytest_inprocess("specs/a.pp.yaml", *GATE, "-k", "sure")
    result.assert_outcomes(passed=1)
    result = pytester.runpytest_inprocess("specs", *GATE, "-k", "sure")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["specs/b.pp.yaml *", "-  sure  its spec is no longer there *"])
    pytester.runpytest_inprocess("specs", *GATE, *FEW, "--ppcheck-bless")
    assert claims(project / "good.json") == IN_BOTH[:2]


@pytest.mark.trust
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace("title:", "models: [gpt2]\ntitle:"), "*spec is about gpt2*"),
        (lambda text: text.replace("claims:", "claims: ["), "*its spec can no longer be read*"),
        (
            lambda text: text.replace("metric: p(b)", "metric: p(nobody)"),
            "*'nobody' is not a choice*",
        ),
    ],
)
def test_a_spec_that_was_edited_so_that_nothing_is_measured_fails(
    pytester: pytest.Pytester, blessed: Path, edit: Callable[[str], str], said: str
) -> None:
    before = blessed.read_bytes()
    path = write_spec(pytester, edit(SPEC))
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "deterred")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([said, "[-!]  deterred *⊘ no longer measured"])
    result.stdout.fnmatch_lines(["against good.json: 1 no longer measured"])
    pytester.runpytest_inprocess(path, *GATE, "-k", "deterred", "--ppcheck-bless")
    assert blessed.read_bytes() == before  # nothing was measured that could be blessed


@pytest.mark.trust
def test_a_model_that_lost_its_tokenizer_does_not_pass(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    assert blessed.exists()
    candidate = pytester.path / "candidate"
    shutil.copytree(weights_path(None), candidate)
    for file in candidate.glob("tokenizer*"):
        file.unlink()
    result = pytester.runpytest_inprocess(spec, *GATE, "-k", "sure", f"--model={candidate}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["The one claim is no longer measured"])
    against = "--ppcheck-against=demo"
    result = pytester.runpytest_inprocess(spec, against, "-k", "sure", f"--model={candidate}")
    result.assert_outcomes(errors=1)


@pytest.mark.trust
@pytest.mark.parametrize("marker", ["skip(reason='later')", "xfail(run=False)"])
def test_a_claim_that_a_conftest_skips_is_no_longer_measured(
    pytester: pytest.Pytester, spec: Path, blessed: Path, marker: str
) -> None:
    assert blessed.exists()
    pytester.makeconftest(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        f"    for item in items: item.add_marker(pytest.mark.{marker})\n"
    )
    result = pytester.runpytest_inprocess(spec, *GATE, "-k", "sure")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*skipped: *⊘ no longer measured"])


@pytest.mark.trust
def test_a_first_blessing_says_nothing_of_changes(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-bless", "-k", "sure")
    text = result.stdout.str()
    assert "new" not in text.partition("= ppcheck =")[2]
    assert "against" not in text
    result.stdout.fnmatch_lines(["The one claim holds"])


@pytest.mark.trust
def test_two_specs_of_the_same_name_in_a_run_are_refused(pytester: pytest.Pytester) -> None:
    for folder in ("one", "two"):
        path = pytester.path / folder / "specs" / "a.pp.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(SPEC, encoding="utf-8")
    result = pytester.runpytest_inprocess(".", "-k", "nothing")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*two/specs/a.pp.yaml:1: *one/specs/a.pp.yaml is called specs/a*"])


@pytest.mark.trust
def test_a_head_that_leads_instead_of_another_is_named_and_compared_with_it(
    pytester: pytest.Pytester,
) -> None:
    from safetensors.torch import load_file, save_file

    many = SPEC.replace("[3, 5, 7]", "[1, 3, 4, 5, 6, 7]")
    path = write_spec(pytester, many.partition("claims:")[0] + ROLE)
    pytester.runpytest_inprocess(path, *GATE, "--ppcheck-bless")
    candidate = pytester.path / "candidate"
    shutil.copytree(weights_path(None), candidate)
    weights = scaled(load_file(candidate / "model.safetensors"), layer=1, head=1, factor=0.2)
    new = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    save_file(new, candidate / "model.safetensors", metadata={"format": "pt"})
    result = pytester.runpytest_inprocess(path, *GATE, f"--model={candidate}")
    result.assert_outcomes(failed=2)
    text = " ".join(result.stdout.str().split())
    for said in ("strength[L1H1] → strength[", "recovery[L1H1] → recovery[", "L1H1 led, "):
        assert said in text
    result.stdout.fnmatch_lines(["against good.json: 2 regressed"])


ROLE = """claims:
  - id: some-mover
    says: Some head brings some of pain's effect to the final token.
    check: role
    on: game
    site: L1H*
    effect: {metric: "logit_diff(a, b)", mode: denoise, at_least: 0.02}
    expect: {strength: ">= 1"}
  - id: best-mover
    says: The head that brings most of it brings some.
    check: patch
    on: game
    site: L1H*
    mode: denoise
    metric: logit_diff(a, b)
    top: 1
    expect: {recovery: ">= 0.02"}
"""
