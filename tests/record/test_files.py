from __future__ import annotations

import os
from pathlib import Path

import pytest

from ppcheck.record.files import check_writable, write_whole


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.json", "é\n")
    assert (tmp_path / "a" / "b.json").read_text(encoding="utf-8") == "é\n"


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    write_whole(path, "old")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.trust
def test_a_check_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b.json")
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.trust
def test_a_check_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("old")
    check_writable(tmp_path / "b.json")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("b.json", "old")]


@pytest.mark.trust
@pytest.mark.parametrize(
    "name", ["folder", "pipe", "file/b.json", "folder/" + "n" * 300, "/dev/null", "/proc/x/b.json"]
)
def test_what_cannot_be_written_fails_the_check(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):
        check_writable(tmp_path / name)


@pytest.mark.trust
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        write_whole(tmp_path / "pipe", "content")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.trust
def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), "content")
    assert (tmp_path / ("n" * 255)).read_text() == "content"
