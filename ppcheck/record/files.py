"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEVICES = Path("/dev")
_NAMED = 40
"""Characters of a file's name that its temporary one begins with: a whole name may be too long."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace ``path`` by ``content`` in one step: a crash leaves the old file or the new one.

    Raises OSError where it cannot, and for a device or a pipe, which would be lost.
    """
    _check_kind(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_NAMED]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Raise OSError where `write_whole` could not write ``path``; makes its folder."""
    _check_kind(path)
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is protected from writing", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_NAMED]}.")
    os.close(handle)
    Path(name).unlink()


@contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """Wait for whoever else reads and then writes in ``folder``; the lock dies with its process."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _check_kind(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if (path.exists() and not path.is_file()) or path.absolute().parent == _DEVICES:
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file", str(path))
