"""`ppcheck schema`: what it accepts and refuses is what the loader does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import ppcheck.spec
from ppcheck.cli import main
from ppcheck.measure.registry import schema_text
from ppcheck.spec.source import read_source
from tests.spec.example import SPEC, changed

ROOT = Path(__file__).parents[2]
SCHEMA = Path(next(iter(ppcheck.spec.__path__))) / "schema.json"
SHIPPED = sorted((ROOT / "specs").rglob("*.pp.yaml"))


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_schema_is_printed_and_the_committed_one_is_not_stale(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema_text()
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run `make schema`"


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
