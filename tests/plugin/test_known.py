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


@pytest.mark.usefixtures("spec")
def test_an_edited_bound_is_judged_again_and_needs_no_torch(
    pytester: pytest.Pytester, run: Run
) -> None:
    assert run()["attracted"]["verdict"] == "fails"
    write_spec(pytester, SPEC.replace('"> 0.1"', '"< 0.1"').replace('"0.99..1.01"', '"< 0.5"'))
    command = [sys.executable, "-c", _WATCHED, "game.pp.yaml"]
    found = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False)
    assert "4 claims: 3 hold, 1 fails" in found.stdout
    assert found.stdout.endswith("loaded: scipy\n")  # whose quantiles judge


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"> 0.1"', '"< 0.1"'),
        ('"> 0.1"', '"> -9"'),
        ('">= 0.9"', '"<= 0.99999"'),
        ('"0.99..1.01"', '"1.01..1.02"'),
        ('expect: {recovery: "0.99..1.01"}', 'expect: {recovery: ">= 1"}\n    correction: holm'),
    ],
)
@pytest.mark.usefixtures("spec")
def test_what_is_judged_again_has_the_record_of_a_claim_that_never_was(
    pytester: pytest.Pytester, run: Run, old: str, new: str
) -> None:
    run()
    write_spec(pytester, SPEC.replace(old, new))
    again = run()
    assert again["loaded"] == []
    assert run()["loaded"] == []
    assert settled(again) == settled(run("--ppcheck-no-cache"))
    for name in settled(again):
        assert again[name]["known"] == again[name]["asked"]


@pytest.mark.usefixtures("spec")
def test_words_may_change(pytester: pytest.Pytester, run: Run) -> None:
    run()
    write_spec(pytester, "# a line more\n" + SPEC.replace("Pain makes B rarer.", "It does."))
    moved = run()
    assert moved["loaded"] == []
    assert moved["sure"]["line"] == 1 + SPEC[: SPEC.index("id: sure")].count("\n") + 1
    assert moved["deterred"]["says"] == "It does."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("metric: p(b)", "metric: p(a)"),
        ("[pain, agony]", "[pain, ache]"),
        ('difference: "< -0.1"', 'difference: "< -0.1", mass: "> 0.5"'),
    ],
)
@pytest.mark.usefixtures("spec")
def test_what_is_measured_otherwise_is_measured_again(
    pytester: pytest.Pytester, run: Run, old: str, new: str
) -> None:
    run("-k", "deterred")
    write_spec(pytester, SPEC.replace(old, new))
    assert run("-k", "deterred")["loaded"] == ["demo"]


ATTENTION = """
  - id: watched
    says: L2H0 looks at the feeling.
    check: attention
    on: game
    site: L2H0
    from: final
    to: feeling
    expect: {attention: ">= BOUND"}
"""


DECIDED = """
  - id: settled
    says: The choice is settled in some block.
    check: logit_lens
    on: game
    metric: logit_diff(a, b)
    expect: {decided_at: "BOUND"}
"""


def test_a_caution_about_a_bound_goes_with_the_bound(pytester: pytest.Pytester, run: Run) -> None:
    low, high = (
        SPEC + ATTENTION.replace("BOUND", bound).lstrip("\n") for bound in ("0.001", "0.2")
    )
    write_spec(pytester, high)
    assert run("-k", "watched")["watched"]["cautions"] == []
    write_spec(pytester, low)
    again = run("-k", "watched")
    assert again["loaded"] == []
    (caution,) = again["watched"]["cautions"]
    assert "less than uniform attention pays" in caution


def test_a_bound_that_cannot_fail_on_this_model_is_an_error_without_loading_it(
    pytester: pytest.Pytester, run: Run
) -> None:
    write_spec(pytester, SPEC + DECIDED.replace("BOUND", "<= 2").lstrip("\n"))
    assert run("-k", "settled")["settled"]["verdict"] == "holds"
    write_spec(pytester, SPEC + DECIDED.replace("BOUND", "<= 99").lstrip("\n"))
    again = run("-k", "settled")
    assert again["loaded"] == []
    assert again["settled"]["verdict"] == "error"
    assert "the claim cannot fail" in again["settled"]["reason"]
    assert again["run"]["models"].keys() == {"demo"}


