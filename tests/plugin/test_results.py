"""The end of a run: the table, the record, JUnit, and the same under xdist."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import SPEC, write_spec

Reader = Callable[[str], dict[str, Any]]


def test_the_run_ends_with_one_table_and_a_count(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_inprocess(spec)
    result.stdout.fnmatch_lines(
        [
            "*= ppcheck =*",
            "game.pp.yaml*on demo",
            "✓*sure*mass*[[]*,*[]]*>= 0.9*n=9",
            "✗*attracted*difference*> 0.1*n=9",
            "4 claims: 3 hold, 1 fails (1 failed, 3 passed)",
        ]
    )


@pytest.mark.trust
def test_a_model_that_cannot_be_replayed_is_a_warning_at_the_end_with_cause_and_cost(
    pytester: pytest.Pytester, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    from ppcheck.subject.operations import self_test

    options = ("-k", "last", "--ppcheck-no-cache", "--ppcheck-json", "run.json")
    assert "warning:" not in pytester.runpytest_inprocess(spec, *options).stdout.str()
    monkeypatch.setattr(self_test, "fault", lambda *_: "L0H0 differs from a whole pass by 0.1")
    result = pytester.runpytest_inprocess(spec, *options)
    result.assert_outcomes(passed=1, deselected=3)
    *_, before, warning, _ = result.stdout.lines
    assert before == "run record: run.json"
    assert warning == (
        "warning: demo cannot be replayed, so that 1 claim took whole forward passes, which are as "
        "exact and 1.0 times the work or more: L0H0 differs from a whole pass by 0.1"
    )


def test_a_run_without_claims_says_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    assert "ppcheck =" not in pytester.runpytest_inprocess().stdout.str()


def test_the_record_holds_model_claims_and_figures(
    pytester: pytest.Pytester, spec: Path, read_record: Reader
) -> None:
    pytester.runpytest_inprocess(spec, "--ppcheck-json", "run.json")
    record = read_record("run.json")
    assert record["schema"] == "ppcheck.run/3"
    assert record["model"]["name"] == "demo"
    assert len(record["model"]["weights_sha256"]) == 64
    assert record["model"]["versions"].keys() >= {"ppcheck", "torch", "transformers"}
    verdicts = {claim["id"]: claim["verdict"] for claim in record["claims"]}
    assert verdicts == {
        "sure": "holds",
        "deterred": "holds",
        "attracted": "fails",
        "last-stream": "holds",
    }
    deterred = record["claims"][1]
    assert deterred["spec"] == "game.pp.yaml"
    assert spec.read_text().splitlines()[deterred["line"] - 1] == "  - id: deterred"
    difference = deterred["statistics"]["difference"]
    assert difference["low"] < difference["estimate"] < difference["high"] < -0.1
    assert difference["n"] == 9
    assert len(difference["values"]) == 72


def test_the_same_seed_gives_the_same_bytes(
    pytester: pytest.Pytester, spec: Path, read_record: Reader
) -> None:
    for name in ("first.json", "second.json"):
        pytester.runpytest_inprocess(spec, "--ppcheck-json", name, "-k", "not sure")

    def statistics(name: str) -> dict[str, Any]:
        return {claim["id"]: claim["statistics"] for claim in read_record(name)["claims"]}

    assert statistics("first.json") == statistics("second.json")


@pytest.mark.slow
def test_workers_change_no_statistic(
    pytester: pytest.Pytester, spec: Path, read_record: Reader
) -> None:
    pytester.runpytest_inprocess(spec, "--ppcheck-json", "alone.json")
    result = pytester.runpytest_subprocess(spec, "-n", "2", "--ppcheck-json", "workers.json")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["4 claims: 3 hold, 1 fails (1 failed, 3 passed)"])
    alone, workers = read_record("alone.json"), read_record("workers.json")
    assert alone["model"] == workers["model"]
    for one, other in zip(alone["claims"], workers["claims"], strict=True):
        assert one["id"] == other["id"]
        assert one["statistics"] == other["statistics"]


def test_junit_carries_verdict_and_figures(pytester: pytest.Pytester, spec: Path) -> None:
    pytester.runpytest_inprocess(spec, "--junitxml", "junit.xml", "-o", "junit_family=xunit1")
    cases = {
        case.attrib["name"]: case for case in ET.parse(pytester.path / "junit.xml").iter("testcase")
    }
    assert cases.keys() == {"sure", "deterred", "attracted", "last-stream"}
    properties = {
        each.attrib["name"]: each.attrib["value"] for each in cases["attracted"].iter("property")
    }
    assert properties["verdict"] == "fails"
    assert float(properties["difference"]) < -0.1
    failure = cases["attracted"].find("failure")
    assert failure is not None
    assert "claimed" in (failure.text or "")


def test_terminal_escapes_in_a_spec_are_shown_as_text(pytester: pytest.Pytester) -> None:
    says = "says: Pain makes B likelier, which is not so."
    spec = write_spec(pytester, SPEC.replace(says, 'says: "Pain \\e[31mred"'))
    result = pytester.runpytest_inprocess(spec, "-k", "attracted", "--color=no")
    assert "\x1b[31mred" not in result.stdout.str()
    assert "\\x1b[31mred" in result.stdout.str()


def test_collecting_a_thousand_claims_imports_no_torch(pytester: pytest.Pytester) -> None:
    claim = SPEC[SPEC.index("  - id: deterred") : SPEC.index("  - id: attracted")]
    many = "".join(claim.replace("deterred", f"deterred-{number}") for number in range(1000))
    write_spec(pytester, SPEC[: SPEC.index("  - id: sure")] + many)
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            heavy = {"torch", "transformers", "scipy", "plotly", "jinja2", "sqlalchemy"}
            heavy &= set(sys.modules)
            print("imported:", sorted(heavy))
        """
    )
    result = pytester.runpytest_subprocess("--collect-only", "-q", "-p", "no:html")
    result.stdout.fnmatch_lines(["game.pp.yaml::deterred-999", "imported: [[][]]"])


