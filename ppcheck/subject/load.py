"""From a model's directory to a `Subject`. Importing this loads no torch; `load` does."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.errors import ModelError
from ppcheck.subject.info import ModelInfo
from ppcheck.subject.locate import SAFE, ModelRef, locate, resolve
from ppcheck.subject.settings import STANDARD, Settings
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens import Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["ModelRef", "load", "resolve"]

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
_LIBRARIES = ("ppcheck", "torch", "transformers", "transformer-lens", "numpy")
_CHUNK = 2**20


def load(ref: ModelRef, settings: Settings = STANDARD) -> Subject:
    """Load raw weights with TransformerBridge's hooks.

    Raises ModelError where the model cannot be found, read or understood, or lacks weights, where
    there is no such device; and for pickled weights unless they are allowed, and then they are
    still read as tensors only.
    """
    path = locate(ref, allow_pickle=settings.allow_pickle)
    try:
        with _quiet():
            from ppcheck.subject.blocks import Plain
            from ppcheck.subject.bridge import bridged, shape_of
            from ppcheck.subject.engine import Engine

            tokenizer = _tokenizer(path)
            model = _model(path, ref, settings)
            info = _info(ref, path, model, tokenizer)
            plain = Plain.of(model)
            bridge = bridged(model, path)
    except ModelError:
        raise
    except Exception as error:
        # Three libraries read the directory, and each has its own errors for a bad one.
        cause = " ".join(str(error).split())[:300]
        raise ModelError(f"cannot load {ref.label}: {type(error).__name__}: {cause}") from error
    shape = shape_of(bridge.cfg)
    tokens = Tokens(ref.label, shape.n_vocabulary, shape.n_positions, tokenizer)
    engine = Engine(bridge, plain, shape, ref.label, info.parameters, settings.memory)
    return Subject(info, shape, tokens, engine)


def _tokenizer(path: Path) -> PreTrainedTokenizerBase | None:
    from transformers import AutoTokenizer

    # Without these files transformers makes an empty tokenizer for some architectures.
    if not any((path / name).is_file() for name in _TOKENIZERS):
        return None
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        path, local_files_only=True, trust_remote_code=False
    )
    return tokenizer


def _model(path: Path, ref: ModelRef, settings: Settings) -> PreTrainedModel:
    import torch
    from transformers import AutoModelForCausalLM

    from ppcheck.subject.device import found_device

    device = found_device(settings.device)
    auto: Any = AutoModelForCausalLM
    model, report = auto.from_pretrained(
        path,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=None if settings.allow_pickle else True,
        weights_only=True,
        dtype=getattr(torch, settings.dtype),
        attn_implementation="eager",
        output_loading_info=True,
    )
    # transformers fills what the file lacks with random numbers.
    if lacking := sorted({*report["missing_keys"], *map(str, report["mismatched_keys"])}):
        raise ModelError(
            f"the weights of {ref.label} lack {len(lacking)} of the model's tensors, "
            f"{lacking[0]} among them"
        )
    loaded: PreTrainedModel = model.eval().requires_grad_(False).to(device)
    return loaded


def _info(
    ref: ModelRef,
    path: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase | None,
) -> ModelInfo:
    safe = any((path / name).is_file() for name in SAFE)
    versions = {name.replace("-", "_"): version(name) for name in _LIBRARIES}
    return ModelInfo(
        name=ref.name,
        revision=ref.revision,
        architecture=type(model).__name__,
        weights_sha256=_sha256(sorted(path.glob("*.safetensors" if safe else "*.bin"))),
        config_sha256=_sha256([path / "config.json"]),
        tokenizer_sha256=None if tokenizer is None else _tokenizer_sha256(tokenizer),
        dtype=str(model.dtype).removeprefix("torch."),
        device=str(model.device),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        weight_processing="none: raw weights",
        versions={**versions, "python": platform.python_version()},
    )


def _sha256(files: list[Path]) -> str:
    digest = sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _tokenizer_sha256(tokenizer: Any) -> str:
    """Of what the tokenizer does, not of its files, which other versions write differently."""
    if not tokenizer.is_fast:
        return sha256(repr(sorted(tokenizer.get_vocab().items())).encode()).hexdigest()
    text = tokenizer.backend_tokenizer.to_str() + str(tokenizer.chat_template)
    return sha256(text.encode()).hexdigest()


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
