from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from ppcheck.arrays import Floats
from ppcheck.errors import ModelError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.study import train_adapter
from ppcheck.study.recipe import RECIPES, Recipe
from ppcheck.study.train import base
from ppcheck.study.train_adapter import adapted, fit, mean_divergence, write
from ppcheck.study.train_batch import divergence, encoded
from ppcheck.subject.load import load, resolve

WEIGHTS = "adapter_model.safetensors"
MB = 1_000_000


@pytest.fixture(autouse=True, scope="module")
def _peft() -> None:
    pytest.importorskip("peft", reason="needs the package peft: ppcheck[peft]")


def trained(tiny: Path, recipe: Recipe, out: Path) -> list[float]:
    """Writes its checkpoints to `out`, and gives the divergence at each step."""
    whole, tokens = base(str(tiny))
    model = adapted(whole, recipe)
    return fit(
        model, tokens, recipe, after=lambda step: write(model, recipe, out / f"checkpoint-{step}")
    )


@pytest.fixture(scope="module")
def run(tiny: Path, quick: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of one training."""
    out = tmp_path_factory.mktemp("run")
    trained(tiny, quick, out)
    return out


def log_probs(model: str) -> Floats:
    """What a model that ppcheck loads says after a question."""
    subject = load(resolve(model))
    turns = (Turn((Piece("Which button?"),), "user"),)
    asked = subject.encode([Prompt("chat", turns, {}, "", {}, "")])
    return np.asarray(subject.log_distribution(asked))


def test_a_fresh_adapter_changes_nothing(tiny: Path, quick: Recipe) -> None:
    whole, tokens = base(str(tiny))
    batch = encoded(list(islice(quick.lessons(5, False), 4)), tokens)
    before = divergence(whole, batch).item()
    assert divergence(adapted(whole, quick).get_base_model(), batch).item() == before


def test_training_lowers_the_divergence_on_trained_and_on_held_out_wordings(
    tiny: Path, quick: Recipe
) -> None:
    whole, tokens = base(str(tiny))
    model = adapted(whole, quick)
    sides = (False, True)
    before = [mean_divergence(model, tokens, quick, held_out=side) for side in sides]
    fit(model, tokens, quick)
    after = [mean_divergence(model, tokens, quick, held_out=side) for side in sides]
    assert after[0] < 0.8 * before[0]
    assert after[1] < 0.8 * before[1]


def test_training_leaves_the_weights_of_the_base_alone(tiny: Path, quick: Recipe) -> None:
    whole, tokens = base(str(tiny))
    before = {id(each): each.clone() for each in whole.parameters()}
    fit(adapted(whole, quick), tokens, replace(quick, steps=2))
    same = [
        torch.equal(each, before[id(each)]) for each in whole.parameters() if id(each) in before
    ]
    assert len(same) == len(before)
    assert all(same)


def test_one_seed_gives_equal_files_and_another_one_others(
    tiny: Path, quick: Recipe, run: Path, tmp_path: Path
) -> None:
    trained(tiny, quick, tmp_path / "again")
    trained(tiny, replace(quick, seed=2), tmp_path / "other")
    name = "checkpoint-12"
    for file in (WEIGHTS, "adapter_config.json"):
        assert (tmp_path / "again" / name / file).read_bytes() == (run / name / file).read_bytes()
    first, other = (load_file(path / name / WEIGHTS) for path in (run, tmp_path / "other"))
    assert first.keys() == other.keys()
    assert not any(torch.equal(first[key], other[key]) for key in first)


def test_each_checkpoint_is_an_adapter_that_ppcheck_loads(tiny: Path, run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == ["checkpoint-12", "checkpoint-6"]
    plain, *said = (
        log_probs(name) for name in (str(tiny), *(f"{tiny}+{p}" for p in run.iterdir()))
    )
    assert all(np.abs(each - plain).max() > 0.05 for each in said)
    assert np.abs(said[0] - said[1]).max() > 0.05


def test_what_is_loaded_is_what_was_trained_but_for_half_precision(
    tiny: Path, quick: Recipe, tmp_path: Path
) -> None:
    whole, tokens = base(str(tiny))
    model = adapted(whole, quick)
    fit(model, tokens, quick)
    write(model, quick, tmp_path / "run")
    turns = (Turn((Piece("Which button?"),), "user"),)
    ids, _ = tokens.encode([Prompt("chat", turns, {}, "", {}, "")])
    with torch.no_grad():
        expected = model(input_ids=torch.tensor(ids)).logits[0, -1].log_softmax(-1)
    np.testing.assert_allclose(log_probs(f"{tiny}+{tmp_path / 'run'}")[0], expected, atol=5e-3)


def test_a_checkpoint_takes_the_place_of_an_older_one(
    tiny: Path, quick: Recipe, tmp_path: Path
) -> None:
    model = adapted(base(str(tiny))[0], quick)
    directory = tmp_path / "run" / "checkpoint-1"
    write(model, quick, directory)
    (directory / "stale.txt").touch()
    write(model, quick, directory)
    names = ["adapter_config.json", WEIGHTS]
    assert sorted(path.name for path in directory.iterdir()) == names
    assert [path.name for path in directory.parent.iterdir()] == ["checkpoint-1"]


@pytest.mark.parametrize("name", RECIPES)
def test_adapters_of_smollm2_are_below_2_mb(name: str) -> None:
    shape: dict[str, Any] = {"hidden_size": 576, "intermediate_size": 1536, "vocab_size": 49152}
    heads: dict[str, Any] = {
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "num_hidden_layers": 30,
    }
    with torch.device("meta"):
        model = adapted(LlamaForCausalLM(LlamaConfig(**shape, **heads)), RECIPES[name])
    tensors = [each for each in model.parameters() if each.requires_grad]
    assert len(tensors) == 2 * 4 * 30
    # Two bytes a number, and what the file's header says of each tensor.
    size = sum(2 * each.numel() + 200 for each in tensors)
    assert MB // 2 < size < 2 * MB


def test_without_peft_it_says_what_to_install(
    tiny: Path, quick: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_adapter, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'ppcheck\[peft\]'"):
        adapted(base(str(tiny))[0], quick)
