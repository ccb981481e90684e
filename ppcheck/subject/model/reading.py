"""A model out of its files, and what a record says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.errors import ModelError
from ppcheck.subject.model.adapter import Adapter
from ppcheck.subject.model.config import check_config, quantisation
from ppcheck.subject.model.files import file_hash
from ppcheck.subject.model.gguf import Header, Source, check_decoded, config_hash, header
from ppcheck.subject.model.settings import STANDARD, Settings
from ppcheck.subject.model.weights import loaded

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Read:
    """``files`` are all that were read, ``libraries`` what read them beside the usual ones."""

    model: PreTrainedModel
    files: tuple[Path, ...]
    config_sha256: str
    quantisation: str | None = None
    processing: str = "none: raw weights"
    libraries: tuple[str, ...] = ()


def read_model(
    source: Source, files: Sequence[Path], settings: Settings, label: str, adapter: Adapter | None
) -> Read:
    """The model at ``source``, whose weights are in ``files``, with the adapter merged into it.

    Raises ModelError where files, configuration and adapter do not belong together.
    """
    if adapter is None:
        return _read(source, files, settings, label)
    from ppcheck.subject.model.merge import merged

    # It is merged in the standard precision, whatever is asked for afterwards.
    base = _read(source, files, replace(settings, dtype=STANDARD.dtype), f"the base of {label}")
    if base.quantisation is not None and source.file is None:
        raise ModelError(
            f"the base of {label} is quantised ({base.quantisation}), and nothing can be merged "
            "into that: give the base as it was before, as BASE+ADAPTER"
        )
    return replace(
        base,
        model=merged(base.model, adapter, settings.dtype, label),
        files=(*base.files, *adapter.files),
        processing=f"{base.processing}; adapter merged in {STANDARD.dtype}",
        libraries=(*base.libraries, "peft"),
    )


def _read(source: Source, files: Sequence[Path], settings: Settings, label: str) -> Read:
    config = check_config(source, label)
    quantised = quantisation(config, label)
    # Some configurations have files of their own that transformers reads beside the usual ones.
    extra = (source.folder / name for name in getattr(type(config), "extra_files", ()))
    read = (*files, *(file for file in extra if file.is_file()))
    if source.file is not None:
        return _decoded(config, header(source), source, settings, label)
    model = loaded(source, read, label, settings, quantised)
    found = Read(model, read, file_hash([source.folder / "config.json"]))
    if quantised is None:
        return found
    return replace(found, quantisation=quantised, processing=f"quantised: {quantised}")


def _decoded(config: Any, found: Header, source: Source, settings: Settings, label: str) -> Read:
    model = loaded(source, [source.path], label, settings, None)
    check_decoded(found, model, label)
    processing = f"decoded: {found.quantisation}"
    hashed = config_hash(config)
    return Read(model, (source.path,), hashed, found.quantisation, processing, ("gguf",))
