"""Where a model's sites are: which end of which of its modules carries each of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.model.info import Shape

if TYPE_CHECKING:
    from torch import Tensor

SHIPPED = Path(__file__).with_name("site_maps")
"""Maps of models whose directories come with ppcheck, by the hash of their configuration."""
_LIBRARIES = ("ppcheck", "transformers", "transformer-lens")


class End(StrEnum):
    """Which tensor of a module: its input, its output, or the attention weights beside that.

    Attention weights can be read and not written: the module has used them when it shows them.
    """

    INPUT = "input"
    OUTPUT = "output"
    WEIGHTS = "weights"


@dataclass(frozen=True)
class Place:
    """One end of the module of this name; a ``third`` of it, where q, k and v are joint."""

    module: str
    end: End
    third: int | None = None

    def part(self, tensor: Tensor) -> Tensor:
        """What of the module's tensor [..., width] is meant."""
        if self.third is None:
            return tensor
        width = tensor.shape[-1] // 3
        return tensor[..., self.third * width : (self.third + 1) * width]

    def replaced(self, tensor: Tensor, part: Tensor) -> Tensor:
        """The module's tensor with another part, of any shape."""
        if self.third is None:
            return part.reshape(tensor.shape)
        tensor = tensor.clone()
        own = self.part(tensor)
        own.copy_(part.reshape(own.shape))
        return tensor


@dataclass(frozen=True)
class SiteMap:
    """Names of a model's modules, None for one that it does not have.

    Tuples have an entry for each block. ``norms`` are what attention's output goes through before
    it is added to the stream. ``sites`` maps the hook of each site that the model has (see
    `Site.hook`) to its place, None where only TransformerLens's own code computes it.
    """

    shape: Shape
    blocks: tuple[str | None, ...]
    attentions: tuple[str | None, ...]
    norms: tuple[str | None, ...]
    embedding: str | None
    final_norm: str | None
    unembedding: str | None
    sites: Mapping[str, Place | None]

    def fits(self, model: Any) -> bool:
        """Whether the model has every module that is named."""
        ends = (self.embedding, self.final_norm, self.unembedding)
        places = (place.module for place in self.sites.values() if place is not None)
        named = {*self.blocks, *self.attentions, *self.norms, *ends, *places}
        return {name for name, _ in model.named_modules()} >= named - {None}


def known_map(config_sha256: str) -> SiteMap | None:
    """The map of a model with this configuration, shipped or kept by `keep_map`."""
    for path in (SHIPPED / f"{config_sha256}.json", _kept(config_sha256)):
        # A file that is damaged counts as none: the map is then made again.
        with suppress(OSError, ValidationError):
            return _adapter().validate_json(path.read_bytes())
    return None


def keep_map(config_sha256: str, found: SiteMap) -> None:
    """Keep a map for later processes, where the folder for it can be written."""
    path = _kept(config_sha256)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(as_json(found))
        Path(file.name).replace(path)


def as_json(found: SiteMap) -> bytes:
    return _adapter().dump_json(found, indent=1) + b"\n"


def _kept(config_sha256: str) -> Path:
    """`$XDG_CACHE_HOME/ppcheck/site-maps`, by configuration, libraries and the code of maps."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    code = [path.read_text(encoding="utf-8") for path in _sources()]
    name = digest(config_sha256, [version(library) for library in _LIBRARIES], code)
    return home / "ppcheck" / "site-maps" / f"{name}.json"


def _sources() -> tuple[Path, ...]:
    here = Path(__file__)
    return here, here.with_name("bridge.py"), here.parents[1] / "engine" / "mapping.py"


@cache
def _adapter() -> TypeAdapter[SiteMap]:
    return TypeAdapter(SiteMap)
