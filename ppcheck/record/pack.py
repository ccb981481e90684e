"""What a check found as bytes: dataclasses of texts, numbers and arrays, each array held once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppcheck.measure.core.facts import Facts

_HOMES = ("ppcheck.measure.", "ppcheck.record.", "ppcheck.spec.", "ppcheck.statistics.")
"""Modules whose dataclasses are made again from what was packed, and no others."""
_TEXTS, _ARRAY, _OBJECT, _MAP, _FACTS = "texts", "array", "object", "map", "facts"


def packed(value: object) -> bytes:
    """One line of JSON, then the numbers of all arrays.

    Equal arrays and equal lists of texts are held once, and so is a dataclass that stands in two
    places. Raises TypeError for what cannot be packed.
    """
    packer = _Packer()
    tree = packer.tree(value)
    head = [tree, packer.objects, list(packer.texts), [shape for _, *shape in packer.arrays]]
    return json.dumps(head).encode() + b"\n" + b"".join(data for data, *_ in packer.arrays)


def unpacked(data: bytes) -> Any:
    """What was packed: arrays are contiguous, sequences are tuples.

    Raises ValueError for what this version did not pack.
    """
    head, _, numbers = data.partition(b"\n")
    try:
        tree, objects, texts, shapes = json.loads(head)
        return _Unpacker(objects, texts, _arrays(shapes, numbers)).value(tree)
    except (ArithmeticError, AttributeError, ImportError, LookupError, TypeError) as error:
        raise ValueError(f"this was not packed here: {error}") from error


class _Packer:
    """Turns values into JSON; what is held once stands there by its number."""

    def __init__(self) -> None:
        self.objects: list[list[Any]] = []
        self.texts: dict[tuple[str, ...], int] = {}
        self.arrays: dict[tuple[bytes, str, tuple[int, ...]], int] = {}
        self._numbers: dict[int, int] = {}
        self._alive: list[object] = []
        """Values whose number is known: a new one must not get the address of an old one."""

    def tree(self, value: object) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.ndarray):
            return {_ARRAY: self._array(value)}
        if isinstance(value, Facts):
            return {_FACTS: value.model_dump(mode="json")}
        if isinstance(value, Mapping):
            return {_MAP: {str(key): self.tree(each) for key, each in value.items()}}
        if isinstance(value, list | tuple):
            return self._sequence(value)
        if is_dataclass(value) and type(value).__module__.startswith(_HOMES):
            return {_OBJECT: self._object(value)}
        raise TypeError(f"a {type(value).__name__} cannot be kept: make it a dataclass or an array")

    def _sequence(self, value: Sequence[object]) -> Any:
        texts = tuple(each for each in value if isinstance(each, str))
        if texts and len(texts) == len(value):
            return {_TEXTS: self.texts.setdefault(texts, len(self.texts))}
        return [self.tree(each) for each in value]

    def _array(self, value: NDArray[Any]) -> int:
        if value.dtype.hasobject:
            raise TypeError("an array of objects cannot be kept")
        key = (value.tobytes(), value.dtype.str, value.shape)
        return self.arrays.setdefault(key, len(self.arrays))

    def _object(self, value: Any) -> int:
        if id(value) not in self._numbers:
            held = {each.name: self.tree(getattr(value, each.name)) for each in fields(value)}
            self.objects.append([type(value).__module__, type(value).__qualname__, held])
            self._numbers[id(value)] = len(self.objects) - 1
            self._alive.append(value)
        return self._numbers[id(value)]


class _Unpacker:
    """Makes values of JSON again, each dataclass once."""

    def __init__(
        self, objects: Sequence[Any], texts: Sequence[Sequence[str]], arrays: list[NDArray[Any]]
    ) -> None:
        self.texts = [tuple(each) for each in texts]
        self.arrays = arrays
        self.objects: list[Any] = []
        for home, name, held in objects:  # what an object holds stands before it
            made = _dataclass(home, name)
            self.objects.append(made(**{key: self.value(each) for key, each in held.items()}))

    def value(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return tuple(self.value(each) for each in tree)
        if not isinstance(tree, dict):
            return tree
        ((kind, held),) = tree.items()
        if kind == _FACTS:
            return Facts.read(held)
        if kind == _MAP:
            return {key: self.value(each) for key, each in held.items()}
        pool: Mapping[str, Sequence[Any]] = {
            _TEXTS: self.texts,
            _ARRAY: self.arrays,
            _OBJECT: self.objects,
        }
        return pool[kind][held]


def _dataclass(home: str, name: str) -> Any:
    """Raises TypeError where the dataclasses of the module ``home`` are never packed."""
    if not home.startswith(_HOMES):
        raise TypeError(f"dataclasses of {home} are never packed")
    found = getattr(import_module(home), name)
    if not (isinstance(found, type) and is_dataclass(found)):
        raise TypeError(f"{home} has no dataclass {name}")
    return found


def _arrays(heads: Sequence[Any], numbers: bytes) -> list[NDArray[Any]]:
    found, at = [], 0
    for kind, shape in heads:
        flat = np.frombuffer(numbers, np.dtype(kind), int(np.prod(shape)), at)
        found.append(flat.reshape(shape).copy())  # aligned, whatever stands before it
        at += flat.nbytes
    return found
