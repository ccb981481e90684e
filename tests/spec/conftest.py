from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ppcheck.errors import SpecError
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import Spec, load_spec
from tests.spec.example import SPEC, Failure, Loaded, Written, changed


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write the spec, changed, to a file."""

    def write(changes: Mapping[str, str] | None = None) -> Path:
        path = tmp_path / "game.pp.yaml"
        path.write_text(changed(SPEC, changes or {}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def loaded(written: Written) -> Loaded:
    def load(changes: Mapping[str, str] | None = None) -> Spec:
        return load_spec(written(changes), CHECKS)

    return load


@pytest.fixture
def failure(loaded: Loaded) -> Failure:
    """What is said about the spec once ``old`` is replaced by ``new``, its folder left out."""

    def fail(old: str, new: str) -> str:
        try:
            spec = loaded({old: new})
        except SpecError as error:
            path = error.path
            assert path is not None
            return str(error).replace(f"{path.parent}/", "")
        errors = [str(entry.error) for entry in spec.entries if entry.error is not None]
        return "\n".join(dict.fromkeys(errors)).replace(f"{spec.path.parent}/", "")

    return fail
