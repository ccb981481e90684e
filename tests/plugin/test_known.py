"""Claims that are unchanged since they were judged: no model is loaded for them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.demo import weights_path
from tests.plugin.conftest import SPEC, write_spec

Run = Callable[..., Any]
_WATCHED = """
import sys
import pytest
code = pytest.main(sys.argv[1:])
heavy = {"torch", "transformers", "tokenizers", "scipy", "plotly", "sqlalchemy", "pandas"}
print("loaded:", *sorted(heavy & set(sys.modules)))
sys.exit(code)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the spec in this folder: its claims' records by id, and the models ``loaded`` for it."""
    from ppcheck.subject import load

    plain, loaded = load.load, list[str]()

    def counted(ref: Any, *settings: Any) -> Any:
        loaded.append(ref.label)
        return plain(ref, *settings)

    def claims(*options: str) -> dict[str, Any]:
        loaded.clear()
        pytester.runpytest_inprocess("game.pp.yaml", "--ppcheck-json=run.json", *options)
        record = json.loads((pytester.path / "run.json").read_text())
        by_id = {claim["id"]: claim for claim in record["claims"]}
        return {**by_id, "loaded": list(loaded), "run": record}

    monkeypatch.setattr(load, "load", counted)
    return claims


@pytest.fixture
def model(pytester: pytest.Pytester) -> Path:
    """The demo model in a directory of this test's own."""
    found = weights_path(None)
    assert found is not None
    return Path(shutil.copytree(found, pytester.path / "model"))


def settled(claims: dict[str, Any]) -> dict[str, Any]:
    """What must be equal in two runs that find the same."""
    changing = {"asked", "known", "seconds", "line"}
    return {
        name: {key: value for key, value in claim.items() if key not in changing}
        for name, claim in claims.items()
        if name not in ("loaded", "run")
    }


@pytest.mark.usefixtures("spec")
def test_a_known_claim_needs_no_torch(pytester: pytest.Pytester, run: Run) -> None:
    run("-k", "sure")
    command = [sys.executable, "-c", _WATCHED, "game.pp.yaml", "-k", "sure"]
    found = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=True)
    assert "1 claim: 1 holds" in found.stdout
    assert found.stdout.endswith("loaded:\n")


@pytest.mark.usefixtures("spec")
def test_a_known_claim_has_the_record_that_it_had(run: Run) -> None:
    first, second = run(), run()
    assert first["loaded"] == ["demo"]
    assert second["loaded"] == []
    assert settled(first) == settled(second)
    assert second["run"]["models"] == first["run"]["models"]
    for name in settled(second):
        assert second[name]["known"] == second[name]["asked"] == first[name]["asked"] > 0


@pytest.mark.usefixtures("spec")
def test_what_one_run_knows_another_selection_knows(run: Run) -> None:
    run("-k", "sure or deterred")
    assert run("-k", "deterred")["loaded"] == []
    assert run("-k", "attracted")["loaded"] != []


def test_words_may_change_and_a_bound_is_judged_again(
    pytester: pytest.Pytester, spec: Path, run: Run
) -> None:
    del spec
    assert run()["attracted"]["verdict"] == "fails"
    write_spec(pytester, "# a line more\n" + SPEC)
    moved = run()
    assert moved["loaded"] == []
    assert moved["sure"]["line"] == 1 + SPEC[: SPEC.index("id: sure")].count("\n") + 1
    write_spec(pytester, SPEC.replace('"> 0.1"', '"< 0.1"'))
    edited = run()
    assert edited["attracted"]["verdict"] == "holds"
    assert edited["attracted"]["known"] == edited["attracted"]["asked"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.usefixtures("spec")
def test_an_edited_file_of_the_model_is_measured_again(run: Run, model: Path, name: str) -> None:
    options = (f"--model={model}", "-k", "sure")
    run(*options)
    assert run(*options)["loaded"] == []
    path = model / name
    before, content = path.stat(), path.read_bytes()
    if name == "model.safetensors":
        edited = content[:-4] + b"\0\0\0\0"
    else:
        edited = content.replace(b"\n", b" ", 1) if b"\n" in content else content + b" "
    with path.open("r+b") as file:
        file.write(edited)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run(*options)["loaded"] == [str(model)]


@pytest.mark.usefixtures("spec")
def test_a_model_that_changes_while_it_is_measured_is_not_known(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured is the model as it was loaded, and its files are another one's now."""
    from ppcheck.subject import load

    counted = load.load

    def edited(*given: Any) -> Any:
        subject = counted(*given)
        (model / "config.json").write_text((model / "config.json").read_text() + " ")
        return subject

    options = (f"--model={model}", "-k", "sure")
    with monkeypatch.context() as patch:
        patch.setattr(load, "load", edited)
        run(*options)
    assert run(*options)["loaded"] == [str(model)]
    assert run(*options)["loaded"] == []


@pytest.mark.usefixtures("spec")
def test_other_settings_and_another_seed_are_measured_again(run: Run) -> None:
    run("-k", "sure")
    for options in (["--ppcheck-dtype=float64"], ["--ppcheck-seed=1"], ["--ppcheck-no-cache"]):
        assert run("-k", "sure", *options)["loaded"] != [], options
    assert run("-k", "sure")["loaded"] == []


@pytest.mark.usefixtures("spec")
def test_a_damaged_record_is_not_known(pytester: pytest.Pytester, run: Run) -> None:
    first = run("-k", "sure")
    (file,) = pytester.path.glob(".pytest_cache/d/ppcheck-claims/*/*")
    file.write_bytes(file.read_bytes().replace(b'"holds"', b'"fails"'))
    second = run("-k", "sure")
    assert second["loaded"] != []
    assert second["sure"]["verdict"] == first["sure"]["verdict"] == "holds"


ROWS = """
ppcheck: 1
title: prompts from a file
prompts:
  game:
    template: "hello . {word} . so choose"
    rows: rows.csv
    choices: {a: A, b: B}
claims:
  - {id: sure, says: All is said., check: choice, on: game, choice: b, expect: {mass: ">= 0.1"}}
"""
CHAT = """
ppcheck: 1
title: a conversation
prompts:
  chat: {turns: [{role: user, content: "A or B ?"}], choices: {a: A, b: B}}
claims:
  - {id: sure, says: B it is., check: choice, on: chat, choice: b, expect: {rate: "> 0.5"}}
"""


def test_rows_in_a_file_are_part_of_a_claim(pytester: pytest.Pytester, run: Run) -> None:
    rows = pytester.path / "rows.csv"
    rows.write_text("word\npain\nlight\nagony\nsound\nache\n")
    write_spec(pytester, ROWS)
    run()
    assert run()["loaded"] == []
    rows.write_text("word\npain\nlight\nagony\nsound\nanguish\n")
    assert run()["loaded"] != []


def test_a_claim_that_does_not_apply_to_the_model_is_known_too(
    pytester: pytest.Pytester, run: Run
) -> None:
    write_spec(pytester, CHAT)
    first, second = run(), run()
    assert first["loaded"] != []
    assert second["loaded"] == []
    assert first["sure"]["verdict"] == second["sure"]["verdict"] == "not applicable"
    assert first["sure"]["reason"] == second["sure"]["reason"]
    assert second["run"]["models"] == first["run"]["models"]
