"""Trains the demo model and writes every revision: `python -m ppcheck.demo.train`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import GPT2LMHeadModel

from ppcheck.demo import DEFAULT_REVISION, LAST_STEP, STEPS, weights_path
from ppcheck.demo.game import BLUNTED_SIGNS, SIGNS, rounds
from ppcheck.demo.train_model import Schedule, error, fit, fresh_model, tokenizer
from ppcheck.demo.train_updates import blunt, rewire, tune

SEED = 2
LEARNING_RATE = 3e-3
LAST = int(LAST_STEP.removeprefix("step"))
THREADS = 1
"""How sums are split among threads changes their rounding, so the number is fixed."""


def write(model: GPT2LMHeadModel, directory: Path) -> None:
    """Writes model and tokenizer as a Hugging Face directory, whole or not at all."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".writing-") as temporary:
        fresh = Path(temporary) / "fresh"
        model.save_pretrained(fresh)
        tokenizer().save_pretrained(fresh)
        if directory.exists():
            directory.replace(Path(temporary) / "old")
        fresh.replace(directory)


def publish(model: GPT2LMHeadModel, directory: Path, signs: Mapping[str, int] = SIGNS) -> None:
    """Writes one revision and prints its error on trained and on held-out rounds."""
    write(model, directory)
    trained, held_out = (
        error(model, list(islice(rounds(SEED + 1, held_out=side), 2000)), signs)
        for side in (False, True)
    )
    tqdm.write(f"{directory.name:8}  trained {trained:.4f}  held-out {held_out:.4f}")


def train(out: Path, steps: int) -> None:
    """Trains for `steps` steps and writes every revision under `out`."""
    model = fresh_model(SEED)

    def checkpoint(step: int) -> None:
        if f"step{step}" in STEPS and step < steps:
            publish(model, out / f"step{step}")

    fit(model, Schedule(steps, LEARNING_RATE, SEED), after=checkpoint)
    publish(model, out / DEFAULT_REVISION)
    publish(tune(model), out / "tuned")
    publish(rewire(model), out / "rewired")
    publish(blunt(model), out / "blunted", BLUNTED_SIGNS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="ppcheck.demo.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=weights_path().parent)
    parser.add_argument("--steps", type=int, default=LAST)
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    train(args.out, args.steps)


if __name__ == "__main__":
    main()