@pytest.mark.parametrize(
    "name",
    [
        *("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"),
        *("chat_template.jinja", "additional_chat_templates/tools.jinja"),
    ],
)
@pytest.mark.usefixtures("spec")
def test_an_edited_file_of_the_model_is_measured_again(run: Run, model: Path, name: str) -> None:
    options = (f"--model={model}", "-k", "sure")
    if name.endswith(".jinja"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text("{{ messages }}\n")
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


@pytest.mark.parametrize(
    ("damaged", "loaded"),
    [(["judged"], []), (["measured"], []), (["judged", "measured"], ["demo"])],
)
@pytest.mark.usefixtures("spec")
def test_what_is_damaged_is_not_known(
    pytester: pytest.Pytester, run: Run, damaged: list[str], loaded: list[str]
) -> None:
    first = run("-k", "sure")
    for file in pytester.path.glob(".pytest_cache/d/ppcheck-claims/??/*"):
        kind = "judged" if b'"holds"' in file.read_bytes() else "measured"
        if kind in damaged:
            file.write_bytes(file.read_bytes().replace(b"hold", b"fail").replace(b"0", b"1"))
    second = run("-k", "sure")
    assert second["loaded"] == loaded
    assert settled(second) == settled(first)
    assert run("-k", "sure")["loaded"] == []


@pytest.fixture
def hub(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model org/small in the hub's cache, without a network: the folder of its snapshots."""
    from huggingface_hub import constants

    found = weights_path(None)
    assert found is not None
    small = pytester.path / "hub" / "models--org--small"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(small.parent))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = small / "snapshots" / FIRST
    for folder in (snapshot, small / "blobs", small / "refs"):
        folder.mkdir(parents=True)
    (small / "refs" / "main").write_text(FIRST)
    for file in found.iterdir():
        shutil.copy(file, small / "blobs" / f"of {file.name}")
        (snapshot / file.name).symlink_to(f"../../blobs/of {file.name}")
    return snapshot.parent


FIRST, SECOND = "a" * 40, "b" * 40
HUB = ("--model=org/small", "-k", "sure")


@pytest.mark.usefixtures("spec", "hub")
def test_a_model_in_the_hubs_cache_is_known(run: Run) -> None:
    first, second = run(*HUB), run(*HUB)
    assert (first["loaded"], second["loaded"]) == (["org/small"], [])
    assert settled(second) == settled(first)
    assert second["run"]["models"] == first["run"]["models"]
    assert run("--model=org/small@main", "-k", "sure")["loaded"] == ["org/small@main"]


@pytest.mark.usefixtures("spec")
def test_a_name_on_the_hub_that_moved_to_other_weights_is_measured_again(
    run: Run, hub: Path
) -> None:
    run(*HUB)
    pinned = (f"--model=org/small@{FIRST}", "-k", "sure")
    run(*pinned)
    shutil.copytree(hub / FIRST, hub / SECOND)  # as files, no links
    (hub.parent / "refs" / "main").write_text(SECOND)
    assert run(*HUB)["loaded"] == []  # the same files under another commit
    blunted = weights_path("blunted")
    assert blunted is not None
    shutil.copy(blunted / "model.safetensors", hub / SECOND)
    assert run(*HUB)["loaded"] == ["org/small"]
    assert run(*pinned)["loaded"] == []


@pytest.mark.usefixtures("spec")
def test_an_edited_file_of_the_hubs_cache_is_measured_again(run: Run, hub: Path) -> None:
    run(*HUB)
    path = hub.parent / "blobs" / "of model.safetensors"
    before, content = path.stat(), path.read_bytes()
    with path.open("r+b") as file:
        file.write(content[:-4] + b"\0\0\0\0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run(*HUB)["loaded"] == ["org/small"]


@pytest.mark.usefixtures("spec")
def test_a_model_that_is_no_longer_in_the_hubs_cache_is_not_known(
    pytester: pytest.Pytester, run: Run, hub: Path
) -> None:
    run(*HUB)
    (pytester.path / "run.json").unlink()
    shutil.rmtree(hub)
    found = pytester.runpytest_inprocess("game.pp.yaml", *HUB)
    found.stdout.fnmatch_lines(["*org/small is neither in the cache nor*"])


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
