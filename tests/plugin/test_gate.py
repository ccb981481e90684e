"""The gate: baselines that are blessed, compared with, and never lost; models side by side."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.report.claims import MARKS
from ppcheck.report.gate import MARKS as CHANGES
from tests.plugin.conftest import SPEC, write_spec

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
    markdown = (pytester.path / "run.md").read_text(encoding="utf-8").replace("\\", "")
    for name, (verdict, change) in said.items():
        marks = f"{re.escape(MARKS[verdict])}.*{name}.*{CHANGES[change]} {change}"
        assert re.search(rf"^\| {marks}", markdown, flags=re.MULTILINE), name
        assert re.search(rf"^{marks}", result.stdout.str(), flags=re.MULTILINE), name


def test_a_claim_that_still_holds_may_have_regressed(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    path = write_spec(pytester, SPEC.replace('{difference: "< -0.1"}', '{difference: "< 1"}'))
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


def test_what_is_gone_from_the_spec_is_named_and_goes_when_blessed(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    path = write_spec(pytester, SPEC.replace("id: attracted", "id: drawn"))
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "drawn")
    result.stdout.fnmatch_lines(
        [
            "against good.json: 1 new, 1 gone",
            "gone from the specs, and still in good.json: game.pp.yaml::attracted",
        ]
    )
    pytester.runpytest_inprocess(path, *GATE, "--ppcheck-bless", "-k", "drawn")
    assert claims(blessed) == sorted([*KEYS[1:], "game.pp.yaml::drawn"])


def test_other_prompts_are_not_comparable_and_no_regression(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    assert blessed.exists()
    path = write_spec(pytester, SPEC.replace("points: [3, 5, 7]", "points: [3, 5, 8]"))
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "deterred")
    result.stdout.fnmatch_lines(
        ["*≠ not comparable: prompts*", "against good.json: 1 not comparable"]
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
    result.stderr.fnmatch_lines(["*good.json is no baseline*--ppcheck-bless*"])


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
