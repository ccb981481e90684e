"""Values of options that pytest takes for test paths before it knows the options."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ppcheck.plugin.options import OPTIONS
from ppcheck.subject.model.adapter import CONFIG
from ppcheck.subject.model.gguf import SUFFIX
from ppcheck.subject.model.locate import DEMO

SHORT = "--model"
HAS_SHORT = pytest.StashKey[bool]()
"""Whether `--model` is this plugin's, and not the project's own."""
_CONFIGURATIONS = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)
"""Files that may hold pytest's configuration."""


def spare_models(config: pytest.Config, arguments: Iterable[str]) -> None:
    """Keep pytest from running the `conftest.py` of a model's folder given as ``--model PATH``.

    It is called before conftest files are loaded, when `--model` may still become a project's own.
    """
    paths: list[str] = config.known_args_namespace.file_or_dir
    for _, value in _spaced(map(os.fspath, arguments), {SHORT}):
        is_model = value.partition("@")[0] == DEMO or value.endswith(SUFFIX)
        is_model |= any(Path(value, name).is_file() for name in ("config.json", CONFIG))
        if is_model and value in paths:
            paths.remove(value)


def check_root(config: pytest.Config) -> None:
    """Raise UsageError where the value of an option may have moved pytest's root.

    pytest looks for its root and its configuration beside every path on the command line, and
    learns only then which options there are. So a value that exists as a file or folder counts as
    a test path, unless ``=`` joins it to its option.
    """
    given = (*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *config.invocation_params.args)
    flags = {each.flag for each in OPTIONS.values() if each.metavar}
    flags |= {SHORT} if config.stash.get(HAS_SHORT, False) else set()
    counted = [
        (flag, value)
        for flag, value in _spaced(map(os.fspath, given), flags)
        if _folder_of(value, config) is not None
    ]
    if counted and not _is_root_of_the_tests(config):
        root = f"root {config.rootpath}, configuration {config.inipath or 'none'}"
        joined = " ".join(shlex.quote(f"{flag}={value}") for flag, value in counted)
        raise pytest.UsageError(
            f"pytest has taken {counted[0][1]!r} for the path of tests while it looked for its "
            f"configuration, and may have found another one ({root}): write {joined}"
        )


def _spaced(arguments: Iterable[str], flags: set[str]) -> Iterator[tuple[str, str]]:
    """Each of the flags whose value is the next argument, and that value."""
    for flag, value in pairwise(arguments):
        if flag == "--":
            return
        if flag in flags and not value.startswith("-"):
            yield flag, value


def _is_root_of_the_tests(config: pytest.Config) -> bool:
    """Whether the tests alone would surely have led pytest to the root and settings that it has."""
    if config.option.inifilename is not None and Path(config.option.inifilename).is_file():
        return True
    here = config.invocation_params.dir
    tests = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    folders = [folder for test in tests if (folder := _folder_of(test, config)) is not None]
    top = Path(os.path.commonpath(folders or [here]))
    if config.inipath is not None:
        return _nearest(top, _CONFIGURATIONS) == config.inipath.parent
    if config.option.rootdir is None and config.rootpath != Path(os.path.commonpath([here, top])):
        return False
    return not any(_nearest(folder, (*_CONFIGURATIONS, "setup.py")) for folder in (top, *folders))


def _folder_of(path: str, config: pytest.Config) -> Path | None:
    """The folder in which pytest begins to look, if there is such a path."""
    whole = Path(os.path.abspath(config.invocation_params.dir / path.partition("::")[0]))  # noqa: PTH100
    try:
        return whole if whole.is_dir() else whole.parent if whole.exists() else None
    except OSError:  # a name that is too long
        return None


def _nearest(start: Path, names: Iterable[str]) -> Path | None:
    """The first folder, from ``start`` up, that holds one of these files."""
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in names):
            return folder
    return None
