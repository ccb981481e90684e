"""`ppcheck compare` on the records of real runs, and `ppcheck schema record`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import ppcheck
import ppcheck.record
from ppcheck.cli import main
from ppcheck.cli.compare import REGRESSED
from ppcheck.record.run import record_schema_text

SPEC = Path(__file__).parents[2] / "specs" / "demo" / "mechanism.pp.yaml"
CLAIMS = ("pain-mover-suffices", "valence-moves-in-block-1")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A record of each revision of the demo, over the same two claims."""
    folder = tmp_path_factory.mktemp("records")
    spec = ppcheck.load_spec(SPEC)
    few = replace(spec, entries=tuple(entry for entry in spec.entries if entry.id in CLAIMS))
    found = {revision: folder / f"{revision}.json" for revision in ("demo", "demo@rewired")}
    for revision, file in found.items():
        ppcheck.run(few, revision).save(file)
    return found


def test_a_run_is_no_worse_than_itself(
    records: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(records["demo"]), str(records["demo"])]) == 0
    assert "2 unchanged" in capsys.readouterr().out


def test_a_regression_has_an_exit_status_that_pytest_never_has(
    records: dict[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    old, new = (str(records[name]) for name in ("demo", "demo@rewired"))
    options = ["--markdown", str(tmp_path / "s.md"), "--out", str(tmp_path)]
    assert main(["compare", old, new, *options]) == REGRESSED == 10
    assert max(pytest.ExitCode) < REGRESSED
    text = capsys.readouterr().out
    assert "pain-mover-suffices" in text
    assert "▼ regressed from" in text
    assert "1 regressed, 1 unchanged" in text
    assert "regressed" in (tmp_path / "s.md").read_text(encoding="utf-8")
    assert "regressed" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_what_is_no_record_is_said_and_is_no_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 1
    assert "a.json is not a run record" in capsys.readouterr().out


def test_the_schema_of_records_is_the_committed_one_and_a_real_record_keeps_to_it(
    records: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "record"]) == 0
    text = capsys.readouterr().out
    committed = Path(next(iter(ppcheck.record.__path__))) / "schema.json"
    assert text == record_schema_text() == committed.read_text(encoding="utf-8")
    validator = Draft202012Validator(json.loads(text))
    record: dict[str, Any] = json.loads(records["demo"].read_text(encoding="utf-8"))
    validator.validate(record)
    assert not validator.is_valid(record | {"unknown": 1})
