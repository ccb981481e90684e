"""What the documents promise: every check, statistic, option, marker and verdict has its entry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from ppcheck.cli import main
from ppcheck.judge.compare import Change
from ppcheck.judge.limits import IntervalMethod
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.families import FAMILIES
from ppcheck.measure.registry import CHECKS
from ppcheck.plugin import pytest_addoption
from ppcheck.spec.claim import Claim, Correction
from ppcheck.spec.load import Spec, load_spec
from ppcheck.spec.metric import Reading
from ppcheck.spec.prompts import PromptSet
from ppcheck.spec.site import Kind
from ppcheck.subject.load import load, resolve
from tests.specs.examined import examined

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs" / "specs.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


SECTIONS = {"Definition", "Fields", "Example", "What can go wrong", "Cost"}


def own_fields(name: str) -> set[str]:
    """The fields that a check has beside those of every claim, as a spec writes them."""
    fields = CHECKS[name]().model_fields.items()
    return {f.alias or key for key, f in fields if key not in {"check", *Claim.model_fields}}


def statistics_of(name: str) -> list[str]:
    doc = CHECKS[name]().__doc__ or ""
    table = re.findall(r"^    ([a-z_]+(?:, [a-z_]+)*)  +\S", doc, re.MULTILINE)
    return [statistic for row in table for statistic in row.split(", ")]


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_a_section_that_names_its_fields_and_statistics(name: str) -> None:
    section = REFERENCE.split(f"### `{name}`\n")[1].split("\n##")[0]
    for key in own_fields(name) - {"top", "site", "pairs"}:
        assert f"`{key}" in section, key
    assert f"Marker `{CHECKS[name]().family}`" in section
    assert f"(checks/{name}.md)" in section
    assert statistics_of(name)
    for statistic in statistics_of(name):
        assert f"`{statistic}`" in section, statistic


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_a_page_with_all_that_a_reader_needs(name: str) -> None:
    page = (ROOT / "docs" / "checks" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# `{name}`\n")
    assert set(re.findall(r"^## (.+)$", page, re.MULTILINE)) >= SECTIONS
    for key in own_fields(name):
        assert f"`{key}" in page, key
    for statistic in statistics_of(name):
        assert f"`{statistic}`" in page, statistic
    assert re.search(r"\b(?:19|20)\d\d\b", page), "it names no source"


@pytest.mark.parametrize("key", Claim.model_fields)
def test_every_key_that_all_claims_have_is_explained(key: str) -> None:
    assert f"`{key}`" in REFERENCE


@pytest.mark.parametrize("change", Change)
def test_every_change_against_a_baseline_is_explained(change: Change) -> None:
    assert f"| {change} |" in (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*get_args(IntervalMethod), *get_args(Correction)])
def test_every_method_and_correction_is_explained(word: str) -> None:
    assert f"| `{word}`" in REFERENCE


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_explained(verdict: Verdict) -> None:
    assert f"| {verdict} |" in REFERENCE
    assert f"| {verdict} |" in README


def test_every_option_is_explained() -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    options = [name for option in parser.getgroup("ppcheck").options for name in option.names()]
    assert len(options) >= 6
    for name in (*options, "--model"):
        assert f"`{name}" in REFERENCE, name


def test_every_option_of_an_audit_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--ppcheck-model"}
    assert len(options) >= 14
    for name in options:
        assert f"`{name}" in (ROOT / "docs" / "audit.md").read_text(encoding="utf-8"), name


@pytest.mark.parametrize("key", PromptSet.model_fields)
def test_every_key_of_a_prompt_set_is_explained(key: str) -> None:
    assert f"| `{key}` |" in REFERENCE


@pytest.mark.parametrize(
    "word", [*FAMILIES, *Reading, *(kind for kind in Kind if kind is not Kind.HEAD)]
)
def test_every_marker_metric_and_kind_of_site_is_named(word: str) -> None:
    others = {Kind.QUERY: ".q`", Kind.NEURON: "a neuron"}
    named = others.get(Kind(word)) if word in set(Kind) else None
    assert (named or word) in REFERENCE


def verdicts(spec: Spec) -> list[Verdict]:
    return [record.verdict for record in examined(spec, load(resolve("demo"))).values()]


def test_the_readmes_spec_holds_on_the_demo_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.pp.yaml"
    path.write_text(README.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert verdicts(load_spec(path, CHECKS)) == [Verdict.HOLDS] * 3


def test_the_reference_shows_a_claim_of_every_check_that_holds(tmp_path: Path) -> None:
    readme = README.split("```yaml\n")[1].split("```")[0]
    blocks = [block.split("```")[0] for block in REFERENCE.split("```yaml\n")[1:]]
    shown = "".join(blocks[: len(CHECKS)])
    path = tmp_path / "shown.pp.yaml"
    path.write_text(readme.split("claims:")[0] + "claims:\n" + shown, encoding="utf-8")
    spec = load_spec(path, CHECKS)
    assert [entry.check for entry in spec.entries] == list(CHECKS)
    assert verdicts(spec) == [Verdict.HOLDS] * len(CHECKS)


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "ppcheck/demo/README.md"]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
