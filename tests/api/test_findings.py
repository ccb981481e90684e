"""Claims found from Python: what the command finds, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import ppcheck
from ppcheck.errors import SearchError
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import load_spec
from tests.discover.conftest import GAME


@pytest.fixture
def game(tmp_path: Path) -> Path:
    path = tmp_path / "game.pp.yaml"
    path.write_text(GAME)
    return path


def test_what_is_found_is_judged_and_its_text_is_a_spec(game: Path, tmp_path: Path) -> None:
    found = ppcheck.find(game, "demo", only=["contrast"], cache=tmp_path / "cache")
    (finding,) = found.findings
    assert finding.id == "pain-not-neutral-decides"
    assert found.judged[finding.id].holds
    assert "holds, difference" in repr(found)
    assert f": {finding.claim['says']}" in repr(found)
    game.write_text(found.text)
    assert [entry.id for entry in load_spec(game, CHECKS).entries] == [finding.id]
    assert ppcheck.find(game, only="contrast", cache=tmp_path / "cache") == found


def test_invalid_arguments_and_files_are_refused(game: Path) -> None:
    with pytest.raises(SearchError, match="did you mean 'heads'"):
        ppcheck.find(game, only="haeds")
    with pytest.raises(ValueError, match="float32"):
        ppcheck.find(game, dtype="float8")
