from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ppcheck.subject.model.files import file_hash
from ppcheck.subject.model.stamp import Stamps


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory whose files were written long enough ago to be known by their times."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "chat_template.jinja", "optimizer.pt"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose bytes are read, in a world in which all were written long ago."""
    read: list[str] = []
    plain, clock = file_hash, time.time_ns

    def counted(files: list[Path]) -> str:
        read.extend(file.name for file in files)
        return plain(files)

    monkeypatch.setattr("ppcheck.subject.model.stamp.file_hash", counted)
    monkeypatch.setattr(time, "time_ns", lambda: clock() + 10**12)
    return read


def kept(stamps: Stamps) -> Stamps:
    """What the next run has of it."""
    if (content := stamps.content()) is not None:
        stamps.path.write_text(content)
    return Stamps(stamps.path)


def test_a_file_that_is_as_it_was_is_not_read_again(
    model: Path, tmp_path: Path, hashed: list[str]
) -> None:
    stamps = Stamps(tmp_path / "files.json")
    first = stamps.of([model])
    assert sorted(hashed) == ["chat_template.jinja", "config.json", "model.safetensors"]
    hashed.clear()
    assert kept(stamps).of([model]) == first
    assert hashed == []


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "chat_template.jinja"])
def test_an_edit_in_place_is_seen_even_where_its_time_was_put_back(
    model: Path, tmp_path: Path, hashed: list[str], name: str
) -> None:
    stamps = Stamps(tmp_path / "files.json")
    first, before = stamps.of([model]), (model / name).stat()
    with (model / name).open("r+b") as file:
        file.write(b"X")
    os.utime(model / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    hashed.clear()
    assert (model / name).stat().st_size == before.st_size
    assert kept(stamps).of([model]) != first
    assert hashed == [name]


def test_another_file_of_the_same_size_and_time_in_its_place_is_seen(
    model: Path, tmp_path: Path, hashed: list[str]
) -> None:
    stamps, path = Stamps(tmp_path / "files.json"), model / "model.safetensors"
    first, before = stamps.of([model]), path.stat()
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes()[::-1])
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    hashed.clear()
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert kept(stamps).of([model]) != first
    assert hashed == [path.name]


def test_a_file_by_itself_and_one_behind_a_link_are_known_by_what_is_in_them(
    model: Path, tmp_path: Path, hashed: list[str]
) -> None:
    stamps, path = Stamps(tmp_path / "files.json"), model / "model.safetensors"
    link = tmp_path / "model.gguf"
    link.symlink_to(path)
    first = stamps.of([link])
    hashed.clear()
    assert kept(stamps).of([link]) == first
    assert hashed == []
    path.write_bytes(path.read_bytes()[::-1])
    assert kept(stamps).of([link]) != first


def test_a_file_that_comes_or_goes_is_seen(model: Path, tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "files.json")
    first = stamps.of([model])
    (model / "generation_config.json").write_text("{}")
    more = stamps.of([model])
    (model / "generation_config.json").unlink()
    assert more != first == stamps.of([model])


@pytest.mark.parametrize(
    "name", ["source.spm", "bpe.codes", "additional_chat_templates/tools.jinja"]
)
def test_all_that_a_tokenizer_is_read_from_counts(model: Path, tmp_path: Path, name: str) -> None:
    stamps = Stamps(tmp_path / "files.json")
    bare = stamps.of([model])
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text("one")
    first = stamps.of([model])
    (model / name).write_text("two")
    assert len({bare, first, stamps.of([model])}) == 3


def test_a_file_that_was_just_written_is_not_known_by_its_times(
    model: Path, tmp_path: Path
) -> None:
    """It could be written again within the clock's step."""
    stamps = Stamps(tmp_path / "files.json")
    stamps.of([model])
    assert stamps.content() is None


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": [[1, 2], "x"]}', "\x00"])
def test_a_damaged_index_is_as_none(
    model: Path, tmp_path: Path, hashed: list[str], content: str
) -> None:
    path = tmp_path / "files.json"
    path.write_text(content)
    Stamps(path).of([model])
    assert len(hashed) == 3
