from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ppcheck.errors import SpecError
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import load_spec
from ppcheck.spec.prompts.selection import Selection
from tests.spec.example import SPEC, Failure, Loaded, Written

TITLE = "title: the game\n"
FIRST = "  - id: first\n"


def test_a_spec_is_its_claims_and_their_prompts(loaded: Loaded) -> None:
    spec = loaded({TITLE: TITLE + "source: Me 2026\n"})
    assert (spec.title, spec.source, spec.models) == ("the game", "Me 2026", ("*",))
    assert [(entry.id, entry.check, entry.line) for entry in spec.entries] == [
        ("first", "choice", 14),
        ("second", "patch", 20),
    ]
    for entry in spec.entries:
        assert entry.claim is not None
        assert entry.grid is not None
        assert len(entry.grid.select(entry.claim.on)) == 36
    assert spec.entries[0].grid is spec.entries[1].grid


def test_numbers_are_words_as_they_are_written(loaded: Loaded) -> None:
    grid = loaded({"[tea, milk, salt]": "[1.50, 0x10, 12:30]", "title: the game": "title: 1.0"})
    assert grid.title == "1.0"
    found = grid.entries[0].grid
    assert found is not None
    assert [word.text for word in found.prompt_set.vary["item"].words] == ["1.50", "0x10", "12:30"]


def test_names_may_be_words_that_yaml_takes_for_others(loaded: Loaded) -> None:
    spec = loaded(
        {
            "choices: {two: ": "choices: {no: ",
            "choice: two": 'choice: "no"',
            "logit_diff(two, three)": "logit_diff(no, three)",
        }
    )
    assert [entry.error for entry in spec.entries] == [None, None]


