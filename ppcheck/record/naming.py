"""What a spec is called, so that it is the same claim wherever a run was started."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

from ppcheck.errors import SpecError
from ppcheck.spec.files import shipped_folder

_REPOSITORY = (".git",)
_PROJECT = ("pyproject.toml", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "setup.py")


def spec_name(path: Path) -> str:
    """The spec's path from the root of its project, whatever folder pytest was started in.

    The root is the repository that the file lies in, else the nearest folder above it with a
    project's configuration, else the folder above its own. What comes with ppcheck is called
    alike in a clone and in an installed package: ``specs/demo/mechanism.pp.yaml``.
    """
    whole = path.resolve()
    return whole.relative_to(_root(whole.parent)).as_posix()


def named_once(path: Path, taken: dict[str, Path]) -> str:
    """The spec's name, of which ``taken`` takes note.

    Raises SpecError where another spec of the same run has the same name.
    """
    name = spec_name(path)
    other = taken.setdefault(name, path.resolve())
    if other != path.resolve():
        raise SpecError(
            f"{other} is called {name} in records, as this file is: put a pyproject.toml, or a "
            "git repository, in the folder that holds both",
            path,
        )
    return name


def folder_name(path: Path) -> str:
    """A folder's path from the root of its project, ``.`` for the root itself; see `spec_name`."""
    whole = path.resolve()
    return whole.relative_to(_root(whole)).as_posix()


def place_name(path: Path) -> str:
    """What a folder or a spec is called in records."""
    return folder_name(path) if path.is_dir() else spec_name(path)


def name_from(folder: Path, path: Path) -> str:
    """The path as seen from ``folder``, with ``..`` where it lies elsewhere."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def common_parts(one: str | Path, other: str | Path) -> int:
    """Of how many parts the shorter path is, where it is the end of the other; else 0.

    Folders that are left (``..``) do not count.
    """
    short, long = sorted((_parts(one), _parts(other)), key=len)
    return len(short) if short and long[-len(short) :] == short else 0


def paired_specs(
    new: Mapping[str, Collection[str]], old: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """The old name of each new spec that was called differently before, by the ids of claims.

    Equal names are pairs. Of the others, those are of which one is the end of the other (as in
    records of earlier versions, which named specs from where pytest was started) and which have a
    claim in common. Where two are equally likely, neither is taken.
    """
    found = {name: name for name in new if name in old}
    left = [name for name in new if name not in found]
    free = {name for name in old if name not in found}
    by_fit: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for one, other in _candidates(new, old, left, free):
        fit = common_parts(one, other), len(set(new[one]) & set(old[other]))
        by_fit[fit].append((one, other))
    taken: set[str] = set()
    for fit in sorted(by_fit, reverse=True):
        pairs = [(a, b) for a, b in by_fit[fit] if a not in taken and b in free]
        for one, other in pairs:
            taken.add(one)
            free.discard(other)
            if sum(one == a or other == b for a, b in pairs) == 1:
                found[one] = other
    return found


def _candidates(
    new: Mapping[str, Collection[str]],
    old: Mapping[str, Collection[str]],
    left: Collection[str],
    free: Collection[str],
) -> Iterator[tuple[str, str]]:
    for one in left:
        for other in free:
            if common_parts(one, other) and not set(new[one]).isdisjoint(old[other]):
                yield one, other


@cache
def _root(folder: Path) -> Path:
    if folder.is_relative_to(shipped := shipped_folder().resolve()):
        return shipped.parent
    above = (folder, *folder.parents)
    for marks in (_REPOSITORY, _PROJECT):
        for each in above:
            if any(os.path.lexists(each / mark) for mark in marks):
                return each
    return folder.parent


def _parts(path: str | Path) -> tuple[str, ...]:
    parts = PurePosixPath(path).parts
    return tuple(part for part in parts if part not in ("..", "/"))
