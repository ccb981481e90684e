"""Specs to give to commands; and runs inside a test need what those of the plugin's tests need."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import _imported
from tests.spec.example import SPEC

__all__ = ["_imported"]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """`game.pp.yaml`: two valid claims, with units enough for both."""
    path = tmp_path / "game.pp.yaml"
    path.write_text(SPEC.replace("[tea, milk, salt]", "[tea, milk, salt, mint, rice, soap]"))
    return path