@pytest.mark.parametrize(
    ("models", "name", "about"),
    [
        ("[demo]", "demo", True),
        ("[demo]", "gpt2", False),
        ("[gpt2*, org/*]", "org/model", True),
        ('["*", "!gpt2"]', "gpt2", False),
        ('["!gpt2"]', "demo", True),
        ('["!gpt2"]', "gpt2", False),
    ],
)
def test_a_spec_is_about_the_models_it_names(
    loaded: Loaded, models: str, name: str, about: bool
) -> None:
    spec = loaded({TITLE: f"{TITLE}models: {models}\n"})
    assert spec.is_about(name) is about
    assert spec.is_about(name, "or-another-name-of-it") is about


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (TITLE, TITLE + "promts: 3\n", "3: unknown key 'promts': did you mean 'prompts'?"),
        (TITLE, TITLE + "models: demo\n", "3: models: expected a list such as [a, b], got 'demo'"),
        (TITLE, TITLE + "models: []\n", "3: models: expected at least 1 of these, got []"),
        (TITLE, TITLE + "models: [yes]\n", "3: models: yes, on and true are read as"),
        (TITLE, "title: [a]\n", "2: title: expected text, got ['a']"),
        (TITLE, "title:\n", "2: title: expected text, got nothing"),
        (TITLE, "", "1: the key 'title' is missing"),
        ("ppcheck: 1", "ppcheck: 2", "1: ppcheck: expected 1, got 2"),
        ("ppcheck: 1", 'ppcheck: "1"', "1: ppcheck: expected 1, got '1'"),
        ("ppcheck: 1\n", "", "1: the key 'ppcheck' is missing"),
        (
            "prompts:\n",
            "prompts: [a]\nx:\n",
            "expected keys with values, such as {a: b}, got ['a']",
        ),
        (SPEC, "", "1: a spec has the keys `ppcheck: 1`, `title`, `prompts` and `claims`; the fi"),
        (SPEC, "- a\n", "1: a spec has the keys `ppcheck: 1`, `title`, `prompts` and `claims`; g"),
        (SPEC[SPEC.index("claims:") :], "claims: []\n", "12: claims: expected at least 1 of these"),
        (SPEC[SPEC.index("claims:") :], "claims: {a: 1}\n", "12: claims: expected a list such as"),
    ],
)
def test_what_is_wrong_with_the_whole_file_is_said(
    failure: Failure, old: str, new: str, message: str
) -> None:
    said = failure(old, new)
    assert said.startswith("game.pp.yaml:")
    assert message in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("check: patch", "check: pach", "21: unknown check 'pach': did you mean 'patch'?"),
        ("check: patch", "check: [patch]", "21: unknown check ['patch']: did you mean 'patch'?"),
        ("check: patch", "check: 3", "21: unknown check 3: there is choice"),
        ("    check: patch\n", "", "19: the key 'check' is missing: there is choice"),
        ("mode: denoise", "mode: noise\n    tpo: 1", "25: unknown key 'tpo': did you mean 'top'?"),
        ("    mode: denoise\n", "", "19: the key 'mode' is missing"),
        ("mode: denoise", "mode: denoize", "24: mode: unknown 'denoize': did you mean 'denoise'?"),
        ("mode: denoise", "mode: yes", "24: mode: expected 'denoise' or 'noise', got true"),
        (
            "mode: denoise",
            "mode: noise\n    top: all",
            "25: top: expected a whole number, got 'all'",
        ),
        ("mode: denoise", "mode: noise\n    top: 0", "25: top: expected at least 1, got 0"),
        (
            "mode: denoise",
            "mode: noise\n    together: perhaps",
            "25: together: expected true or false, got 'perhaps'",
        ),
        ("site: L0H0", "site: H0L0", "23: site: 'H0L0' is not a site; sites are written L9H6"),
        ("site: L0H0", "site: {a: b}", "23: site: a site is text or a list of texts, such as"),
        ("site: L0H0", "site: [L[0-1]H0]", "23: not YAML: did not find expected ',' or ']'"),
        (
            "site: L0H0",
            "site: L0H0\n    position: feling",
            "24: there is no position 'feling': did you mean 'feeling'?",
        ),
        (
            "site: L0H0",
            "site: L0H0\n    position: {final: 0}",
            "24: position: expected a position (final, all, previous, a number",
        ),
        (
            "site: L0H0",
            "site: L0H0\n    pairs: {feeling: [pain, jo]}",
            "24: 'feeling' has no class 'jo': did you mean 'joy'?",
        ),
        (
            "site: L0H0",
            "site: L0H0\n    pairs: {feling: [pain, joy]}",
            "24: no template has 'feling': did you mean 'feeling'?",
        ),
        (
            "site: L0H0",
            "site: L0H0\n    pairs: {feeling: [a, b, c]}",
            "24: feeling: expected two classes, [clean, corrupted], or the name of another",
        ),
        (
            "logit_diff(two, three)",
            "logt(two)",
            "25: metric: unknown metric 'logt': did you mean 'log_p'?",
        ),
        (
            "logit_diff(two, three)",
            "p(tow)",
            "25: 'tow' is not a choice of 'game': did you mean 'two'",
        ),
        ("logit_diff(two, three)", "[p]", "25: metric: 'p' names 0 choices: write p(a)"),
        (
            "logit_diff(two, three)",
            "{p: 1}",
            "25: metric: expected a metric (logit_diff(a, b), p(a)",
        ),
        (
            "{recovery:",
            "{recvery:",
            "26: this claim gives no statistic 'recvery': did you mean 'recovery'?",
        ),
        (
            '{recovery: ">= 0.5"}',
            '\n      recvery: ">= 0.5"',
            "27: this claim gives no statistic 'recvery': did you mean 'recovery'?",
        ),
        (
            '{recovery: ">= 0.5"}',
            '\n      recovery[L0H0] - recovery[L0H1]: "> 0"',
            "27: L0H1 is not one of the sites of this claim, L0H0: add it to `site`",
        ),
        (
            '{recovery: ">= 0.5"}',
            '\n      recovery[L0H0] > recovery[L0H1]: "> 0"',
            "by their difference, 'recovery[L0H0] - recovery[L0H1]': \"> 0\"",
        ),
        ('{recovery: ">= 0.5"}', "{}", "26: expect: expected at least 1 of these, got {}"),
        ('{recovery: ">= 0.5"}', "0.5", "26: expect: expected keys with values, such as {a: b}"),
        (
            '{recovery: ">= 0.5"}',
            "{recovery: 0.5}",
            "26: recovery: expected a bound in quotes, such",
        ),
        (
            '{recovery: ">= 0.5"}',
            '{recovery: "0.5"}',
            '26: recovery: bound "0.5": it is not a bound',
        ),
        ("says: A head moves it.", "says: [a]", "20: says: expected text, got ['a']"),
        ("says: A head moves it.", "says:", "20: says: expected text, got nothing"),
        ("says: A head moves it.", "says: ''", "20: says: expected text that is not empty, got ''"),
        ("id: second", "id: a b", "19: id: expected letters, digits and . _ - only, the first a"),
        ("id: second", "id: [a]", "19: id: expected text, got ['a']"),
        ("- id: second\n    says", "- says", "19: the key 'id' is missing"),
    ],
)
def test_what_is_wrong_with_one_claim_spoils_no_other(
    written: Written, failure: Failure, old: str, new: str, message: str
) -> None:
    said = failure(old, new)
    assert said.startswith("game.pp.yaml:")
    assert message in said
    assert len(said.splitlines()) == 1
    if "not YAML" not in message:
        first, second = load_spec(written({old: new}), CHECKS).entries
        assert first.claim is not None
        assert first.error is None
        assert second.claim is None
        assert second.error is not None


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ("gam", "there are no prompts 'gam': did you mean 'game'?"),
        ("game[feling=pain]", "there is no variable 'feling': did you mean 'feeling'?"),
        ("game[feeling=pian]", "'feeling' has no class or word 'pian': did you mean 'pain'?"),
        ("game[feeling]", "on: 'feeling' is not a condition; write game, game[feeling=pain]"),
        ("[game]", "on: expected prompts (game, game[feeling=pain]"),
    ],
)
def test_what_is_wrong_with_a_selection_is_said(failure: Failure, on: str, message: str) -> None:
    said = failure("on: game\n    site", f"on: {on}\n    site")
    assert said.startswith(f"game.pp.yaml:22: {message}")


