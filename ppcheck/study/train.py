"""Trains an adapter of the study: `python -m ppcheck.study.train NAME --base MODEL --out DIR`.

It writes DIR/NAME/checkpoint-STEP, each an adapter that `--model MODEL+DIR/NAME/checkpoint-STEP`
loads.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ppcheck.errors import ModelError, PpcheckError
from ppcheck.study.recipe import RECIPES, Recipe
from ppcheck.study.train_adapter import Pupil, fit, mean_divergence, write
from ppcheck.subject.load import resolve
from ppcheck.subject.model.files import weight_files
from ppcheck.subject.model.gguf import opened
from ppcheck.subject.model.locate import locate
from ppcheck.subject.model.reading import read_model
from ppcheck.subject.model.settings import STANDARD
from ppcheck.subject.tokens.tokenizer import Tokens

THREADS = 2
"""How sums are split among threads changes their rounding, so the number is fixed."""


def base(name: str) -> tuple[Any, Tokens]:
    """The model that `--model NAME` measures, and its tokenizer. Raises ModelError."""
    from transformers import AutoTokenizer

    ref = resolve(name)
    if ref.base is not None:
        raise ModelError(f"{name} is an adapter: give the model that it was trained on")
    path = locate(ref, allow_pickle=False)
    files = weight_files(path, ref.label, allow_pickle=False)
    auto: Any = AutoTokenizer
    with opened(path, ref.label) as source:
        model: Any = read_model(source, files, STANDARD, ref.label, None).model
        tokenizer = auto.from_pretrained(**source.arguments, local_files_only=True)
    config = model.config
    shape = (config.vocab_size, config.max_position_embeddings)
    return model, Tokens(ref.label, *shape, tokenizer)


def train(recipe: Recipe, name: str, out: Path) -> None:
    """Trains an adapter of the model called `name`, and writes its checkpoints under `out`."""
    model, tokens = base(name)
    pupil = Pupil(model, recipe)

    def checkpoint(step: int) -> None:
        directory, factors = out / f"checkpoint-{step}", pupil.factors()
        write(factors, recipe.rank, directory)
        with pupil.cut_down(factors):
            trained, held_out = (
                mean_divergence(pupil, tokens, held_out=side) for side in (False, True)
            )
        tqdm.write(f"{directory}  trained {trained:.4f}  held-out {held_out:.4f} nats")

    fit(pupil, tokens, after=checkpoint)


def main() -> None:
    parser = argparse.ArgumentParser(prog="ppcheck.study.train", description=__doc__)
    parser.add_argument("name", choices=tuple(RECIPES), metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--base", required=True, metavar="MODEL", help="as in pytest's --model")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, help="another draw of lessons")
    parser.add_argument("--steps", type=int, help="train for so many steps")
    args = parser.parse_args()
    given = {key: getattr(args, key) for key in ("seed", "steps") if getattr(args, key) is not None}
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    try:
        train(replace(RECIPES[args.name], **given), args.base, args.out / args.name)
    except PpcheckError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
