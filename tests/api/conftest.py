from __future__ import annotations

from pathlib import Path

import pytest

import ppcheck
from tests.plugin.conftest import SPEC, _imported

__all__ = ["_imported"]

BAD = """\
  - id: misspelt
    says: It is not valid.
    check: chioce
    on: game
    expect: {mass: ">= 0.9"}
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two specs: in `a` two claims hold on the demo, the third is not valid."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".git").mkdir()
    (folder / "specs").mkdir()
    short = SPEC.partition("  - id: attracted")[0]
    (folder / "specs" / "a.pp.yaml").write_text(short + BAD, encoding="utf-8")
    other = short.replace("prompts:", "models: [gpt2]\nprompts:", 1)
    (folder / "specs" / "b.pp.yaml").write_text(other, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def run(project: Path, cache: Path) -> ppcheck.Run:
    """Both specs on two revisions of the demo."""
    return ppcheck.run(project / "specs", model=["demo", "demo@blunted"], cache=cache)
