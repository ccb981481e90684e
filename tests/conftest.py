"""What all tests share: where data outside the repository lies, and a spec to run."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party models and data, which a clone alone does not have."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared, third-party models and data that are not in the repository")
    return SHARED
