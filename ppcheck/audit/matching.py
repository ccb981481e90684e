"""Models on this disk by a glob: `run/*.gguf`, `run/*`, `BASE+run/*`."""

from __future__ import annotations

import re
from glob import glob
from pathlib import Path

from ppcheck.errors import AuditError
from ppcheck.subject.model.adapter import CONFIG
from ppcheck.subject.model.gguf import SUFFIX
from ppcheck.subject.model.locate import PLUS

_WILD = re.compile(r"[*?]")


def matching(name: str) -> tuple[str, ...]:
    """Every model that a name with * or ? stands for, numbers in their order; else the name.

    A directory counts where it holds a model or an adapter, and after BASE+ an adapter alone.
    Raises AuditError where there is none, and for a * before the +.
    """
    if not _WILD.search(name):
        return (name,)
    base, plus, pattern = name.rpartition(PLUS)
    if _WILD.search(base):
        raise AuditError(f"{name} has a wildcard before the {PLUS}: name one base")
    held = {CONFIG} if plus else {CONFIG, "config.json"}
    paths = map(Path, glob(str(Path(pattern).expanduser())))  # noqa: PTH207  (it keeps a leading ./)
    found = [
        path
        for path in paths
        if any((path / each).is_file() for each in held)
        or (not plus and path.suffix == SUFFIX and path.is_file())
    ]
    if not found:
        raise AuditError(f"{name} matches no {'adapter' if plus else 'model'} on this disk")
    lead = "./" if pattern.startswith("./") else ""
    return tuple(f"{base}{plus}{lead}{path}" for path in sorted(found, key=_natural))


def _natural(path: Path) -> list[tuple[int, str]]:
    """So that checkpoint-200 comes before checkpoint-1000."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
