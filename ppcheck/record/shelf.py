"""A folder of many files that is kept within a size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def trim(folder: Path, limit: int) -> None:
    """Remove the files used longest ago, and what crashed writers left, down to the limit."""
    files = sorted(_files(folder))
    size = sum(bytes_ for _, bytes_, _ in files)
    for _, bytes_, path in files:
        if size <= limit:
            break
        with suppress(OSError):  # it belongs to somebody else
            path.unlink(missing_ok=True)
            size -= bytes_


def _files(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """When each was used last, its size, and where it is."""
    for path in folder.glob("*/*"):
        with suppress(OSError):
            stat = path.stat()
            yield stat.st_mtime_ns, stat.st_size, path
