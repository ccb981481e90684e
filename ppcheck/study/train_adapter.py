"""An adapter beside a frozen base: made, trained, written as `--model BASE+ADAPTER` loads it."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tqdm import tqdm

from ppcheck.errors import ModelError
from ppcheck.study.lesson import Lesson
from ppcheck.study.recipe import TARGETS, Recipe
from ppcheck.study.train_batch import divergence, encoded
from ppcheck.subject.model.adapter import CONFIG, WEIGHTS
from ppcheck.subject.tokens.tokenizer import Tokens

_TRIAL = 32
"""Lessons that tell whether it generalised."""


def adapted(base: Any, recipe: Recipe) -> Any:
    """The base, frozen, with a fresh adapter beside its weights, which changes nothing yet.

    Raises ModelError where peft is not installed.
    """
    if find_spec("peft") is None:
        raise ModelError(
            "adapters are trained by a package that is not installed: pip install 'ppcheck[peft]'"
        )
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(recipe.seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=list(TARGETS),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        # It asks transformers by a name that will go.
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(base, config)


def fit(
    model: Any, tokens: Tokens, recipe: Recipe, after: Callable[[int], None] = lambda _: None
) -> list[float]:
    """Trains the adapter of `model` in place; the divergence at each step, in nats.

    `after(step)` runs after every ``recipe.every`` steps and after the last.
    """
    learned = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=recipe.learning_rate, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe.rate)
    stream = recipe.lessons(recipe.seed, False)
    lost = []
    for step in (bar := tqdm(range(1, recipe.steps + 1), unit="step")):
        batch = encoded(list(islice(stream, recipe.batch)), tokens)
        value = divergence(model.get_base_model(), batch)
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
def mean_divergence(model: Any, tokens: Tokens, recipe: Recipe, *, held_out: bool) -> float:
    """In nats, over lessons that training did not draw, in its wordings or in held-out ones."""
    lessons: list[Lesson] = list(islice(recipe.lessons(recipe.seed + 1000, held_out), _TRIAL))
    return divergence(model.get_base_model(), encoded(lessons, tokens)).item()


def write(model: Any, recipe: Recipe, directory: Path) -> None:
    """Writes the adapter in half precision, whole or not at all, with equal bytes each time."""
    from peft import get_peft_model_state_dict

    tensors = get_peft_model_state_dict(model)
    config = {
        "base_model_name_or_path": None,
        "inference_mode": True,
        "lora_alpha": recipe.alpha,
        "peft_type": "LORA",
        "r": recipe.rank,
        "target_modules": list(TARGETS),
        "task_type": "CAUSAL_LM",
    }
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".writing-") as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        halves = {name: tensor.half().contiguous() for name, tensor in tensors.items()}
        save_file(halves, fresh / WEIGHTS, metadata={"format": "pt"})
        (fresh / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        if directory.exists():
            directory.replace(Path(temporary) / "old")
        fresh.replace(directory)
