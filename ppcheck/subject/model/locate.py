"""Models by name: the embedded demo, a directory, a GGUF file, an adapter, or the hub."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ppcheck.demo import weights_path
from ppcheck.errors import ModelError
from ppcheck.subject.model.adapter import Adapter, is_adapter, read_adapter
from ppcheck.subject.model.files import check_model
from ppcheck.subject.model.gguf import SUFFIX

DEMO = "demo"
PLUS = "+"
_PATTERNS = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_FILES = {".bin", ".ckpt", ".json", ".pt", ".pth", ".safetensors"}
_TIMEOUT = 5.0


@dataclass(frozen=True)
class ModelRef:
    """Which model is meant. ``path`` is its directory or GGUF file, None for one of the hub.

    Of an adapter ``path`` is the adapter's directory, and ``base`` what it is merged into.
    """

    name: str
    revision: str | None
    path: Path | None
    label: str
    base: ModelRef | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What a spec may call the model: with and without revision, or its folder's name.

        A spec about the base of an adapter is about the two together, too.
        """
        of_base = () if self.base is None else self.base.names
        own = (self.label, self.name, Path(self.name).name)
        return tuple(dict.fromkeys((*own, *of_base)))

    @property
    def paths(self) -> tuple[Path, ...]:
        """All that lies on this disk before anything is downloaded."""
        of_base = () if self.base is None else self.base.paths
        return of_base if self.path is None else (*of_base, self.path)


def resolve(name: str, revision: str | None = None, folder: Path = Path()) -> ModelRef:
    """`demo`, `demo@tuned`, a path, `BASE+ADAPTER`, or a name on the hub such as `gpt2@main`.

    A path is that of a model's directory, of a GGUF file, or of an adapter, whose base is then the
    one that it names. A directory that is called like a model of the hub comes first; `./demo` is a
    directory. One that is relative is looked for in ``folder``, and labelled as seen from this
    process. Raises ModelError for an unknown revision of the demo, and for a path that holds no
    model.
    """
    if parts := split(name, folder):
        base = _whole(parts[0], revision, folder)
        path = _path(parts[1], folder)
        read_adapter(path, parts[1])
        label = name if folder == Path() else f"{base.label}{PLUS}{path}"
        return ModelRef(label, base.revision, path, label, base)
    path = _path(name, folder)
    if name == DEMO or not is_adapter(path):
        return _whole(name, revision, folder)
    _check_no_revision(name, revision)
    label = name if folder == Path() else str(path)
    return ModelRef(label, None, path, label, _named_base(read_adapter(path, name), label, folder))


def split(name: str, folder: Path = Path()) -> tuple[str, str] | None:
    """The two names in `BASE+ADAPTER`; None where there is no +, or a path is called so.

    Where there are several + it is the first after which a directory is named.
    """
    if PLUS not in name or _path(name, folder).exists():
        return None
    cuts = [place for place, letter in enumerate(name) if letter == PLUS]
    there = [cut for cut in cuts if name[cut + 1 :] and _path(name[cut + 1 :], folder).is_dir()]
    cut = there[0] if there else cuts[-1]
    base, adapter = name[:cut], name[cut + 1 :]
    if not base or not adapter:
        raise ModelError(
            f"{name} is not BASE+ADAPTER: write a model before the +, and after it "
            "the directory of an adapter"
        )
    return base, adapter


def _path(name: str, folder: Path) -> Path:
    return folder / Path(name).expanduser()


def _whole(name: str, revision: str | None, folder: Path) -> ModelRef:
    """A model that is not an adapter."""
    path = _path(name, folder)
    is_path = name.startswith((".", "/", "~")) or path.suffix == SUFFIX
    is_file = path.suffix in _FILES and path.is_file()
    if is_path or is_file or (path.is_dir() and name != DEMO):
        if is_adapter(path):
            raise ModelError(
                f"{name} is an adapter, and an adapter needs a whole model as its base: merge it "
                "with peft (`merge_and_unload`, then `save_pretrained`) and give what that saved"
            )
        check_model(path, name, allow_pickle=True)
        _check_no_revision(name, revision)
        label = name if folder == Path() else str(path)
        return ModelRef(label, None, path, label)
    base, at, written = name.partition("@")
    if at and not written:
        raise ModelError(f"{name} names no revision: write it after the @, or leave the @ out")
    revision = revision or written or None
    label = f"{base}@{revision}" if revision else base
    demo = weights_path(revision) if base == DEMO else None
    if demo is not None:
        check_model(demo, label, allow_pickle=False)
    return ModelRef(base, revision, demo, label)


def _check_no_revision(name: str, revision: str | None) -> None:
    if revision is not None:
        raise ModelError(f"{name} is on disk and has no revision {revision!r}")


def _named_base(adapter: Adapter, label: str, folder: Path) -> ModelRef:
    """The base that an adapter names: a path as seen from ``folder`` or from it, or on the hub."""
    advice = f"name its base yourself: --model BASE{PLUS}{label}"
    if not adapter.base:
        raise ModelError(f"the adapter {label} names no base: {advice}")
    folders = [each for each in (folder, adapter.path) if _path(adapter.base, each).exists()]
    try:
        if folders:
            return _whole(adapter.base, None, folders[0])
        return _whole(adapter.base, adapter.revision, folder)
    except ModelError as error:
        raise ModelError(
            f"the base of the adapter {label} is not to be had: {error}; {advice}"
        ) from None


def locate(ref: ModelRef, *, allow_pickle: bool) -> Path:
    """The directory or file of the model, of an adapter its base's; downloaded where it must be.

    Raises ModelError where there is none, or it lacks weights in a format that is allowed.
    """
    if ref.base is not None:
        try:
            return locate(ref.base, allow_pickle=allow_pickle)
        except ModelError as error:
            raise ModelError(
                f"{error}. It is the base of {ref.label}; to name another: --model BASE+ADAPTER"
            ) from None
    if ref.path is None:
        return _fetch(ref, allow_pickle=allow_pickle)
    check_model(ref.path, ref.label, allow_pickle=allow_pickle)
    return ref.path


def on_disk(ref: ModelRef, *, allow_pickle: bool) -> tuple[Path, ...] | None:
    """The directories and files that it would be loaded from; None where it would be downloaded.

    A model of the hub that is whole in the cache is taken from there, and the hub is not asked.
    """
    if ref.path is not None:
        base = () if ref.base is None else on_disk(ref.base, allow_pickle=allow_pickle)
        return None if base is None else (*base, ref.path)
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return (_snapshot(ref, only_cache=True, allow_pickle=allow_pickle),)
    except (LocalEntryNotFoundError, HFValidationError, ModelError):
        return None


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
    check_model(Path(path), ref.label, allow_pickle=allow_pickle)
    return Path(path)
