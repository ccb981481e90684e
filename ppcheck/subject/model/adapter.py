"""A PEFT adapter on disk: which base it names, and which files it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppcheck.errors import ModelError
from ppcheck.subject.model.files import PICKLED, SAFE

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_TASK = "CAUSAL_LM"


@dataclass(frozen=True)
class Adapter:
    """``base`` and ``revision`` are those that its configuration names, None where it does not."""

    path: Path
    base: str | None
    revision: str | None

    @property
    def files(self) -> list[Path]:
        """All that is read of it."""
        return [self.path / CONFIG, self.path / WEIGHTS]


def is_adapter(path: Path) -> bool:
    """Whether the directory holds an adapter, and no weights of a whole model."""
    whole = (path / name for name in (*SAFE, *PICKLED))
    return (path / CONFIG).is_file() and not any(file.is_file() for file in whole)


def read_adapter(path: Path, label: str) -> Adapter:
    """Raises ModelError where it is none, of another task, or not in safetensors."""
    if not path.is_dir():
        raise ModelError(f"{label} is not an adapter: there is no directory {path}")
    if not (path / CONFIG).is_file():
        raise ModelError(f"{label} is not an adapter: {path} holds no {CONFIG}")
    if not (path / WEIGHTS).is_file():
        if any(path.glob("adapter_model.*")):
            raise ModelError(
                f"the adapter {label} has only pickled weights, and a pickle can run code: save it "
                f"with peft's `save_pretrained`, which writes {WEIGHTS}"
            )
        raise ModelError(f"the adapter {label} has no weights: {path} holds no {WEIGHTS}")
    config = _config(path / CONFIG, label)
    task = config.get("task_type")
    if task not in {None, _TASK}:
        raise ModelError(
            f"the adapter {label} is not one of a causal language model: its {CONFIG} says "
            f"task_type {task}, and {_TASK} would be right"
        )
    return Adapter(path, config.get("base_model_name_or_path"), config.get("revision"))


def _config(file: Path, label: str) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"cannot read {CONFIG} of the adapter {label}: {error}") from None
    texts = ("base_model_name_or_path", "revision", "task_type", "peft_type")
    if not isinstance(config, dict) or not all(
        isinstance(config.get(key), str | None) for key in texts
    ):
        raise ModelError(f"{CONFIG} of the adapter {label} is not what peft writes")
    return config
