"""What is no store is refused, said to be so, and left as it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sql

from ppcheck.errors import HistoryError
from ppcheck.record.database import RUNS, Database
from tests.record.histories import SQLITE, kept, measured, on_day, only, store


def damaged(folder: Path) -> bytes:
    """A store of which the middle of every page has been overwritten."""
    store(folder, on_day(1, *(measured(0.4, id=f"claim-{n}") for n in range(200))))
    path = folder / "runs.db"
    whole = path.read_bytes()
    return whole[:100] + b"\xff" * (len(whole) - 200) + whole[-100:]


def of_another_program(folder: Path) -> bytes:
    path = folder / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: b"just some text, and no database at all " * 99, "file is not a database"),
        (damaged, "malformed|not a database"),
        (of_another_program, "another program's file: it holds bookmarks"),
    ],
    ids=["text", "damaged", "another"],
)
@pytest.mark.parametrize("create", [False, True])
def test_a_file_that_is_no_store_is_refused_and_left_untouched(
    tmp_path: Path, make: object, message: str, create: bool
) -> None:
    assert callable(make)
    content = make(tmp_path)
    path = tmp_path / "taken" / "runs.db"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(HistoryError, match=rf"^{SQLITE}: .*({message})"):
        Database(SQLITE, path.parent, create=create)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["runs.db"]


def test_reading_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"there is no such file.*--ppcheck-history"):
        Database(SQLITE, tmp_path)
    (tmp_path / "runs.db").touch()
    with pytest.raises(HistoryError, match="there is no history yet"):
        Database(SQLITE, tmp_path)
    assert (tmp_path / "runs.db").read_bytes() == b""


def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    store(tmp_path)
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute("UPDATE ppcheck_store SET version = 2")
    connection.close()
    for create in (False, True):
        with pytest.raises(HistoryError, match="of version 2, and this ppcheck knows version 1"):
            Database(SQLITE, tmp_path, create=create)


def test_folders_are_made_and_the_file_is_relative_to_the_folder(tmp_path: Path) -> None:
    store(tmp_path, url="sqlite:///a/b/c.db")
    assert (tmp_path / "a" / "b" / "c.db").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(HistoryError, match=r"sqlite:///a/c.db: .*(exists|Not a directory)"):
        store(tmp_path, url="sqlite:///a/c.db")


def test_readers_and_a_writer_do_not_wait_for_each_other(tmp_path: Path) -> None:
    database = store(tmp_path, on_day(1, measured(0.4)))
    with database.reading() as connection:
        rows = sql.select(RUNS.c.id)
        assert len(connection.execute(rows).all()) == 1
        assert kept(Database(SQLITE, tmp_path), on_day(2, measured(0.4)))
        assert len(connection.execute(rows).all()) == 1, "what it began to read stays as it was"
    with database.writing():
        assert only(Database(SQLITE, tmp_path)).runs == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "keeps nothing: name a file, as in sqlite:///FILE"),
        ("sqlite:///:memory:", "keeps nothing"),
        ("monogdb://x/y", "no kind of database is called so"),
        ("mysql+cymysql://a:secret@localhost:1/x", "driver of this database is not installed"),
        ("a:secret@://", "this is not a URL of a store: write sqlite:///FILE"),
    ],
)
def test_a_url_that_means_nothing_is_refused_and_no_password_is_shown(
    tmp_path: Path, url: str, message: str
) -> None:
    with pytest.raises(HistoryError, match=message) as raised:
        Database(url, tmp_path, create=True)
    assert "secret" not in str(raised.value)
