"""Projects with a blessed baseline. Each is blessed once, and every test gets a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin.conftest import SPEC
from tests.plugin.gate.baselines import FEW, GATE


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of projects as they were after their blessing, with what was measured."""
    return tmp_path_factory.mktemp("blessed")


def once(pytester: pytest.Pytester, kept: Path, bless: Callable[[], object]) -> None:
    """Bring the project's folder to where blessing it leaves it."""
    if not kept.exists():
        bless()
        shutil.copytree(pytester.path, kept)
    shutil.copytree(kept, pytester.path, dirs_exist_ok=True)


@pytest.fixture
def blessed(pytester: pytest.Pytester, spec: Path, kept: Path) -> Path:
    """`good.json` holds what the demo model does."""

    def bless() -> None:
        pytester.runpytest_inprocess(spec, *GATE, "--ppcheck-bless")

    once(pytester, kept / "blessed", bless)
    return pytester.path / "good.json"


@pytest.fixture
def project(pytester: pytest.Pytester, kept: Path) -> Path:
    """Two specs in `specs`, and `good.json` beside it with what the demo model does."""
    for name in "ab":
        spec = pytester.path / "specs" / f"{name}.pp.yaml"
        spec.parent.mkdir(exist_ok=True)
        spec.write_text(SPEC, encoding="utf-8")

    def bless() -> None:
        pytester.runpytest_inprocess("specs", *GATE, *FEW, "--ppcheck-bless")

    once(pytester, kept / "project", bless)
    return pytester.path
