"""A model that says what stood after a word when the word comes again, and prompts that show it."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import torch

from tests.measure.lab import WORDS, Model, save

WIDTH = 128
WORD, PLACE, BEFORE, ANSWER = 0, len(WORDS), len(WORDS) + 24, 2 * len(WORDS) + 24
"""Where the stream has the word, its place, the word before it, and what is to be said."""
SET = """\
ppcheck: 1
title: What stood after a word comes again
prompts:
  lists:
    template: "{opening} {cue} {target} {d} {other} and {again}"
    rows: again.csv
    choices: {target: "{target}", other: "{other}"}
    pairs: {again: d}
"""
USED = [word for word in WORDS if word not in ("<unk>", ".", "and")]


def prompts(folder: Path) -> Path:
    """Sixty lists of words, of which the first comes again at the end."""
    draw = random.Random(0)
    names = ("opening", "cue", "target", "d", "other", "again")
    with (folder / "again.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(names)
        for _ in range(60):
            words = draw.sample(USED, len(names) - 1)
            rows.writerow([*words, words[1]])
    path = folder / "lists.pp.yaml"
    path.write_text(SET)
    return path


def repeating(folder: Path, *, looks_back: bool = True) -> Model:
    """L0H0 brings each token the word before it, and L1H1 finds by it what followed a word.

    Unless it ``looks_back``, L0H0 brings nothing, and the model says any word that it has seen.
    """

    def plant(model: Any) -> None:
        _plant(model)
        if not looks_back:
            model.transformer.h[0].attn.c_proj.weight.zero_()

    return save(folder, plant, width=WIDTH)


def _plant(model: Any) -> None:
    for parameter in model.parameters():
        parameter.copy_(0.01 * torch.randn_like(parameter))
    for norm in _norms(model):
        norm.weight.fill_(1)
        norm.bias.zero_()
    _ones(model.transformer.wte.weight, 0, WORD, len(WORDS))
    _ones(model.transformer.wpe.weight, 0, PLACE, 24)
    first, second = (block.attn for block in model.transformer.h)
    # From place p it asks for place p - 1.
    for place in range(1, 24):
        first.c_attn.weight[PLACE + place, place - 1] = 1
        first.c_attn.weight[PLACE + place - 1, WIDTH + place - 1] = 1
    _copies(first, 0, BEFORE)
    half = WIDTH // 2
    _ones(second.c_attn.weight, WORD, half, len(WORDS))
    _ones(second.c_attn.weight, BEFORE, WIDTH + half, len(WORDS))
    _copies(second, half, ANSWER)
    _ones(model.lm_head.weight, 0, ANSWER, len(WORDS))


def _copies(attention: Any, head: int, slot: int) -> None:
    """The head whose first dimension is ``head`` writes the words it looks at into a slot."""
    _ones(attention.c_attn.weight, WORD, 2 * WIDTH + head, len(WORDS))
    _ones(attention.c_proj.weight, head, slot, len(WORDS), 0.2)


def _ones(weight: Any, row: int, column: int, count: int, value: float = 1) -> None:
    for number in range(count):
        weight[row + number, column + number] = value


def _norms(model: Any) -> list[Any]:
    blocks = [norm for block in model.transformer.h for norm in (block.ln_1, block.ln_2)]
    return [*blocks, model.transformer.ln_f]
