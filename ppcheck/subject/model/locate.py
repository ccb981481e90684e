"""Models by name: the embedded demo, a local directory, or the Hugging Face hub."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ppcheck.demo import weights_path
from ppcheck.errors import ModelError
from ppcheck.subject.model.files import check_directory

DEMO = "demo"
_PATTERNS = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_FILES = {".bin", ".ckpt", ".gguf", ".json", ".pt", ".pth", ".safetensors"}
_TIMEOUT = 5.0


@dataclass(frozen=True)
class ModelRef:
    """Which model is meant. ``path`` is its local directory, None for one of the hub."""

    name: str
    revision: str | None
    path: Path | None
    label: str

    @property
    def names(self) -> tuple[str, ...]:
        """What a spec may call the model: with and without revision, or its folder's name."""
        return tuple(dict.fromkeys((self.label, self.name, Path(self.name).name)))


def resolve(name: str, revision: str | None = None, folder: Path = Path()) -> ModelRef:
    """`demo`, `demo@tuned`, a local directory, or a name on the hub such as `gpt2@main`.

    A directory that is called like a model of the hub comes first; `./demo` is a directory. One
    that is relative is looked for in ``folder``, and labelled as seen from this process. Raises
    ModelError for an unknown revision of the demo, and for a directory that holds no model.
    """
    path = folder / Path(name).expanduser()
    is_path = name.startswith((".", "/", "~"))
    is_file = path.suffix in _FILES and path.is_file()
    if is_path or is_file or (path.is_dir() and name != DEMO):
        check_directory(path, name, allow_pickle=True)
        if revision is not None:
            raise ModelError(f"{name} is a directory and has no revision {revision!r}")
        label = name if is_file or folder == Path() else str(path)
        return ModelRef(label, None, path, label)
    base, at, written = name.partition("@")
    if at and not written:
        raise ModelError(f"{name} names no revision: write it after the @, or leave the @ out")
    revision = revision or written or None
    label = f"{base}@{revision}" if revision else base
    demo = weights_path(revision) if base == DEMO else None
    if demo is not None:
        check_directory(demo, label, allow_pickle=False)
    return ModelRef(base, revision, demo, label)


def locate(ref: ModelRef, *, allow_pickle: bool) -> Path:
    """The directory that holds the model, downloaded where it is a hub's and not in the cache.

    Raises ModelError where there is none, or it lacks weights in a format that is allowed.
    """
    if ref.path is None:
        return _fetch(ref, allow_pickle=allow_pickle)
    check_directory(ref.path, ref.label, allow_pickle=allow_pickle)
    return ref.path


def _fetch(ref: ModelRef, *, allow_pickle: bool) -> Path:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    lacking: ModelError | None = None
    try:
        return _snapshot(ref, only_cache=True, allow_pickle=allow_pickle)
    except (LocalEntryNotFoundError, HFValidationError):
        pass
    except ModelError as error:
        lacking = error  # part of the model is in the cache; the hub may have the rest
    try:
        # The download itself waits for ever for a hub that does not answer.
        HfApi().model_info(ref.name, revision=ref.revision, timeout=_TIMEOUT)
        return _snapshot(ref, only_cache=False, allow_pickle=allow_pickle)
    except ModelError:
        raise
    except Exception as error:
        cause = str(error).strip().split("\n")[0]
        if lacking is not None:
            raise ModelError(
                f"{lacking}. That is what the cache holds, and the rest is not to be had from the "
                f"hub at revision {ref.revision or 'main'} ({cause})"
            ) from error
        meant = " Did you mean demo?" if get_close_matches(ref.name, [DEMO]) else ""
        raise ModelError(
            f"{ref.label} is neither in the cache nor to be had from the hub at revision "
            f"{ref.revision or 'main'} ({cause}).{meant} "
            "For a model on disk give its directory: ./path/to/it"
        ) from error


def _snapshot(ref: ModelRef, *, only_cache: bool, allow_pickle: bool) -> Path:
    from huggingface_hub import snapshot_download

    path = snapshot_download(
        ref.name,
        revision=ref.revision,
        allow_patterns=[*_PATTERNS, *(["*.bin"] if allow_pickle else [])],
        ignore_patterns=["*/*"],
        local_files_only=only_cache,
    )
    check_directory(Path(path), ref.label, allow_pickle=allow_pickle)
    return Path(path)
