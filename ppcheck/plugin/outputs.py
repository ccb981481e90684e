"""What a run is asked to write, checked before anything is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppcheck.plugin.options import OPTIONS, folder_of, option

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable in which GitHub names the file of a job's summary."""
_SQLITE = "sqlite:///"


def file_of(config: pytest.Config, name: str) -> Path | None:
    """The file that `ppcheck_NAME` asks for; of a report, its page."""
    given = option(config, name)
    if given is None:
        return None
    path = Path(config.invocation_params.dir, given)
    return path / "index.html" if name == "report" else path


def store_folder(config: pytest.Config) -> Path:
    """Where the SQLite file of a history starts, if its path is relative."""
    return config.invocation_params.dir / folder_of(config, "history")


def check_outputs(config: pytest.Config) -> None:
    """Raise UsageError for an output that could not be written, or would take another's place."""
    from ppcheck.record.files import check_writable

    taken: dict[Path, str] = {}
    for name, path in _files(config):
        flag = OPTIONS[f"ppcheck_{name}"].flag
        if (other := taken.setdefault(Path(os.path.realpath(path)), flag)) != flag:
            raise pytest.UsageError(f"{other} and {flag} name the same file, {path}")
        is_only_read = name == "baseline" and not option(config, "bless")
        try:
            if not is_only_read and name != "history":
                check_writable(path)
        except OSError as error:
            raise _unwritable(flag, path, error) from None
    _check_history(config)


def _files(config: pytest.Config) -> Iterator[tuple[str, Path]]:
    for name in ("baseline", "json", "markdown", "report"):
        if (path := file_of(config, name)) is not None:
            yield name, path
    url = option(config, "history")
    if url is not None and url.startswith(_SQLITE):
        yield "history", store_folder(config) / url.removeprefix(_SQLITE)


def check_step_summary() -> None:
    """Raise UsageError where GitHub asks for a summary that cannot be written."""
    if (file := os.environ.get(STEP_SUMMARY)) is None:
        return
    try:
        with Path(file).open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise _unwritable(f"the variable {STEP_SUMMARY}", Path(file), error) from None


def _check_history(config: pytest.Config) -> None:
    """Open the store and, with a transaction that writes nothing, see that it can be written."""
    from ppcheck.errors import HistoryError

    if (url := option(config, "history")) is None:
        return
    from ppcheck.record.database import Database

    try:
        database = Database(url, store_folder(config), create=True)
        with database.trouble(), database.writing():
            pass
    except HistoryError as error:
        raise pytest.UsageError(f"{OPTIONS['ppcheck_history'].flag}: {error}") from None


def _unwritable(asked_by: str, path: Path, error: OSError) -> pytest.UsageError:
    why = error.strerror or error
    return pytest.UsageError(f"{asked_by}: {path} cannot be written: {why}")
