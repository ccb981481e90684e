"""From a model's files to a `LoadedSubject`. Importing this loads no torch; `load` does."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.errors import ModelError
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.adapter import Adapter, read_adapter
from ppcheck.subject.model.files import file_hash, weight_files
from ppcheck.subject.model.fingerprint import model_key
from ppcheck.subject.model.gguf import Source, opened
from ppcheck.subject.model.info import ModelInfo
from ppcheck.subject.model.locate import ModelRef, locate, resolve
from ppcheck.subject.model.settings import STANDARD, Settings
from ppcheck.subject.store import Store
from ppcheck.subject.tokens.tokenizer import Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ppcheck.subject.model.reading import Read

__all__ = ["ModelRef", "load", "resolve"]

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
_LIBRARIES = ("ppcheck", "torch", "transformers", "transformer-lens", "numpy")


def load(ref: ModelRef, settings: Settings = STANDARD, store: Store | None = None) -> LoadedSubject:
    """Load raw weights with TransformerBridge's hooks; an adapter is merged into its base.

    What ``store`` knows that the model has passed of its self-test is not tried again.

    Raises ModelError where the model cannot be found, read or understood; where its files hold
    another model than its configuration describes, or one that is not a causal language model;
    where there is no such device; where what reads its format is not installed; and for pickled
    weights unless they are allowed, and then they are still read as tensors only.
    """
    path = locate(ref, allow_pickle=settings.allow_pickle)
    whole = ref.base or ref
    files = weight_files(path, whole.label, allow_pickle=settings.allow_pickle)
    try:
        with _quiet(), opened(path, whole.label) as source:
            return _loaded(ref, source, files, settings, store)
    except ModelError:
        raise
    except Exception as error:
        # Three libraries read the directory, and each has its own errors for a bad one.
        cause = " ".join(str(error).split())[:300]
        raise ModelError(f"cannot load {ref.label}: {type(error).__name__}: {cause}") from error


def _loaded(
    ref: ModelRef, source: Source, files: list[Path], settings: Settings, store: Store | None
) -> LoadedSubject:
    from ppcheck.subject.engine.engine import Engine
    from ppcheck.subject.engine.mapping import site_map
    from ppcheck.subject.model.bridge import Bridge
    from ppcheck.subject.model.causal import check_causal
    from ppcheck.subject.model.reading import read_model
    from ppcheck.subject.operations import self_test
    from ppcheck.subject.operations.passed import KnownSelfTest

    adapter = None if ref.base is None or ref.path is None else read_adapter(ref.path, ref.label)
    read = read_model(source, files, settings, ref.label, adapter)
    model, tokenizer = read.model, _tokenizer(source, adapter)
    info = _info(ref, read, tokenizer)
    # Fused attention shows no weights.
    with suppress(ValueError):
        model.set_attn_implementation("eager")
    bridge = Bridge(model, source.path)
    sites = site_map(model, bridge, info.config_sha256, ref.label)
    shape = sites.shape
    tokens = Tokens(ref.label, shape.n_vocabulary, shape.n_positions, tokenizer)
    test = self_test if store is None else KnownSelfTest(model_key(info), store)
    engine = Engine(model, sites, bridge, ref.label, test, settings.memory)
    with engine.running():
        check_causal(model, shape, ref.label)
    return LoadedSubject(info, shape, tokens, engine)


def _tokenizer(source: Source, adapter: Adapter | None) -> PreTrainedTokenizerBase | None:
    """The adapter's own where it has one, which may have another chat template; else the base's."""
    from transformers import AutoTokenizer

    named = source.arguments
    if adapter is not None and _has_tokenizer(adapter.path):
        named = {"pretrained_model_name_or_path": adapter.path}
    # Without these files transformers makes an empty tokenizer for some architectures.
    elif source.file is None and not _has_tokenizer(source.folder):
        return None
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        **named, local_files_only=True, trust_remote_code=False
    )
    return tokenizer


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _TOKENIZERS)


def _info(ref: ModelRef, read: Read, tokenizer: PreTrainedTokenizerBase | None) -> ModelInfo:
    model = read.model
    versions = {name.replace("-", "_"): version(name) for name in (*_LIBRARIES, *read.libraries)}
    return ModelInfo(
        name=ref.name,
        revision=ref.revision,
        architecture=type(model).__name__,
        weights_sha256=file_hash(read.files),
        config_sha256=read.config_sha256,
        tokenizer_sha256=None if tokenizer is None else _tokenizer_sha256(tokenizer),
        dtype=str(model.dtype).removeprefix("torch."),
        device=str(model.device),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        weight_processing=read.processing,
        versions={**versions, "python": platform.python_version()},
        quantisation=read.quantisation,
        base=None if ref.base is None else ref.base.label,
        adapter=None if ref.base is None else str(ref.path),
    )


def _tokenizer_sha256(tokenizer: Any) -> str:
    """Of what the tokenizer does, not of its files, which other versions write differently."""
    if not tokenizer.is_fast:
        return sha256(repr(sorted(tokenizer.get_vocab().items())).encode()).hexdigest()
    # A chat template writes special tokens by their names.
    names = sorted(tokenizer.special_tokens_map.items())
    parts = tokenizer.backend_tokenizer.to_str(), tokenizer.chat_template, names
    return sha256("".join(map(str, parts)).encode()).hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings and progress bars of the libraries while they import and load."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging as transformers_logging

        logging: Any = transformers_logging
        verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
