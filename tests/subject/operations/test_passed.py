"""What a model has passed of its self-test is known to later runs that share a cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppcheck.subject.load import load, resolve
from ppcheck.subject.operations import self_test
from ppcheck.subject.store import Memory
from tests.subject.damage import rewrite


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts of the self-test that run, in turn."""
    found: list[str] = []

    def noted(name: str) -> None:
        real = getattr(self_test, name)

        def run(*arguments: Any) -> str | None:
            found.append(name)
            reason: str | None = real(*arguments)
            return reason

        monkeypatch.setattr(self_test, name, run)

    noted("fault")
    noted("tree_fault")
    return found


def engine(path: Path, store: Memory | None) -> Any:
    return load(resolve(str(path)), store=store)._engine


def test_a_model_that_passed_is_not_tried_again(copied: Any, tried: list[str]) -> None:
    path, store = copied("gpt2"), Memory()
    assert engine(path, store).no_tree is None
    assert tried == ["fault", "tree_fault"]
    again = engine(path, store)
    assert again.replay is not None
    assert again.no_tree is None
    assert tried == ["fault", "tree_fault"]


def test_without_a_store_each_run_tries(copied: Any, tried: list[str]) -> None:
    path = copied("gpt2")
    assert engine(path, None).no_replay is None
    assert engine(path, None).no_replay is None
    assert tried == ["fault", "fault"]


def test_a_model_of_other_weights_is_tried(copied: Any, tried: list[str]) -> None:
    path, store = copied("gpt2"), Memory()
    assert engine(path, store).no_replay is None
    rewrite(path, lambda tensors: tensors["transformer.wte.weight"].mul_(1.01))
    assert engine(path, store).no_replay is None
    assert tried == ["fault", "fault"]


def test_a_model_that_failed_is_tried_again(copied: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, store = copied("gpt2"), Memory()
    with monkeypatch.context() as broken:
        broken.setattr(self_test, "fault", lambda *_: "it differs")
        assert engine(path, store).no_replay == "it differs"
    assert engine(path, store).no_replay is None
