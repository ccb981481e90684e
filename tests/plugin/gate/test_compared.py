"""What became of each claim: the same in every output, by pairs of units, against another model."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ppcheck.demo import weights_path
from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.report.claims import MARKS
from ppcheck.report.gate import MARKS as CHANGES
from tests.plugin.conftest import SPEC, write_spec
from tests.plugin.gate.baselines import GATE, KEYS, Reader, changes, claims
from tests.sensitivity.changes import scaled


def test_the_same_model_is_unchanged_in_terminal_record_and_junit(
    pytester: pytest.Pytester, spec: Path, blessed: Path, read_record: Reader
) -> None:
    assert blessed.exists()
    result = pytester.runpytest_inprocess(
        spec, *GATE, "--ppcheck-no-cache", "--ppcheck-json=run.json", "--junitxml=junit.xml"
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
    blunted = (spec, *GATE, "--model=demo@blunted")
    pytester.runpytest_inprocess(*blunted, "--ppcheck-json=one.json")
    pytester.runpytest_subprocess(*blunted, "--ppcheck-json=two.json", "-n", "2")
    one, two = read_record("one.json"), read_record("two.json")
    assert [c["comparison"] for c in one["claims"]] == [c["comparison"] for c in two["claims"]]


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