RARE = """
ppcheck: 1
title: words that are never the answer
prompts:
  game:
    template: "{opening} . choose A for {points} points . choose B for 5 points . so choose"
    vary: {opening: [hello, we play, a small game], points: [3, 5, 7]}
    choices: {hello: hello, play: play}
  same:
    template: "{opening} . choose A for 3 points . choose B for 5 points . so choose"
    rows: same.csv
    choices: {a: A, b: B}
claims:
  - id: rare
    says: Of two words that the model never says it prefers one.
    check: choice
    on: game
    choice: hello
    expect: {probability: "0.0001..0.9999"}
  - id: forty-times
    says: One prompt over and over says that B is chosen.
    check: choice
    on: same
    choice: b
    expect: {rate: ">= 0.5"}
"""


@pytest.mark.trust
def test_choices_without_mass_are_named_in_every_output(
    pytester: pytest.Pytester, read_record: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_spec(pytester, RARE, "rare")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    outputs = ["--ppcheck-json=run.json", "--ppcheck-markdown=run.md", "--ppcheck-report=page"]
    result = pytester.runpytest_inprocess(
        "rare.pp.yaml::rare", "--junitxml=junit.xml", "--no-header", *outputs
    )
    result.assert_outcomes(passed=1)
    (claim,) = read_record("run.json")["claims"]
    assert claim["facts"]["mass"] < 0.01
    assert any(note.startswith("the choices have a mass of") for note in claim["notes"])
    said = "the choices, so that these claims are about rare answers: rare"
    result.stdout.fnmatch_lines([f"the model hardly*{said} (*)", f"::notice file=rare*{said} (*"])
    for name in ("run.md", "page/index.html", "junit.xml"):
        assert said in (pytester.path / name).read_text(encoding="utf-8"), name


@pytest.mark.trust
def test_one_prompt_in_forty_rows_decides_nothing(
    pytester: pytest.Pytester, read_record: Reader
) -> None:
    write_spec(pytester, RARE, "rare")
    (pytester.path / "same.csv").write_text(
        "opening\n" + "".join(f"hello{' ' * n}\n" for n in range(40))
    )
    result = pytester.runpytest_inprocess("rare.pp.yaml::forty-times", "--ppcheck-json=run.json")
    result.assert_outcomes(failed=1)
    (claim,) = read_record("run.json")["claims"]
    assert claim["verdict"] == "inconclusive"
    assert {one["n"] for one in claim["statistics"].values()} == {1}
    facts = claim["facts"]
    assert (facts["prompts"], facts["distinct"], facts["units"]) == (40, 1, 1)
    result.stdout.fnmatch_lines(["*note*39 of 40 prompts repeat others token for token*"])
