"""Measurements on disk: back to the last bit, or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ppcheck.arrays import Floats
from ppcheck.record.cache import Disk
from ppcheck.subject.model.fingerprint import digest

FAMILY = digest("a family")
any_arrays = arrays(np.float64, array_shapes(max_dims=3, min_side=0, max_side=4))


def packs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*"))


@given(st.dictionaries(st.text(), any_arrays, max_size=4))
def test_numbers_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, Floats]
) -> None:
    disk = Disk(tmp_path_factory.mktemp("cache"))
    disk.save(FAMILY, found)
    back = Disk(disk.folder).load(FAMILY, [*found, "another"])
    assert back.keys() == found.keys()
    for name, array in back.items():
        assert array.shape == found[name].shape
        assert array.tobytes() == found[name].tobytes()


def test_what_is_saved_piece_by_piece_comes_back_together(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.save(FAMILY, {"a": np.array([1.0])})
    disk.save(FAMILY, {"b": np.array([2.0])})
    disk.save(digest("another"), {"c": np.array([3.0])})
    assert disk.load(FAMILY, ["a", "b", "c"]) == {"a": 1.0, "b": 2.0}
    assert disk.load(FAMILY, ["b"]) == {"b": 2.0}


def test_no_bit_can_be_flipped_and_no_byte_be_missing_or_added(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.save(FAMILY, {"a": np.array([1.0, 2.0])})
    (path,) = packs(tmp_path)
    whole = path.read_bytes()
    flipped = [whole[:n] + bytes([whole[n] ^ 4]) + whole[n + 1 :] for n in range(len(whole))]
    cut = [whole[:n] for n in range(len(whole))]
    for damaged in (*flipped, *cut, whole + b"\0", whole[1:], bytes(len(whole))):
        path.write_bytes(damaged)
        assert disk.load(FAMILY, ["a"]) == {}
        assert not path.exists()
    path.write_bytes(whole)
    assert disk.load(FAMILY, ["a"])["a"].tolist() == [1, 2]


def test_a_pack_under_another_familys_name_is_not_believed(tmp_path: Path) -> None:
    disk, other = Disk(tmp_path), digest("another")
    disk.save(FAMILY, {"a": np.array([1.0])})
    (path,) = packs(tmp_path)
    moved = tmp_path / other[:2] / path.name.replace(FAMILY, other)
    moved.parent.mkdir(exist_ok=True)
    path.rename(moved)
    assert disk.load(other, ["a"]) == {}


def test_beyond_the_limit_what_was_used_longest_ago_goes(tmp_path: Path) -> None:
    names = [digest(n) for n in range(6)]
    disk = Disk(tmp_path)
    for age, name in enumerate(names[:5]):
        disk.save(name, {"a": np.zeros(100)})
        (path,) = tmp_path.glob(f"*/{name}.*")
        os.utime(path, (age, age))
    size = path.stat().st_size
    disk.load(names[0], ["a"])
    bounded = Disk(tmp_path, limit=3 * size)
    bounded.save(names[5], {"a": np.zeros(100)})
    left = [bool(disk.load(name, ["a"])) for name in names]
    assert left == [True, False, False, False, True, True]
    assert sum(path.stat().st_size for path in packs(tmp_path)) <= 3 * size


def test_what_a_crashed_writer_left_is_counted_and_goes(tmp_path: Path) -> None:
    left = tmp_path / FAMILY[:2] / f".{FAMILY}.abc.xyz"
    left.parent.mkdir()
    left.write_bytes(bytes(1000))
    os.utime(left, (0, 0))
    disk = Disk(tmp_path, limit=1000)
    disk.save(FAMILY, {"a": np.array([1.0])})
    assert not left.exists()
    assert disk.load(FAMILY, ["a"]) == {"a": 1.0}


@pytest.mark.trust
def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    disk = Disk(tmp_path / "file")
    disk.save(FAMILY, {"a": np.array([1.0])})
    first = disk.trouble
    assert str(first).startswith("the cache cannot be written, and nothing is kept")
    disk.save(digest("another"), {"a": np.array([1.0])})
    assert disk.load(FAMILY, ["a"]) == {}
    assert disk.trouble == first


@pytest.mark.trust
def test_a_pack_that_cannot_be_read_is_not_known_and_the_others_are(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.save(FAMILY, {"a": np.array([1.0])})
    (path,) = packs(tmp_path)
    disk.save(FAMILY, {"b": np.array([2.0])})
    path.unlink()
    path.mkdir()
    assert disk.load(FAMILY, ["a", "b"]) == {"b": 2.0}
    assert str(path) in str(disk.trouble)


@pytest.mark.trust
def test_a_cache_that_may_only_be_read_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    disk = Disk(tmp_path)
    disk.save(FAMILY, {"a": np.array([1.0])})
    disk.save(damaged := digest("damaged"), {"b": np.array([1.0])})
    (path,) = tmp_path.glob(f"*/{damaged}.*")
    path.write_bytes(b"damaged")
    monkeypatch.setattr("os.utime", read_only)
    monkeypatch.setattr(Path, "unlink", read_only)
    assert disk.load(FAMILY, ["a"]) == {"a": 1.0}
    assert disk.load(damaged, ["b"]) == {}
    assert disk.trouble is None


def test_writers_side_by_side_lose_nothing_and_break_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; from ppcheck.record.cache import Disk\n"
        "disk = Disk(Path(sys.argv[1]), limit=20_000); me = int(sys.argv[3])\n"
        "for n in range(60):\n"
        "    disk.save(sys.argv[2], {str(n % 10): np.full(9, n % 10), f'{me}.{n}': np.ones(50)})\n"
        "    for name, found in disk.load(sys.argv[2], map(str, range(10))).items():\n"
        "        assert (found == int(name)).all()\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), FAMILY, str(me)])
        for me in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    found = Disk(tmp_path).load(FAMILY, map(str, range(10)))
    assert found
    assert all((array == int(name)).all() for name, array in found.items())


def test_a_pack_that_is_known_to_lack_what_is_wanted_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each of many savings to one family would make the next reading longer."""
    disk = Disk(tmp_path)
    for number in range(3):
        disk.save(FAMILY, {str(number): np.full(2, float(number))})
    read: list[str] = []
    plain = Path.read_bytes

    def counted(path: Path) -> bytes:
        read.append(path.name)
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    assert disk.load(FAMILY, ["nothing"]) == {}
    assert read == []
    assert disk.load(FAMILY, ["1"])["1"].tolist() == [1, 1]
    assert len(read) == 1
    read.clear()
    other = Disk(tmp_path)  # another process, which knows no pack yet
    assert other.load(FAMILY, ["nothing"]) == {}
    assert other.load(FAMILY, ["nothing"]) == {}
    assert len(read) == 3


def test_what_four_bytes_hold_takes_four(tmp_path: Path) -> None:
    sizes = []
    for name, value in (("single", np.float32(0.1)), ("double", 0.1)):
        disk = Disk(tmp_path / name)
        disk.save(FAMILY, {"a": np.full(1000, float(value))})
        sizes.append(packs(disk.folder)[0].stat().st_size)
        assert disk.load(FAMILY, ["a"])["a"][0] == float(value)
    assert sizes[1] - sizes[0] == 4000
