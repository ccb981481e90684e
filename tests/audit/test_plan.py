"""What an audit is of: labels as `--model` has them, and what each run depends on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.audit.plan import (
    AuditSettings,
    audit_plan,
    check_reachable,
    common_folder,
    file_name,
    labels,
)
from ppcheck.demo import weights_path
from ppcheck.errors import AuditError
from ppcheck.subject.model.fingerprint import source_hash
from ppcheck.subject.model.locate import resolve
from tests.spec.dictionaries import random_weights, write_dictionary

SETTINGS = AuditSettings(seed=0, dtype="float32", device="cpu")


def made_from(spec: Path, label: str, settings: AuditSettings = SETTINGS) -> str:
    (checkpoint,) = audit_plan([spec], [label], settings).checkpoints
    return checkpoint.made_from


def test_every_revision_of_every_model_is_a_checkpoint_in_the_order_given() -> None:
    assert labels(["org/{a,b}"], "main,step{0..1}") == (
        *("org/a@main", "org/a@step0", "org/a@step1"),
        *("org/b@main", "org/b@step0", "org/b@step1"),
    )
    assert labels(["demo", "demo@{tuned,rewired}", "demo"]) == (
        *("demo", "demo@tuned", "demo@rewired"),
    )


def test_labels_are_those_of_a_run() -> None:
    for label in labels(["demo"], "tuned,step{0..100:100}"):
        assert resolve(label).label == label


@pytest.mark.parametrize("model", ["demo@tuned", "./ckpt", "/models/ckpt", "gpt2+run"])
def test_what_is_one_checkpoint_takes_no_revisions(model: str) -> None:
    with pytest.raises(AuditError, match="has no revisions"):
        labels([model], "main")


def test_a_name_that_is_empty_is_refused() -> None:
    for models, revisions in ((["{,demo}"], None), (["demo"], "{,tuned}")):
        with pytest.raises(AuditError, match="a name that is empty"):
            labels(models, revisions)


def test_a_run_depends_on_spec_settings_and_label(spec: Path) -> None:
    first = made_from(spec, "demo")
    assert made_from(spec, "demo") == first
    assert made_from(spec, "demo@tuned") != first
    assert made_from(spec, "demo", AuditSettings(seed=1, dtype="float32", device="cpu")) != first
    spec.write_text(spec.read_text() + "# edited\n")
    assert made_from(spec, "demo") != first


@pytest.mark.parametrize("name", ["verdict.py", "comparison.py", "engine.py"])
def test_a_run_depends_on_the_source_that_measures_and_judges(
    spec: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    first, read = made_from(spec, "demo"), Path.read_text

    def edited(path: Path, **how: str) -> str:
        return read(path, **how) + ("#" if path.name == name else "")

    source_hash.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", edited)
        assert made_from(spec, "demo") != first
    source_hash.cache_clear()
    assert made_from(spec, "demo") == first


def test_measuring_again_gives_the_same_record(spec: Path) -> None:
    fresh = AuditSettings(seed=0, dtype="float32", device="cpu", no_cache=True)
    assert made_from(spec, "demo", fresh) == made_from(spec, "demo")


def test_a_run_depends_on_the_files_of_a_model_on_disk(spec: Path, copied: Path) -> None:
    first = made_from(spec, str(copied))
    os.utime(copied / "model.safetensors", (1, 1))
    assert made_from(spec, str(copied)) != first


def test_a_run_depends_on_the_files_that_a_spec_names(spec: Path) -> None:
    rows = spec.parent / "words.csv"
    rows.write_text("word\nA\n")
    outside = spec.parent.parent / "other.csv"
    outside.write_text("word\nA\n")
    spec.write_text(spec.read_text() + "    rows: [words.csv, ../other.csv, missing.csv]\n")
    assert audit_plan([spec], ["demo"], SETTINGS).beside == (rows,)
    first = made_from(spec, "demo")
    rows.write_text("word\nB\n")
    assert made_from(spec, "demo") != first


def test_a_run_depends_on_the_files_of_the_dictionaries_that_a_spec_names(spec: Path) -> None:
    write_dictionary(spec.parent / "sae")
    spec.write_text(spec.read_text() + "features: {sae.x: sae}\n")
    beside = audit_plan([spec], ["demo"], SETTINGS).beside
    assert [path.name for path in beside] == ["cfg.json", "sae_weights.safetensors"]
    first = made_from(spec, "demo")
    write_dictionary(spec.parent / "sae", random_weights(seed=1))
    assert made_from(spec, "demo") != first


@given(st.lists(st.text(min_size=1), unique=True, min_size=2, max_size=6))
def test_no_two_checkpoints_share_a_file_even_where_case_does_not_count(names: list[str]) -> None:
    files = [file_name(name).lower() for name in names]
    assert len(set(files)) == len(names)
    for file in files:
        assert not set(file) & set('/\\:*?"<>|\0 ')
        assert not file.startswith(".")
        assert len(file) < 100


def test_plain_names_stay_as_they_are() -> None:
    assert file_name("demo@tuned") == "demo@tuned"
    assert file_name("EleutherAI/pythia-160m@step0").startswith("EleutherAI-pythia-160m@step0-")


def test_files_are_named_from_here_or_from_the_folder_that_holds_them(
    spec: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert common_folder([spec]) == Path.cwd()
    other = tmp_path_factory.mktemp("elsewhere") / "a.pp.yaml"
    assert common_folder([other]) == other.parent


def test_a_directory_must_be_named_so_that_other_machines_find_it(copied: Path) -> None:
    check_reachable([str(copied), "demo@tuned", "org/model@step0"])
    for name in ("./copied", "../copied"):
        with pytest.raises(AuditError, match="give its whole path"):
            check_reachable([name])


def test_settings_are_given_by_pytests_names() -> None:
    given = AuditSettings(3, "float64", "cuda", memory="25%", allow_pickle=True)
    assert given.arguments == (
        "--ppcheck-seed=3",
        "--ppcheck-dtype=float64",
        "--ppcheck-device=cuda",
        "--ppcheck-memory=25%",
        "--ppcheck-allow-pickle",
    )


def test_a_run_depends_on_the_files_of_base_and_adapter(spec: Path, tmp_path: Path) -> None:
    from tests.subject.model.adapters import write_adapter

    adapter = write_adapter(tmp_path / "run", {})
    base = Path(shutil.copytree(weights_path(), tmp_path / "base"))
    found = [made_from(spec, f"{base}+{adapter}")]
    for file in (adapter / "adapter_config.json", base / "config.json"):
        file.write_text(file.read_text() + " ")
        found.append(made_from(spec, f"{base}+{adapter}"))
    assert len(set(found)) == 3


def test_a_run_depends_on_the_gguf_file_and_on_none_beside_it(spec: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    file.write_bytes(b"GGUF")
    first = made_from(spec, str(file))
    (tmp_path / "b.gguf").write_bytes(b"GGUF")
    assert made_from(spec, str(file)) == first
    file.write_bytes(b"GGUF3")
    assert made_from(spec, str(file)) != first


@pytest.mark.parametrize("name", ["a.gguf", "demo+run", "demo+./run", "./a.gguf"])
def test_a_node_needs_the_whole_path_of_each_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.gguf").touch()
    (tmp_path / "run").mkdir()
    with pytest.raises(AuditError, match="give its whole path"):
        check_reachable([name])
    check_reachable([f"demo+{tmp_path}/run", f"{tmp_path}/a.gguf"])
