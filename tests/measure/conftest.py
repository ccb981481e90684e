from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ppcheck.subject.load import load, resolve
from ppcheck.subject.subject import Subject
from tests.measure.lab import Model, Plant, save


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Random weights, every one of which tells."""
    return save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[Plant], Model]:
    """The same weights, changed."""
    return lambda plant: save(tmp_path / f"{len(list(tmp_path.iterdir()))}", plant)


@pytest.fixture(scope="session")
def demo() -> Subject:
    """The embedded model, trained to play the points game."""
    return load(resolve("demo"))
