"""What a model is on disk, known without loading it: a hash that no edit of its files leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ppcheck.subject.model.files import file_hash

_READ = {
    *(".json", ".safetensors", ".bin", ".txt", ".model", ".jinja", ".gguf"),
    *(".codes", ".spm", ".tiktoken", ".tokenizer"),
}
"""Files of a model's directory that may be read when it is loaded."""
_TEMPLATES = "additional_chat_templates"
"""The one folder in it of which that is so, too."""
_SETTLED = 2 * 10**9
"""Nanoseconds after which a file that was written cannot be written again with the same times."""

Stat = tuple[int, int, int, int]


class Stamps:
    """Hashes of files by size, times and number, as git's index knows them.

    The time of a file's last change of any kind cannot be set, so that an edit in place is seen
    even where its time of modification was put back. ``path`` is where they are kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = dict(self._read())
        self._new = False

    def of(self, paths: Iterable[Path]) -> str:
        """SHA-256 over all that is read of a model in these directories and files.

        Raises OSError where one cannot be read.
        """
        hashes = [
            f"{name} {self._hash(file)}" for path in paths for name, file in sorted(_files(path))
        ]
        return "\n".join(hashes)

    def content(self) -> str | None:
        """What is to be kept, where there is something new."""
        return json.dumps(self._known) if self._new else None

    def _hash(self, file: Path) -> str:
        now, name, stat = time.time_ns(), str(file.resolve()), _stat(file)
        known = self._known.get(name)
        if known is not None and tuple(known[0]) == stat:
            return known[1]
        found = file_hash([file])
        if now - max(stat[1], stat[2]) > _SETTLED and _stat(file) == stat:
            self._known[name] = (stat, found)
            self._new = True
        return found

    def _read(self) -> Iterator[tuple[str, tuple[Stat, str]]]:
        """What was kept; nothing where it is damaged or not there."""
        try:
            for name, (stat, found) in json.loads(self.path.read_text(encoding="utf-8")).items():
                size, modified, changed, number = map(int, stat)
                yield str(name), ((size, modified, changed, number), str(found))
        except (OSError, ValueError, TypeError, AttributeError):
            return


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """All files that may be read of a directory, or the file itself, with their names there."""
    if path.is_file():
        yield path.name, path
        return
    for file in (*path.iterdir(), *path.glob(f"{_TEMPLATES}/*")):
        if file.suffix in _READ and file.is_file():
            yield str(file.relative_to(path)), file


def _stat(file: Path) -> Stat:
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
