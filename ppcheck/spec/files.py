"""Spec files: what they are called, which a folder holds, and which come with ppcheck."""

from __future__ import annotations

from pathlib import Path

from ppcheck.errors import SpecError

SUFFIX = ".pp.yaml"
"""Of the files that pytest collects as specs."""


def found(path: Path) -> list[Path]:
    """The specs of a folder and of those below it, or the one file."""
    return sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]


def shipped_folder() -> Path:
    """Where the specs that come with ppcheck lie: in the package, or at the top of a clone."""
    package = Path(__file__).parents[1]
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def shipped(name: str) -> Path:
    """A shipped folder such as `demo`, or one of its specs such as `demo/mechanism`.

    Raises SpecError, with what there is, where nothing has this name.
    """
    paths = _shipped()
    if name not in paths:
        from ppcheck.spec.grammar import suggest  # brings pydantic

        near = [each for each in paths if ("/" in each) == ("/" in name)]
        raise SpecError(f"no shipped specs are called {name!r}: {suggest(name, near)}")
    return paths[name]


def _shipped() -> dict[str, Path]:
    """Folders and specs by name."""
    top = shipped_folder()
    specs = found(top) if top.is_dir() else []
    folders = {spec.parent.relative_to(top).as_posix(): spec.parent for spec in specs}
    stems = {spec.relative_to(top).as_posix().removesuffix(SUFFIX): spec for spec in specs}
    return folders | stems
