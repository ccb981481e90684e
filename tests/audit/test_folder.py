"""What an audit keeps from run to run, and whom it keeps out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcheck.audit.folder import Folder
from ppcheck.errors import AuditError
from ppcheck.record.audit import Checkpoint
from tests.report.runs import claim, run

NOW = Checkpoint(label="demo", file="demo", made_from="a" * 64)
EDITED = NOW.model_copy(update={"made_from": "b" * 64})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "out")


def leave(folder: Folder, checkpoint: Checkpoint, name: str = "kept") -> None:
    """What the checkpoint's run writes."""
    folder.staged(checkpoint).parent.mkdir(parents=True, exist_ok=True)
    folder.staged(checkpoint).write_text(run([claim(id=name)]).to_json(), encoding="utf-8")


def kept(folder: Folder, checkpoint: Checkpoint) -> str | None:
    found = folder.kept(checkpoint)
    return None if found is None else found.claims[0].id


def test_a_record_is_kept_for_what_it_was_made_from(folder: Folder) -> None:
    assert kept(folder, NOW) is None
    leave(folder, NOW)
    assert kept(folder, NOW) == kept(folder, NOW) == "kept"
    assert (folder.runs / "demo.json").is_file()


def test_a_record_made_from_something_else_is_no_record_and_is_left_until_there_is_one(
    folder: Folder,
) -> None:
    leave(folder, NOW)
    assert kept(folder, NOW) == "kept"
    assert kept(folder, EDITED) is None
    assert kept(folder, NOW) == "kept"
    leave(folder, EDITED, "edited")
    assert kept(folder, EDITED) == "edited"
    assert kept(folder, NOW) is None


def test_what_a_killed_audit_left_behind_passes_only_for_what_it_is(folder: Folder) -> None:
    leave(folder, NOW)
    assert kept(folder, EDITED) is None
    assert kept(folder, NOW) == "kept"


def test_a_record_that_cannot_be_read_is_no_record(folder: Folder) -> None:
    leave(folder, NOW)
    folder.staged(NOW).write_text("{", encoding="utf-8")
    assert kept(folder, NOW) is None


def test_the_page_of_an_earlier_record_goes_with_it(folder: Folder) -> None:
    leave(folder, NOW)
    first = folder.kept(NOW)
    assert first is not None
    folder.write_page(NOW, first)
    assert (folder.runs / "demo.html").is_file()
    leave(folder, EDITED)
    assert kept(folder, EDITED)
    assert not (folder.runs / "demo.html").exists()


def test_one_audit_at_a_time(folder: Folder) -> None:
    with folder.locked(), pytest.raises(AuditError, match="another audit is at work"):
        Folder(folder.path).locked().__enter__()
    with folder.locked():
        pass


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"schema": "ppcheck.run/1"})])
def test_a_file_that_is_no_audits_is_left_alone(folder: Folder, content: str) -> None:
    folder.path.mkdir()
    file = folder.path / "audit.json"
    file.write_text(content)
    with pytest.raises(AuditError, match="not the record of an audit"), folder.locked():
        pass
    assert file.read_text() == content


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="cannot be written"), Folder(tmp_path / "file").locked():
        pass
