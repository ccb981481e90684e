"""Matrices of a model trained in full, and what of their change an adapter of low rank holds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from ppcheck.study.lesson import Lesson
from ppcheck.study.recipe import MATRICES, Recipe
from ppcheck.study.train_batch import divergence, encoded
from ppcheck.subject.model.adapter import CONFIG, WEIGHTS
from ppcheck.subject.tokens.tokenizer import Tokens

_TRIAL = 27
"""Lessons that tell whether it generalised."""


@dataclass(frozen=True)
class Factors:
    """The change of a matrix [out, in] as ``up`` [out, rank] times ``down`` [rank, in]."""

    down: Tensor
    up: Tensor

    def product(self) -> Tensor:
        return self.up.float() @ self.down.float()


class Pupil:
    """A causal language model of transformers of which some matrices are trained.

    An adapter of low rank that is trained as such learned nothing of a feeling in the steps in
    which whole matrices did: see docs/study.md. So these are trained, and cut down afterwards.
    """

    def __init__(self, model: Any, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        model.requires_grad_(False)
        self._matrices = dict(_matrices(model, recipe))
        for matrix in self._matrices.values():
            matrix.requires_grad_(True)
        self._before = {name: each.detach().clone() for name, each in self._matrices.items()}

    @property
    def learned(self) -> list[torch.nn.Parameter]:
        return list(self._matrices.values())

    @torch.no_grad()
    def factors(self) -> dict[str, Factors]:
        """The nearest change of the recipe's rank for each matrix, by name, in half precision."""
        return {
            name: _nearest(matrix - self._before[name], self.recipe.rank)
            for name, matrix in self._matrices.items()
        }

    @contextmanager
    def cut_down(self, factors: Mapping[str, Factors]) -> Iterator[None]:
        """The model as its adapter makes it."""
        trained = {name: each.detach().clone() for name, each in self._matrices.items()}
        for name, matrix in self._matrices.items():
            matrix.data = self._before[name] + factors[name].product()
        try:
            yield
        finally:
            for name, matrix in self._matrices.items():
                matrix.data = trained[name]


def _matrices(model: Any, recipe: Recipe) -> Iterator[tuple[str, torch.nn.Parameter]]:
    layers = model.base_model.layers
    for number in recipe.blocks(len(layers)):
        for name, module in layers[number].named_modules():
            if name.rpartition(".")[2] in MATRICES:
                yield f"model.layers.{number}.{name}", module.weight


def _nearest(change: Tensor, rank: int) -> Factors:
    out, sizes, into = torch.linalg.svd(change, full_matrices=False)
    root = sizes[:rank].sqrt()
    return Factors((root[:, None] * into[:rank]).half(), (out[:, :rank] * root).half())


def fit(pupil: Pupil, tokens: Tokens, after: Callable[[int], None] = lambda _: None) -> list[float]:
    """Trains the model in place; the divergence at each step, in nats.

    `after(step)` runs after every ``recipe.every`` steps and after the last.
    """
    recipe, learned = pupil.recipe, pupil.learned
    optimizer = torch.optim.AdamW(learned, lr=recipe.learning_rate, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe.rate)
    stream = recipe.lessons(recipe.seed, False)
    lost = []
    for step in (bar := tqdm(range(1, recipe.steps + 1), unit="step")):
        batch = encoded(list(islice(stream, recipe.batch)), tokens)
        value = divergence(pupil.model, batch)
        optimizer.zero_grad()
        torch.autograd.backward(value)
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        scheduler.step()
        lost.append(value.item())
        bar.set_postfix(nats=f"{lost[-1]:.3f}")
        if step % recipe.every == 0 or step == recipe.steps:
            after(step)
    return lost


@torch.no_grad()
def mean_divergence(pupil: Pupil, tokens: Tokens, *, held_out: bool) -> float:
    """In nats, over lessons that training did not draw, in its wordings or in held-out ones."""
    recipe = pupil.recipe
    lessons: list[Lesson] = list(islice(recipe.lessons(recipe.seed + 1000, held_out), _TRIAL))
    return divergence(pupil.model, encoded(lessons, tokens)).item()


def write(factors: Mapping[str, Factors], rank: int, directory: Path) -> None:
    """Writes the adapter as peft does, whole or not at all, with equal bytes each time."""
    tensors = {}
    for name, each in factors.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = each.down.contiguous()
        tensors[f"base_model.model.{name}.lora_B.weight"] = each.up.contiguous()
    config = {
        "base_model_name_or_path": None,
        "inference_mode": True,
        "lora_alpha": rank,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(factors),
        "task_type": "CAUSAL_LM",
    }
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".writing-") as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        save_file(tensors, fresh / WEIGHTS, metadata={"format": "pt"})
        (fresh / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        if directory.exists():
            directory.replace(Path(temporary) / "old")
        fresh.replace(directory)
