"""A GGUF file: what its name and first bytes say, and where transformers reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from io import StringIO
from json import dumps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ppcheck.errors import ModelError

SUFFIX = ".gguf"
_MAGIC = b"GGUF"
_PART = re.compile(r".*-(\d{5})-of-(\d{5})\.gguf")
_MOSTLY = re.compile(r"^(MOSTLY|ALL)_")
_ORIGIN = ("_name_or_path", "_model_name_or_path", "transformers_version")
"""Keys that say where a configuration comes from, and nothing of the model."""


def check_gguf(path: Path, label: str) -> None:
    """Raises ModelError where ``path`` is no GGUF file, or a part of one."""
    if not path.is_file():
        raise ModelError(f"{label} is not a model: there is no file {path}")
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ModelError(f"{label} is not a GGUF file: it does not begin as one")
    if (part := _PART.fullmatch(path.name)) and int(part[2]) > 1:
        raise ModelError(
            f"{label} is one of {int(part[2])} parts of a GGUF file: join them with "
            "`llama-gguf-split --merge`, and give what that wrote"
        )


@dataclass(frozen=True)
class Source:
    """Where transformers reads the model at ``path``: a folder, and which GGUF file in it."""

    path: Path
    folder: Path
    file: str | None = None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What `from_pretrained` is given for it."""
        # By its whole path: it would take a file of that name in the current folder first.
        named = {} if self.file is None else {"gguf_file": str(self.folder / self.file)}
        return {"pretrained_model_name_or_path": self.folder, **named}


@contextmanager
def opened(path: Path, label: str) -> Iterator[Source]:
    """A directory or a GGUF file, the latter in a folder without any other file.

    Raises ModelError where what reads GGUF is not installed.
    """
    if path.is_dir():
        yield Source(path, path)
        return
    if find_spec("gguf") is None:
        raise ModelError(
            f"{label} is a GGUF file, and the package that reads it is not installed: "
            "pip install 'ppcheck[gguf]'"
        )
    with TemporaryDirectory(prefix="ppcheck-") as folder:
        link = Path(folder, f"model{SUFFIX}")
        link.symlink_to(path.resolve())
        with _read_once(), redirect_stderr(StringIO()):  # its progress cannot be turned off
            yield Source(path, link.parent, link.name)


@contextmanager
def _read_once() -> Iterator[None]:
    """Have transformers parse the file once, not for configuration, tokenizer and weights each."""
    import gguf

    own = {name: getattr(gguf, name) for name in ("GGUFReader", "get_tensor_name_map")}
    for name, each in own.items():
        setattr(gguf, name, cache(each))
    try:
        yield
    finally:
        for name, each in own.items():
            setattr(gguf, name, each)


def config_hash(config: Any) -> str:
    """Of the configuration that transformers makes of the file's header."""
    said = {key: value for key, value in config.to_dict().items() if key not in _ORIGIN}
    return sha256(dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def decoding() -> Mapping[str, Any]:
    """What `from_pretrained` is given so that it decodes all numbers, and leaves none packed."""
    import transformers

    config: Any = getattr(transformers, "GgufConfig", None)  # before it, all were decoded
    return {} if config is None else {"quantization_config": config(dequantize=True)}


def forget_decoding(model: Any) -> None:
    """Make the model one like any other: its numbers are decoded, and can be moved and merged."""
    model.config.architectures = [type(model).__name__]
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None


@dataclass(frozen=True)
class Header:
    """What a file says of itself; ``sizes`` are of its tensors, by their names."""

    architecture: str
    sizes: Mapping[str, int]
    quantisation: str
    rope_scaling: str | None


def header(source: Source) -> Header:
    from gguf import GGUFReader, LlamaFileType

    reader = GGUFReader(source.arguments["gguf_file"])
    stored: dict[str, int] = {}
    for tensor in reader.tensors:
        kind = tensor.tensor_type.name
        stored[kind] = stored.get(kind, 0) + int(tensor.n_elements)
    kinds = sorted(stored, key=lambda kind: -stored[kind])
    said = reader.get_field("general.file_type")
    known = {int(each): each.name for each in LlamaFileType}
    name = kinds[0] if said is None else known.get(int(said.contents()), kinds[0])
    architecture = reader.fields["general.architecture"].contents()
    scaling = reader.get_field(f"{architecture}.rope.scaling.type")
    return Header(
        architecture,
        sizes={tensor.name: int(tensor.n_elements) for tensor in reader.tensors},
        quantisation=f"{_MOSTLY.sub('', name)} (tensors in {', '.join(kinds)})",
        rope_scaling=None if scaling is None else str(scaling.contents()),
    )


def check_decoded(found: Header, model: Any, label: str) -> None:
    """Raises ModelError where transformers passed over something that the file says.

    It reports what the model lacks, and takes no notice of tensors that it does not know.
    """
    rope = getattr(model.config, "rope_parameters", None) or {}
    if found.rope_scaling not in {None, "none"} and rope.get("rope_type") in {None, "default"}:
        raise ModelError(
            f"{label} scales its rotary positions ({found.rope_scaling}), which transformers does "
            "not read from a GGUF file: give the model's directory"
        )
    if sum(found.sizes.values()) == sum(each.numel() for each in model.parameters()):
        return
    if left := sorted(found.sizes.keys() - _known(model, found)):
        raise ModelError(
            f"{type(model).__name__} has no use for {len(left)} of the tensors of {label}, "
            f"{left[0]} among them: transformers would pass over them. Give the model's directory"
        )


def _known(model: Any, found: Header) -> set[str]:
    """The tensors that transformers looks for in a GGUF file of this model."""
    from transformers import modeling_gguf_pytorch_utils as reading

    makers: Any = reading.TENSOR_PROCESSORS
    maker = makers.get(found.architecture, reading.TensorProcessor)
    try:
        return set(reading.get_gguf_hf_weights_map(model, maker(config=model.config.to_dict())))
    except NotImplementedError:
        # It has no such map for the architectures of its newer reader, which reports what is left
        # itself, and `weights.py` refuses that.
        return set(found.sizes)