def test_a_claim_that_is_no_mapping_spoils_no_other(loaded: Loaded) -> None:
    spec = loaded({FIRST: f"  - hello\n{FIRST}"})
    assert [entry.id for entry in spec.entries] == ["claim#1", "first", "second"]
    assert str(spec.entries[0].error).endswith(
        "13: a claim has keys such as `id`, `says` and `check`; got 'hello'"
    )
    assert spec.entries[1].error is None


@pytest.mark.trust
@pytest.mark.parametrize("id_", ['"a\\e[31m"', '"a b"', '"a[b]"', '"a::b"', '""', f'"{"n" * 201}"'])
def test_a_claim_whose_id_cannot_be_carried_is_refused_and_called_by_its_number(
    loaded: Loaded, id_: str
) -> None:
    spec = loaded({"id: second": f"id: {id_}"})
    assert [entry.id for entry in spec.entries] == ["first", "claim#2"]
    assert "id: expected letters, digits and . _ - only" in str(spec.entries[1].error)
    assert loaded({"id: second": f"id: {'n' * 200}"}).entries[1].error is None


def test_of_two_claims_with_one_id_the_second_is_refused_with_both_lines(loaded: Loaded) -> None:
    spec = loaded({"id: second": "id: first"})
    assert [entry.id for entry in spec.entries] == ["first", "first#2"]
    assert spec.entries[0].error is None
    assert str(spec.entries[1].error) == (
        f"{spec.path}:19: the id 'first' stands on line 13 already: give each claim its own"
    )


def test_everything_that_is_wrong_is_said_at_once(failure: Failure) -> None:
    said = failure("mode: denoise\n    metric: logit_diff(two, three)", "mode: x\n    metric: y")
    assert [line.split(": ")[0] for line in said.splitlines()] == [
        "game.pp.yaml:24",
        "game.pp.yaml:25",
    ]


def test_a_claim_on_broken_prompts_has_their_error_and_others_run(loaded: Loaded) -> None:
    broken = "  other:\n    template: hello\n    half: x\n"
    spec = loaded({"claims:\n": f"{broken}claims:\n", "on: game\n    site": "on: other\n    site"})
    first, second = spec.entries
    assert first.claim is not None
    assert second.claim is None
    assert str(second.error) == (f"{spec.path}:14: half: unknown 'x': there is explore, judge")


def test_what_is_found_when_prompts_are_expanded_has_their_line(loaded: Loaded) -> None:
    spec = loaded({"    choices:": "    rows: none.csv\n    choices:"})
    grid = spec.entries[0].grid
    assert grid is not None
    with pytest.raises(SpecError) as raised:
        grid.select(Selection("game"))
    assert str(raised.value) == f"{spec.path}:10: there is no file 'none.csv' in the spec's folder"


def test_a_check_that_needs_pairs_says_so(failure: Failure) -> None:
    said = failure("    pairs: {feeling: [pain, joy]}\n", "")
    assert said == "game.pp.yaml:20: this check needs `pairs`, and 'game' has none"


def test_the_hash_of_a_spec_is_of_its_bytes(loaded: Loaded) -> None:
    assert loaded().sha256 == loaded().sha256 != loaded({"the game": "a game"}).sha256


def test_a_spec_may_have_a_thousand_claims(tmp_path: Path) -> None:
    head, claims = SPEC.split("claims:\n")
    path = tmp_path / "many.pp.yaml"
    many = (claims.replace("first", f"a{n}").replace("second", f"b{n}") for n in range(500))
    path.write_text(f"{head}claims:\n{''.join(many)}")
    spec = load_spec(path, CHECKS)
    assert len(spec.entries) == 1000
    assert all(entry.error is None for entry in spec.entries)


def test_loading_a_spec_imports_no_heavy_library() -> None:
    heavy = "{'torch', 'numpy', 'scipy', 'transformers', 'pandas'}"
    code = f"import sys, ppcheck.spec.load; sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
