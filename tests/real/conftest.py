from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.smollm2 import UnreachableError, smollm2

collect_ignore_glob = ["*.pp.yaml"]
"""What `make smollm2` runs is not a test of the demo model."""


@pytest.fixture(scope="session")
def model_file() -> Path:
    """SmolLM2-135M-Instruct as a GGUF file; `make smollm2` gets it once."""
    for package in ("gguf", "peft"):
        pytest.importorskip(package, reason=f"needs the package {package}")
    try:
        return smollm2()
    except UnreachableError as error:
        pytest.skip(str(error))
