"""The commit, as real git tells it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ppcheck.record.commit import commit_of


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository whose `a.txt` is committed."""
    folder = tmp_path / "mine"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a.txt").write_text("a")
    git(folder, "add", "a.txt")
    git(folder, "commit", "-qm", "first")
    return folder


def test_it_is_the_head_of_the_folders_repository(folder: Path) -> None:
    (folder / "below").mkdir()
    head = git(folder, "rev-parse", "HEAD")
    assert commit_of(folder) == commit_of(folder / "below") == head


def test_changes_to_what_git_tracks_are_said_and_other_files_are_not(folder: Path) -> None:
    head = git(folder, "rev-parse", "HEAD")
    (folder / "report.html").write_text("written by a run")
    assert commit_of(folder) == head
    (folder / "a.txt").write_text("b")
    assert commit_of(folder) == f"{head}+dirty"
    git(folder, "add", "a.txt")
    assert commit_of(folder) == f"{head}+dirty"


def test_outside_git_or_before_the_first_commit_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit_of(tmp_path) is None
    assert commit_of(tmp_path / "missing") is None
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) is None


def test_without_git_there_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert commit_of(folder) is None


def test_the_repository_of_a_hook_that_runs_is_not_taken_for_the_folders(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = git(folder, "rev-parse", "HEAD")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert commit_of(folder) == head
