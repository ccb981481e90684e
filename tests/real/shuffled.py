"""SmolLM2-135M-Instruct with the numbers of each matrix in another order, as a control.

python -m tests.real.shuffled DIRECTORY
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from ppcheck.study.train import base
from tests.real.smollm2 import smollm2

SEED = 0


@torch.no_grad()
def shuffled(directory: Path) -> None:
    """Writes the model, and the tokenizer of the one that it was made from."""
    from transformers import AutoTokenizer

    file = smollm2()
    model, _ = base(str(file))
    generator = torch.Generator().manual_seed(SEED)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    model.save_pretrained(directory)
    auto: Any = AutoTokenizer
    auto.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(directory)


if __name__ == "__main__":
    shuffled(Path(sys.argv[1]))
