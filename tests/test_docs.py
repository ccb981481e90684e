"""What the documents promise: every check, statistic, option, marker and verdict has its entry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from ppcheck.cli import main
from ppcheck.judge.compare import Change
from ppcheck.judge.limits import IntervalMethod
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.families import FAMILIES
from ppcheck.measure.registry import CHECKS
from ppcheck.plugin import pytest_addoption
from ppcheck.spec.claim import Claim, Correction
from ppcheck.spec.expectations.metric import Reading
from ppcheck.spec.load import Spec, load_spec
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.site import Kind
from ppcheck.subject.load import load, resolve
from tests.specs.examined import examined

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")
LANGUAGE = (DOCS / "language.md").read_text(encoding="utf-8")
STATISTICS = (DOCS / "statistics.md").read_text(encoding="utf-8")
CLI = (DOCS / "cli.md").read_text(encoding="utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
MARKDOWN = [
    *ROOT.glob("*.md"),
    *ROOT.glob(".github/**/*.md"),
    *DOCS.glob("**/*.md"),
    ROOT / "ppcheck" / "demo" / "README.md",
    ROOT / "reports" / "README.md",
]

SECTIONS = {"Definition", "Fields", "Example", "What can go wrong", "Cost"}


def own_fields(name: str) -> set[str]:
    """The fields that a check has beside those of every claim, as a spec writes them."""
    fields = CHECKS[name]().model_fields.items()
    return {f.alias or key for key, f in fields if key not in {"check", *Claim.model_fields}}


def statistics_of(name: str) -> list[str]:
    doc = CHECKS[name]().__doc__ or ""
    table = re.findall(r"^    ([a-z_()]+(?:, [a-z_]+)*)  +\S", doc, re.MULTILINE)
    return [statistic for row in table for statistic in row.split(", ")]


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_a_section_that_names_its_fields_and_statistics(name: str) -> None:
    section = LANGUAGE.split(f"### `{name}`\n")[1].split("\n##")[0]
    for key in own_fields(name) - {"at", "top", "site", "pairs"}:
        assert f"`{key}" in section, key
    assert f"Marker `{CHECKS[name]().family}`" in section
    assert f"(checks/{name}.md)" in section
    assert f"(checks/{name}.md)" in INDEX
    assert statistics_of(name), "its docstring has no table of `name  meaning` of its statistics"
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
    assert f"`{key}`" in LANGUAGE


@pytest.mark.parametrize("change", Change)
def test_every_change_against_a_baseline_is_explained(change: Change) -> None:
    assert f"| {change} |" in (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*get_args(IntervalMethod), *get_args(Correction)])
def test_every_method_and_correction_is_explained(word: str) -> None:
    assert f"| `{word}`" in STATISTICS


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_explained(verdict: Verdict) -> None:
    for page in (LANGUAGE, GLOSSARY, README):
        assert f"| {verdict} |" in page


def test_every_option_is_explained() -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    options = [name for option in parser.getgroup("ppcheck").options for name in option.names()]
    assert len(options) >= 6
    for name in (*options, "--model"):
        assert f"`{name}" in CLI, name


def test_every_command_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"\{([a-z,]+)\}", capsys.readouterr().out)[0].split(",")
    assert len(commands) >= 7
    for name in commands:
        assert f"`ppcheck {name}" in CLI, name


def test_every_option_of_an_audit_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--ppcheck-model"}
    assert len(options) >= 14
    for name in options:
        assert f"`{name}" in (ROOT / "docs" / "audit.md").read_text(encoding="utf-8"), name


@pytest.mark.parametrize("key", PromptSet.model_fields)
def test_every_key_of_a_prompt_set_is_explained(key: str) -> None:
    assert f"| `{key}` |" in LANGUAGE


@pytest.mark.parametrize("family", FAMILIES)
def test_every_marker_is_named(family: str) -> None:
    assert f"`{family}`" in CLI


@pytest.mark.parametrize("word", [*Reading, *(kind for kind in Kind if kind is not Kind.HEAD)])
def test_every_metric_and_kind_of_site_is_named(word: str) -> None:
    others = {Kind.QUERY: ".q`", Kind.NEURON: "a neuron"}
    named = others.get(Kind(word)) if word in set(Kind) else None
    assert (named or word) in LANGUAGE


def verdicts(spec: Spec) -> list[Verdict]:
    return [record.verdict for record in examined(spec, load(resolve("demo"))).values()]


def test_the_readmes_spec_holds_on_the_demo_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.pp.yaml"
    path.write_text(README.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert verdicts(load_spec(path, CHECKS)) == [Verdict.HOLDS] * 3


def test_the_tutorials_spec_has_the_units_and_the_claim_that_it_says(tmp_path: Path) -> None:
    tutorial = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    path = tmp_path / "pronoun.pp.yaml"
    path.write_text(tutorial.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    (entry,) = load_spec(path, CHECKS).entries
    claim, grid = entry.expand()
    assert claim.id == "agrees"
    assert len({prompt.unit for prompt in grid.prompts}) == 16


def test_the_language_shows_a_claim_of_every_check_that_holds(tmp_path: Path) -> None:
    readme = README.split("```yaml\n")[1].split("```")[0]
    blocks = [block.split("```")[0] for block in LANGUAGE.split("```yaml\n")[1:]]
    shown = "".join(blocks[: len(CHECKS)])
    path = tmp_path / "shown.pp.yaml"
    path.write_text(readme.split("claims:")[0] + "claims:\n" + shown, encoding="utf-8")
    spec = load_spec(path, CHECKS)
    assert [entry.check for entry in spec.entries] == list(CHECKS)
    assert verdicts(spec) == [Verdict.HOLDS] * len(CHECKS)


@pytest.mark.parametrize("section", ["At", "Comparisons"])
def test_the_claim_that_a_section_of_the_language_shows_holds(tmp_path: Path, section: str) -> None:
    readme = README.split("```yaml\n")[1].split("```")[0]
    shown = LANGUAGE.split(f"## {section}\n")[1].split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "shown.pp.yaml"
    path.write_text(readme.split("claims:")[0] + "claims:\n" + shown, encoding="utf-8")
    assert verdicts(load_spec(path, CHECKS)) == [Verdict.HOLDS]


def prose(document: Path) -> str:
    """The text of a document without its blocks of code."""
    text = document.read_text(encoding="utf-8")
    fenced = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^    .*$", "", fenced, flags=re.MULTILINE)


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', prose(document)))


def links(document: Path) -> list[tuple[str, str]]:
    """The relative links of a document, each a path ("" for itself) and an anchor or ""."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(document))
    return [
        (path, anchor)
        for path, _, anchor in (target.partition("#") for target in found)
        if "://" not in path and not path.startswith("mailto:")
    ]


@pytest.mark.parametrize("document", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_and_anchor_leads_somewhere(document: Path) -> None:
    for path, anchor in links(document):
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_pages_of_the_site_link_only_to_each_other() -> None:
    for page in DOCS.glob("**/*.md"):
        for path, _ in links(page):
            assert (page.parent / path).resolve().is_relative_to(DOCS), f"{page.name}: {path}"


def pages(nav: object) -> list[str]:
    """The pages of a navigation, in order."""
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else []
    return [page for part in inner for page in pages(part)]


def test_the_site_has_every_page_once_and_the_checks_in_the_order_of_the_language() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = pages(site["nav"])
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.glob("**/*.md"))
    of_checks = [page for page in listed if "/" in page]
    assert of_checks == [f"checks/{name}.md" for name in CHECKS], "mkdocs.yml: the registry's order"


def test_the_glossary_explains_each_term_once() -> None:
    terms = re.findall(r"^\| ([^|`]+?) \|", GLOSSARY, re.MULTILINE)
    single = [term for row in terms for term in row.split(", ") if term not in {"term", "---"}]
    assert len(single) > 90
    assert len(single) == len(set(single))
