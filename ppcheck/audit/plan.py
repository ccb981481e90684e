"""What an audit is of: checkpoints in their order, spec files as they are now, settings."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ppcheck.audit.matching import matching
from ppcheck.audit.pattern import expand, expand_list
from ppcheck.errors import AuditError, ModelError, SpecError
from ppcheck.record.audit import Checkpoint
from ppcheck.spec.dictionaries import CONFIG
from ppcheck.spec.source import read_source
from ppcheck.subject.model.fingerprint import MEASURING, source_hash
from ppcheck.subject.model.locate import PLUS, resolve, split

_JUDGING = (*MEASURING, "judge", "record")
"""Folders of the package on whose source verdicts depend."""
_PLAIN = re.compile(r"[a-z0-9@=+_-][a-z0-9.@=+_-]{0,79}")


@dataclass(frozen=True)
class AuditSettings:
    """What every run is given beside its specs and its model, by pytest's names."""

    seed: int
    dtype: str
    device: str
    memory: str | None = None
    allow_pickle: bool = False
    no_cache: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        given = {f"--ppcheck-{k.replace('_', '-')}": v for k, v in asdict(self).items()}
        flags = [name for name, value in given.items() if value is True]
        values = {name: v for name, v in given.items() if v is not None and not isinstance(v, bool)}
        return *(f"{name}={value}" for name, value in values.items()), *flags


@dataclass(frozen=True)
class AuditPlan:
    """``specs`` are spec files as they were given, ``beside`` the files that these name."""

    specs: tuple[Path, ...]
    beside: tuple[Path, ...]
    settings: AuditSettings
    checkpoints: tuple[Checkpoint, ...]


def labels(models: Sequence[str], revisions: str | None = None) -> tuple[str, ...]:
    """Checkpoints as `--model` names them, each once: every revision of every model.

    Raises AuditError for a bad pattern, and for revisions of what has none.
    """
    names = [found for model in models for name in expand(model) for found in matching(name)]
    if revisions is not None:
        for name in names:
            if "@" in name or PLUS in name or name.startswith((".", "/", "~")):
                raise AuditError(
                    f"{name} is one checkpoint and has no revisions: beside it, write those of "
                    "other models as --model 'NAME@step{0..9}'"
                )
        names = [f"{name}@{revision}" for name in names for revision in expand_list(revisions)]
    if any(not name or name.endswith("@") for name in names):
        raise AuditError("a pattern stands for a name that is empty")
    return tuple(dict.fromkeys(names))


def check_reachable(names: Sequence[str]) -> None:
    """Raise AuditError for a path that is named from this process's folder alone."""
    for name in (part for whole in names for part in split(whole) or (whole,)):
        path = Path(name).expanduser()
        if name.startswith(("./", "../")) or (path.exists() and not path.is_absolute()):
            what = "file" if path.is_file() else "directory"
            raise AuditError(
                f"{name} is a {what} here: give its whole path, under which every node has it"
            )


def audit_plan(specs: Sequence[Path], names: Sequence[str], settings: AuditSettings) -> AuditPlan:
    """The plan of an audit; ``made_from`` of each checkpoint says what its run depends on."""
    beside = tuple(dict.fromkeys(file for spec in specs for file in _named_by(spec)))
    files = {path.as_posix(): sha256(path.read_bytes()).hexdigest() for path in (*specs, *beside)}
    measured = asdict(settings) | {"no_cache": None}
    shared = [files, measured, version("ppcheck"), source_hash(_JUDGING)]
    checkpoints = tuple(
        Checkpoint(
            label=name,
            file=file_name(name),
            made_from=_hash([*shared, name, _fingerprint(name)]),
        )
        for name in names
    )
    return AuditPlan(tuple(specs), beside, settings, checkpoints)


def file_name(label: str) -> str:
    """A name for the checkpoint's files, no two alike even where letters differ in case alone."""
    if _PLAIN.fullmatch(label):
        return label
    plain = re.sub(r"[^A-Za-z0-9.@=+_-]+", "-", label).lstrip(".-")[:80]
    return f"{plain}-{_hash(label)[:8]}"


def common_folder(files: Sequence[Path]) -> Path:
    """Where files are named from: the folder of this process or, where they lie outside, theirs."""
    here = Path.cwd()
    if all(path.resolve().is_relative_to(here) for path in files):
        return here
    return Path(os.path.commonpath([path.resolve().parent for path in files]))


def _named_by(spec: Path) -> Iterator[Path]:
    """Files in the spec's folder that it names: rows of prompts, directions, dictionaries."""
    try:
        data = read_source(spec).data
    except SpecError:
        return  # its run says so
    folder = spec.parent.resolve()
    for text in set(_texts(data)):
        with suppress(OSError, ValueError):
            path = spec.parent / text
            held = sorted(path.iterdir()) if (path / CONFIG).is_file() else [path]
            yield from (f for f in held if f.is_file() and f.resolve().is_relative_to(folder))


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from _texts(each)


def _fingerprint(label: str) -> Any:
    """Name, size and time of each file of a model on this disk; None of one that is elsewhere."""
    with suppress(ModelError, OSError):
        paths = resolve(label).paths
        files = [file for path in paths for file in ([path] if path.is_file() else _files(path))]
        found = [(file.name, file.stat()) for file in files]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found] or None
    return None


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if file.is_file()]


def _hash(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
