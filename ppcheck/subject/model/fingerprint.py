"""Names for measurements: equal names mean equal numbers, whoever measured them, and when."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppcheck.subject.model.info import ModelInfo

MEASURING = ("measure", "spec", "statistics", "subject")
"""Folders of the package on whose source measured numbers depend."""

_WHOLE = b"%b(%%d,)" % np.dtype(np.int64).str.encode()
"""What the name of an array of so many whole numbers begins with, as `_array` has it."""


def digest(*parts: object) -> str:
    """SHA-256 over texts, numbers, None, arrays, and lists and dataclasses of these.

    Unequal parts are never encoded alike. Raises TypeError for a value of any other type.
    """
    found = sha256()
    for chunk in _encoded(parts):
        found.update(b"%d:" % len(chunk))
        found.update(chunk)
    return found.hexdigest()


def model_key(info: ModelInfo) -> str:
    """All that measured numbers depend on besides the question: model, arithmetic, libraries."""
    return digest(
        info.weights_sha256,
        info.config_sha256,
        info.tokenizer_sha256,
        info.weight_processing,
        info.dtype,
        info.device.partition(":")[0],
        sorted(info.versions.items()),
        code_version(),
    )


def code_version() -> str:
    """A hash of the source that turns a question into numbers."""
    return source_hash(MEASURING)


@cache
def source_hash(folders: tuple[str, ...]) -> str:
    """A hash of all Python in these folders of the package."""
    package = Path(__file__).parents[2]
    files = sorted(path for name in folders for path in (package / name).rglob("*.py"))
    texts = ((str(path.relative_to(package)), path.read_text(encoding="utf-8")) for path in files)
    return digest(*texts)


def _encoded(value: object) -> Iterator[bytes]:
    if isinstance(value, np.ndarray | np.generic):
        yield from _array(np.asarray(value))
    elif value is None or isinstance(value, str | int | float):
        yield repr(value).encode()
    elif isinstance(value, list | tuple):
        if set(map(type, value)) == {int}:
            yield _WHOLE % len(value)
            yield array("q", value).tobytes()
        else:
            yield b"list of %d" % len(value)
            for each in value:
                yield from _encoded(each)
    elif is_dataclass(value) and not isinstance(value, type):
        cls = type(value)
        yield f"{cls.__module__}.{cls.__qualname__}".encode()
        for field in fields(value):
            yield field.name.encode()
            yield from _encoded(getattr(value, field.name))
    else:
        raise TypeError(f"a {type(value).__name__} has no name in the cache: make it a dataclass")


def _array(numbers: NDArray[Any]) -> Iterator[bytes]:
    if numbers.dtype.hasobject:
        raise TypeError("an array of objects has no name in the cache")
    yield f"{numbers.dtype.str}{numbers.shape}".encode()
    yield numbers.tobytes()
