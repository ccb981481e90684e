from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.settings import Settings
from tests.real.claims import Said, claims_of, said
from tests.real.plain import Plain
from tests.real.smollm2 import UnreachableError, smollm2

collect_ignore_glob = ["*.pp.yaml"]
"""What `make smollm2` runs is not a test of the demo model."""
CLOSE = 1e-4

Ask = Callable[..., Said]
"""From a check, 0 or 1 for its first or second claim, and how few prompts, to what is measured."""
Agree = Callable[[Any, Any], None]


@pytest.fixture(scope="session")
def model_file() -> Path:
    """SmolLM2-135M-Instruct as a GGUF file; `make smollm2` gets it once."""
    for package in ("gguf", "peft"):
        pytest.importorskip(package, reason=f"needs the package {package}")
    try:
        return smollm2()
    except UnreachableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def plainly(model_file: Path) -> Plain:
    return Plain.of(model_file)


@pytest.fixture(scope="session")
def studied(model_file: Path) -> LoadedSubject:
    """In double precision: kernels round differently in single, by up to 5e-5 of a logit."""
    return load(resolve(str(model_file)), Settings(dtype="float64"))


@pytest.fixture
def ask(studied: LoadedSubject, tmp_path: Path) -> Ask:
    """What ppcheck measures of a claim of the study, on a few of its prompts."""

    def asked(kind: str, number: int, **how: Any) -> Said:
        claims = claims_of(kind)
        if number >= len(claims):
            # Two of each kind are checked, or as many as the study has.
            pytest.skip(f"the study's number of claims with the check {kind}: {len(claims)}")
        path, claim = claims[number]
        return said(path, claim, tmp_path, studied, **how)

    return asked


@pytest.fixture
def agree(request: pytest.FixtureRequest) -> Agree:
    """Two sets of numbers are the same within `CLOSE`; how far they are apart is recorded."""

    def same(found: Any, expected: Any) -> None:
        one, other = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
        assert one.shape == other.shape
        assert one.size
        apart = float(np.abs(one - other).max())
        request.node.user_properties.append(("apart", apart))
        assert apart < CLOSE, (one, other)

    return same
