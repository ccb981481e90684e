"""Pleasure minus pain in a model's attention, in a file by which other models are steered.

    python -m ppcheck.study.direction SPEC SET --model MODEL --out FILE

SET is a prompt set of SPEC whose variable `feeling` has the classes pain and pleasure.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from ppcheck.errors import PpcheckError, SpecError
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.survey import survey
from ppcheck.study.train import base
from ppcheck.subject.tokens.tokenizer import Tokens

BLOCK = 21
"""Whose attention brings feelings to the last token of stories in SmolLM2-135M-Instruct."""


def prompts_of(spec: Path, name: str) -> dict[str, list[Prompt]]:
    """The prompts of a set by the class of their feeling. Raises SpecError."""
    found = survey(spec, CHECKS)
    if found.problems:
        raise found.problems[0]
    if name not in found.grids:
        raise SpecError(f"{spec} has no prompt set {name}; it has {', '.join(found.grids)}")
    classes: dict[str, list[Prompt]] = {"pain": [], "pleasure": []}
    for prompt in found.grids[name].prompts:
        group = prompt.words["feeling"].label
        if group in classes:
            classes[group].append(prompt)
    return classes


@torch.no_grad()
def mean_output(model: Any, tokens: Tokens, prompts: Sequence[Prompt]) -> Tensor:
    """The mean over prompts of what the attention of BLOCK adds at the last token [d_model]."""
    asked, _ = tokens.encode(prompts)
    written: list[Tensor] = []
    attention = model.base_model.layers[BLOCK].self_attn.o_proj
    hook = attention.register_forward_hook(lambda *call: written.append(call[-1][0, -1]))
    with hook:
        for ids in asked:
            model.base_model(input_ids=torch.tensor([ids]), use_cache=False)
    return torch.stack(written).mean(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="ppcheck.study.direction", description=__doc__)
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument("name", metavar="SET")
    parser.add_argument("--model", required=True, help="as in pytest's --model")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    args = parser.parse_args()
    try:
        classes = prompts_of(args.spec, args.name)
        model, tokens = base(args.model)
        pain, pleasure = (mean_output(model, tokens, classes[x]) for x in ("pain", "pleasure"))
    except PpcheckError as error:
        sys.exit(f"error: {error}")
    save_file({f"attn_out.L{BLOCK}": pleasure - pain}, args.out)


if __name__ == "__main__":
    main()
