"""The files of a model's directory: which of them are read, and which must not lie beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from ppcheck.errors import ModelError
from ppcheck.subject.model.gguf import SUFFIX, check_gguf

SAFE = ("model.safetensors", "model.safetensors.index.json")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_ADAPTER = re.compile(r"adapter_config\.json|adapter_model\..*")
_DISTRIBUTED = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors")
_CHUNK = 2**20


def check_model(path: Path, label: str, *, allow_pickle: bool) -> None:
    """Raises ModelError where ``path`` holds no model, or more than one could mean by it."""
    if path.suffix == SUFFIX and not path.is_dir():
        check_gguf(path, label)
        return
    if path.is_file():
        raise ModelError(f"{label} is a file: {_advice(path)}")
    if not path.is_dir():
        raise ModelError(f"{label} is not a model: there is no directory {path}")
    held = {file.name for file in path.iterdir()}
    if adapter := sorted(filter(_ADAPTER.fullmatch, held)):
        if held.isdisjoint({*SAFE, *PICKLED}):
            raise ModelError(f"{label} is an adapter: download it, and give its directory")
        raise ModelError(
            f"{label} holds an adapter ({', '.join(adapter)}) beside a model, which would not be "
            f"applied: move it to a directory of its own and write {label}+ADAPTER, or take these "
            "files away to measure the base alone"
        )
    if "config.json" not in held:
        files = sorted(name for name in held if name.endswith(SUFFIX))
        meant = f"; give one of its GGUF files: {path / files[0]}" if files else ""
        raise ModelError(f"{label} is not a model: {path} holds no config.json{meant}")
    weight_files(path, label, allow_pickle=allow_pickle)


def weight_files(path: Path, label: str, *, allow_pickle: bool) -> list[Path]:
    """All files from which the weights are read, the index of shards among them, in this order.

    Of a GGUF file it is that file. A link is followed, as in the hub's cache: what it leads to is
    what is read and hashed. Raises ModelError where there are none that may be read, where it is
    not clear which are meant, and where the index names a file that is not in the directory itself.
    """
    if path.is_file():
        return [path]
    held = {file.name for file in path.iterdir()}
    if parts := sorted(filter(_DISTRIBUTED.fullmatch, held)):
        # transformers would read these and pass over all others.
        raise ModelError(
            f"{label} holds a distributed checkpoint ({parts[0]}): save it with `save_pretrained`"
        )
    names = SAFE
    if held.isdisjoint(SAFE):
        if held.isdisjoint(PICKLED):
            raise ModelError(f"{label} has no weights: {path} holds no {SAFE[0]}")
        if not allow_pickle:
            raise ModelError(
                f"{label} has only pickled weights, and a pickle can run code: save it as "
                "safetensors, or allow it with --ppcheck-allow-pickle"
            )
        names = PICKLED
    whole, index = names
    if index not in held:
        return [path / whole]
    shards = _shards(path / index, label)
    if whole in held and shards != [path / whole]:
        raise ModelError(
            f"{label} has its weights twice, in {whole} and in the shards of {index}: "
            "take away the one that is not meant"
        )
    return [path / index, *shards]


def file_hash(files: Iterable[Path]) -> str:
    """SHA-256 over the bytes of these files, one after the other."""
    digest = sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _shards(index: Path, label: str) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{label} has no weights: {index} is not an index of shards") from None
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise ModelError(
                f"{label} has weights elsewhere: {index.name} names {name!r}, and a shard must lie "
                f"in {index.parent} itself"
            )
        if index.name in SAFE and not name.endswith(".safetensors"):
            raise ModelError(f"{label} has weights in {name}, which is not a safetensors file")
        if not (index.parent / name).is_file():
            raise ModelError(f"{label} lacks weights: {index.name} names {name}, which is missing")
    return [index.parent / name for name in names]


def _advice(path: Path) -> str:
    if path.name in (*SAFE, *PICKLED, "config.json"):
        return f"give its directory, {path.parent}"
    return (
        f"give a directory that holds config.json and {SAFE[0]}, as transformers' "
        "`save_pretrained` writes it, or a GGUF file"
    )
