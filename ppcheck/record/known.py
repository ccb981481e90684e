"""Claims that were measured and judged before: one that is unchanged needs no model."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ppcheck.errors import UnsupportedError
from ppcheck.record.examine import Examination
from ppcheck.record.files import write_whole
from ppcheck.record.run import ClaimRecord, Recorded
from ppcheck.record.shelf import trim
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.files import file_hash
from ppcheck.subject.model.fingerprint import digest, source_hash
from ppcheck.subject.model.locate import ModelRef
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.model.stamp import Stamps

LIMIT = 2**27
"""Bytes on disk beyond which the claims used longest ago are removed."""
_FOLDERS = ("judge", "measure", "record", "spec", "statistics", "subject")
_LIBRARIES = (
    *("torch", "transformers", "transformer-lens", "tokenizers", "safetensors"),
    *("numpy", "scipy", "scikit-learn", "statsmodels", "hypothesis"),
)
_EXTRAS = ("gguf", "peft")
_GPUS = (Path("/dev/nvidiactl"), Path("/dev/kfd"))


class Known(Recorded):
    """A claim's record, without what it was compared with, and the model that it is of."""

    claim: ClaimRecord
    model: dict[str, Any]


class KnownClaims:
    """A folder of claims, each under a name for all that its record follows from.

    Like the cache it is never a reason to fail: what cannot be read is not known.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self._stamps = Stamps(folder / "files.json")
        self._models: dict[str, str] = {}
        """What each model was on disk before it was loaded, by label."""

    def name(self, examination: Examination, ref: ModelRef) -> str | None:
        """None where it is not known what the claim or the model is."""
        entry = examination.entry
        if entry.claim is None or entry.grid is None or not _is_on_disk(ref):
            return None
        parts = (entry.claim, entry.grid.prompt_set)
        asked = [*(each.model_dump_json() for each in parts), examination.model, examination.seed]
        try:
            said = {text for each in parts for text in _texts(each.model_dump(mode="json"))}
            files = list(_named_files(sorted(said), entry.grid.folder))
            if ref.label not in self._models:
                self._models[ref.label] = self._stamps.of(ref.paths)
            return digest(asked, files, self._models[ref.label], self._run)
        except OSError:
            return None

    @cached_property
    def _run(self) -> list[Any]:
        settings = self.settings
        versions = [version(library) for library in _LIBRARIES]
        versions += [version(each) if find_spec(each) else "" for each in _EXTRAS]
        gpus = [path.exists() for path in _GPUS], os.environ.get("CUDA_VISIBLE_DEVICES")
        return [source_hash(_FOLDERS), platform.python_version(), versions, settings, *gpus]

    def load(self, name: str) -> Known | None:
        path = self._path(name)
        try:
            checksum, _, body = path.read_bytes().partition(b"\n")
            if checksum != _checksum(name, body):
                path.unlink()
                return None
            known = Known.model_validate_json(body)
            os.utime(path)
        except (OSError, ValidationError):
            return None
        return known

    def save(self, name: str, known: Known, ref: ModelRef) -> None:
        """Keep it, unless the model's files are no longer what they were before it was loaded."""
        body = known.model_dump_json().encode()
        with suppress(OSError):
            if self._stamps.of(ref.paths) != self._models.get(ref.label):
                return
            write_whole(self._path(name), _checksum(name, body) + b"\n" + body)
            if (stamps := self._stamps.content()) is not None:
                write_whole(self._stamps.path, stamps)
            trim(self.folder, LIMIT)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name


def examined(
    examination: Examination,
    ref: ModelRef,
    known: KnownClaims | None,
    measured: Callable[[], Known],
) -> Known:
    """The claim's record on the model, ``measured`` only where it is not known."""
    name = None if known is None else known.name(examination, ref)
    found = None if known is None or name is None else known.load(name)
    if found is not None:
        found = found.model_copy(update={"claim": examination.as_known(found.claim)})
    else:
        found = measured()
        if known is not None and name is not None:
            known.save(name, found, ref)
    return found


def measured(examination: Examination, subject: Memo) -> Known:
    """The record of a claim that is tried on ``subject``, also where this lacks what it needs."""
    try:
        record = examination.run(subject)
    except UnsupportedError as error:
        record = examination.refused(error)
    counted = {"asked": subject.asked, "known": subject.known}
    return Known(claim=record.model_copy(update=counted), model=asdict(subject.info))


def _is_on_disk(ref: ModelRef) -> bool:
    """Whether all of it is: what is on the hub may change under its name."""
    return ref.path is not None and (ref.base is None or _is_on_disk(ref.base))


def _texts(value: Any) -> Iterator[str]:
    """All texts in what a claim or a prompt set says, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts(each))


def _named_files(texts: Iterable[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Those of the texts that name a file, with the hash of what is in it."""
    for text in texts:
        with suppress(OSError, ValueError):  # too long, or of characters that no file has
            if (path := folder / text).is_file():
                yield text, file_hash([path])


def _checksum(name: str, body: bytes) -> bytes:
    return sha256(name.encode() + body).hexdigest().encode()
