"""Measurements on disk: checked when they are read, bounded in size, shared by parallel runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppcheck.arrays import Floats
from ppcheck.record.files import write_whole
from ppcheck.record.shelf import trim

LIMIT = 2**29
"""Bytes on disk beyond which the packs used longest ago are removed."""
NOT_KEPT = "the cache cannot be written, and nothing is kept for the next run"
_NOT_READ = "what the cache holds cannot all be read, and is measured again"
_MAGIC = b"ppcheck.measurements/2\n"
_CHECKSUM = 32


class Disk:
    """A folder of packs, one for each time that members of a family were saved.

    A pack is written whole under a name that its content gives, so that runs side by side never
    meet; one that is damaged is removed, and its measurements are then not known.

    It is never a reason to fail: what cannot be read is not known, and what cannot be written is
    not kept. ``trouble`` is what went wrong first, if anything.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder = folder
        self.limit = limit
        self.trouble: str | None = None
        self._members: dict[Path, frozenset[str]] = {}
        """What is in packs that were read or written; a pack never changes."""

    def load(self, family: str, members: Iterable[str]) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        wanted = list(members)
        for path, data in self._packs(family, wanted):
            pack = _unpacked(family, data)
            found |= pack or {}
            with suppress(OSError):  # a cache that may only be read still serves
                if pack is None:
                    path.unlink()
                else:
                    self._members[path] = frozenset(pack)
                    os.utime(path)
        return {name: found[name] for name in wanted if name in found}

    def save(self, family: str, found: Mapping[str, Floats]) -> None:
        data = _packed(family, found)
        path = self._shelf(family) / f"{family}.{sha256(data).hexdigest()[:16]}"
        try:
            write_whole(path, data)
            self._members[path] = frozenset(found)
            trim(self.folder, self.limit)
        except OSError as error:
            self._note(f"{NOT_KEPT}: {self.folder}", error)

    def _packs(self, family: str, wanted: Sequence[str]) -> Iterator[tuple[Path, bytes]]:
        """The family's packs that can be read and may have some of ``wanted``, with their bytes."""
        try:
            paths = list(self._shelf(family).glob(f"{family}.*"))
        except OSError as error:
            self._note(f"{_NOT_READ}: {self.folder}", error)
            return
        for path in paths:
            if path in self._members and self._members[path].isdisjoint(wanted):
                continue
            try:
                yield path, path.read_bytes()
            except FileNotFoundError:  # another run has just removed it
                pass
            except OSError as error:
                self._note(f"{_NOT_READ}: {path}", error)

    def _note(self, trouble: str, error: OSError) -> None:
        self.trouble = self.trouble or f"{trouble}: {error.strerror or error}"

    def _shelf(self, family: str) -> Path:
        return self.folder / family[:2]


def _packed(family: str, found: Mapping[str, Floats]) -> bytes:
    """A checksum, one line of names, types and shapes, and the numbers, little-endian.

    They take four bytes each where these hold them exactly, and eight otherwise.
    """
    narrow = {name: _narrow(array) for name, array in found.items()}
    heads = {name: (array.dtype.str, array.shape) for name, array in narrow.items()}
    body = json.dumps(heads).encode() + b"\n" + b"".join(a.tobytes() for a in narrow.values())
    return _MAGIC + _checksum(family, body) + body


def _unpacked(family: str, data: bytes) -> dict[str, Floats] | None:
    """None for what is not, to the last bit, what was packed for this family."""
    start = len(_MAGIC) + _CHECKSUM
    body = data[start:]
    if data[:start] != _MAGIC + _checksum(family, body):
        return None
    heads, _, numbers = body.partition(b"\n")
    found, at = {}, 0
    for name, (kind, shape) in json.loads(heads).items():
        flat = np.frombuffer(numbers, kind, int(np.prod(shape)), at)
        found[name] = flat.astype(np.float64).reshape(shape)
        at += flat.nbytes
    return found


def _narrow(array: Floats) -> NDArray[np.floating]:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        single = array.astype("<f4", order="C")
    double = array.astype("<f8", order="C")
    return single if single.astype("<f8").tobytes() == double.tobytes() else double


def _checksum(family: str, body: bytes) -> bytes:
    return sha256(family.encode() + body).digest()
