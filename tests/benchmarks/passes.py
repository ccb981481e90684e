"""A pytest plugin that counts forward passes of models, into the file that PASSES names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

COUNT = [0]


def pytest_configure() -> None:
    from torch.nn.modules.module import register_module_forward_pre_hook
    from transformers import PreTrainedModel

    def count(module: Any, _args: Any) -> None:
        COUNT[0] += isinstance(module, PreTrainedModel)

    register_module_forward_pre_hook(count)


def pytest_unconfigure() -> None:
    Path(os.environ["PASSES"]).write_text(str(COUNT[0]), encoding="ascii")
