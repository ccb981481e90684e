"""Claims that were measured before: one that is unchanged, or has other bounds, needs no model."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ppcheck.record.examine import Examination, Measured
from ppcheck.record.files import write_whole
from ppcheck.record.pack import packed, unpacked
from ppcheck.record.run import ClaimRecord, Recorded
from ppcheck.record.shelf import trim
from ppcheck.subject.model.files import file_hash
from ppcheck.subject.model.fingerprint import digest, source_hash
from ppcheck.subject.model.locate import ModelRef, on_disk
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.model.stamp import Stamps

LIMIT = 2**27
"""Bytes on disk beyond which the claims used longest ago are removed."""
_JUDGING = {"says", "source", "tolerance", "expect", "correction"}
"""Keys of a claim that change nothing of what is measured, beside the names that it expects."""
_FOLDERS = ("judge", "measure", "record", "spec", "statistics", "subject")
_LIBRARIES = (
    *("torch", "transformers", "transformer-lens", "tokenizers", "safetensors"),
    *("numpy", "scipy", "scikit-learn", "statsmodels", "hypothesis", "google-re2"),
)
_EXTRAS = ("gguf", "peft")
_GPUS = (Path("/dev/nvidiactl"), Path("/dev/kfd"))


class Known(Recorded):
    """A claim's record, without what it was compared with, and the model that it is of."""

    claim: ClaimRecord
    model: dict[str, Any]


@dataclass(frozen=True)
class Names:
    """What is kept of one claim on one model: what was ``measured``, and how it was ``judged``."""

    measured: str
    judged: str


class KnownClaims:
    """A folder of claims: what each measured under a name for all that this follows from, and its
    record under one for its bounds, too.

    Like the cache it is never a reason to fail: what cannot be read is not known.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self._stamps = Stamps(folder / "files.json")
        self._models: dict[str, str | None] = {}
        """What each model was on disk before it was loaded, by label; None where it was not."""
        self._untrimmed = LIMIT
        """Bytes that may have come since the folder was last held to its limit."""

    def names(self, examination: Examination, ref: ModelRef) -> Names | None:
        """None where it is not known what the claim or the model is."""
        claim, grid = examination.entry.claim, examination.entry.grid
        if claim is None or grid is None:
            return None
        said = claim.model_dump(mode="json", exclude=_JUDGING)
        parts = [said, grid.prompt_set.model_dump(mode="json")]
        asked = [json.dumps(parts), sorted(claim.expect), examination.model, examination.seed]
        bounds = {name: str(bound) for name, bound in claim.expect.items()}
        named = claim.dictionaries
        try:
            files = list(_named_files(sorted(set(_texts(parts))), grid.folder))
            files += [(each, self._stamps.of(grid.features[each].files)) for each in named]
            if (model := self._model(ref)) is None:
                return None
            measured = digest(asked, files, model, self._run)
        except OSError:
            return None
        judged = digest(measured, json.dumps(bounds), claim.confidence, claim.correction)
        return Names(measured, judged)

    def record(self, names: Names) -> Known | None:
        """The claim as it was judged with these bounds."""
        try:
            found = Known.model_validate_json(self._load(names.judged))
        except (OSError, ValueError):
            return None
        with suppress(OSError):
            os.utime(self._path(names.measured))
        return found

    def measured(self, names: Names) -> Measured | None:
        """What the claim measured when it had these bounds, or others."""
        try:
            found = unpacked(self._load(names.measured))
        except (OSError, ValueError):
            return None
        return found.again() if isinstance(found, Measured) else None

    def keep(self, names: Names, found: Measured | Known, ref: ModelRef) -> None:
        """Keep it, unless the model's files have changed since before it was loaded."""
        if isinstance(found, Known):
            name, body = names.judged, found.model_dump_json().encode()
        else:
            name, body = names.measured, packed(found)
        with suppress(OSError):
            if self._stamp(ref) != self._models.get(ref.label):
                return
            write_whole(self._path(name), _checksum(name, body) + b"\n" + body)
            if (stamps := self._stamps.content()) is not None:
                write_whole(self._stamps.path, stamps)
            self._trim(len(body))

    @cached_property
    def _run(self) -> list[Any]:
        settings = self.settings
        versions = [version(library) for library in _LIBRARIES]
        versions += [version(each) if find_spec(each) else "" for each in _EXTRAS]
        gpus = [path.exists() for path in _GPUS], os.environ.get("CUDA_VISIBLE_DEVICES")
        return [source_hash(_FOLDERS), platform.python_version(), versions, settings, *gpus]

    def _model(self, ref: ModelRef) -> str | None:
        """What it was on disk when this run first asked, whatever it has become."""
        if ref.label not in self._models:
            self._models[ref.label] = self._stamp(ref)
        return self._models[ref.label]

    def _stamp(self, ref: ModelRef) -> str | None:
        paths = on_disk(ref, allow_pickle=self.settings.allow_pickle)
        return None if paths is None else self._stamps.of(paths)

    def _load(self, name: str) -> bytes:
        """Raises OSError where there is nothing, ValueError where it is damaged."""
        path = self._path(name)
        checksum, _, body = path.read_bytes().partition(b"\n")
        if checksum != _checksum(name, body):
            path.unlink()
            raise ValueError(f"{path} is damaged")
        with suppress(OSError):  # a cache that may only be read still serves
            os.utime(path)
        return body

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name

    def _trim(self, more: int) -> None:
        """Hold the folder to its limit: at first, and whenever there may be much more in it."""
        self._untrimmed += more
        if self._untrimmed > LIMIT // 32:
            trim(self.folder, LIMIT)
            self._untrimmed = 0


def examined(
    examination: Examination,
    ref: ModelRef,
    known: KnownClaims | None,
    measured: Callable[[], Measured],
    models: dict[str, dict[str, Any]],
) -> ClaimRecord:
    """The claim's record on the model, ``measured`` and judged only where that is not known.

    The model's facts are put into ``models``, by label. Raises a PpcheckError where the claim
    cannot be measured or judged.
    """
    names = None if known is None else known.names(examination, ref)
    if known is not None and names is not None and (old := known.record(names)) is not None:
        models[ref.label] = old.model
        return examination.as_known(old.claim)
    found = None if known is None or names is None else known.measured(names)
    is_new = found is None
    found = found or measured()
    models[ref.label] = found.model
    if known is None or names is None:
        return examination.judged(found)
    if is_new:
        known.keep(names, found, ref)
    record = examination.judged(found)
    known.keep(names, Known(claim=record, model=found.model), ref)
    return record


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
