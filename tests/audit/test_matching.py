from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.audit.matching import matching
from ppcheck.audit.plan import labels
from ppcheck.errors import AuditError


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `run` in the present one, with adapters, models, and what else training leaves."""
    monkeypatch.chdir(tmp_path)
    files = [
        *(f"checkpoint-{step}/adapter_config.json" for step in (100, 200, 1000)),
        *("whole/config.json", "logs/events", "notes.txt", "tiny.Q4_0.gguf", "tiny.Q8_0.gguf"),
    ]
    for name in files:
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "run"


def test_a_name_without_a_wildcard_is_itself() -> None:
    for name in ("demo", "org/model@v1", "./nowhere", "gpt2+run/nowhere"):
        assert matching(name) == (name,)


def test_checkpoints_come_in_the_order_of_their_numbers() -> None:
    steps = [f"run/checkpoint-{step}" for step in (100, 200, 1000)]
    assert list(matching("run/checkpoint-*")) == steps
    assert list(matching("./run/checkpoint-*")) == [f"./{step}" for step in steps]


def test_of_a_folder_only_models_are_taken() -> None:
    files = ("run/tiny.Q4_0.gguf", "run/tiny.Q8_0.gguf")
    assert matching("run/*.gguf") == files
    assert set(matching("run/*")) == {
        *(f"run/checkpoint-{step}" for step in (100, 200, 1000)),
        *("run/whole", *files),
    }


def test_after_a_base_only_adapters_are_taken(run: Path) -> None:
    assert matching("gpt2@main+run/*") == tuple(
        f"gpt2@main+run/checkpoint-{step}" for step in (100, 200, 1000)
    )
    assert matching(f"demo+{run}/checkpoint-1*") == (
        f"demo+{run}/checkpoint-100",
        f"demo+{run}/checkpoint-1000",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run/*.safetensors", "matches no model on this disk"),
        ("gpt2+run/*.gguf", "matches no adapter on this disk"),
        ("run/*+run/checkpoint-100", "has a wildcard before the +: name one base"),
    ],
)
def test_a_glob_of_nothing_is_an_error(name: str, message: str) -> None:
    with pytest.raises(AuditError) as caught:
        matching(name)
    assert message in str(caught.value)


def test_ranges_and_globs_go_together() -> None:
    assert labels(["gpt2+run/checkpoint-{200..1000:800}", "run/tiny.*.gguf"]) == (
        "gpt2+run/checkpoint-200",
        "gpt2+run/checkpoint-1000",
        "run/tiny.Q4_0.gguf",
        "run/tiny.Q8_0.gguf",
    )
