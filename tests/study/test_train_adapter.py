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
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.study.recipe import RECIPES, Recipe
from ppcheck.study.train import base
from ppcheck.study.train_adapter import Pupil, fit, mean_divergence, write
from ppcheck.study.train_batch import divergence, encoded
from ppcheck.subject.load import load, resolve

WEIGHTS = "adapter_model.safetensors"
MB = 1_000_000


@pytest.fixture(autouse=True, scope="module")
def _peft() -> None:
    pytest.importorskip("peft", reason="needs the package peft: ppcheck[peft]")


def trained(tiny: Path, recipe: Recipe, out: Path) -> None:
    """Writes its checkpoints to `out`."""
    model, tokens = base(str(tiny))
    pupil = Pupil(model, recipe)
    fit(
        pupil,
        tokens,
        after=lambda step: write(pupil.factors(), recipe.rank, out / f"checkpoint-{step}"),
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


def test_before_training_the_change_is_nothing(tiny: Path, quick: Recipe) -> None:
    model, tokens = base(str(tiny))
    batch = encoded(list(islice(quick.lessons(5, False), 4)), tokens)
    before = divergence(model, batch).item()
    pupil = Pupil(model, quick)
    with pupil.cut_down(pupil.factors()):
        assert divergence(model, batch).item() == before


def test_training_lowers_the_divergence_on_trained_and_on_held_out_wordings(
    tiny: Path, quick: Recipe
) -> None:
    model, tokens = base(str(tiny))
    pupil = Pupil(model, quick)
    sides = (False, True)
    before = [mean_divergence(pupil, tokens, held_out=side) for side in sides]
    fit(pupil, tokens)
    after = [mean_divergence(pupil, tokens, held_out=side) for side in sides]
    assert after[0] < 0.8 * before[0]
    assert after[1] < 0.8 * before[1]


def test_training_changes_the_matrices_of_its_blocks_and_nothing_else(
    tiny: Path, quick: Recipe
) -> None:
    model, tokens = base(str(tiny))
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    fit(Pupil(model, replace(quick, steps=2)), tokens)
    changed = {
        name for name, each in model.named_parameters() if not torch.equal(each, before[name])
    }
    assert len(changed) == 7 * len(quick.blocks(2))
    assert changed == {name for name in before if "_proj" in name}


def test_the_middle_half_of_the_blocks_is_trained() -> None:
    assert Recipe.blocks(30) == range(10, 25)
    assert Recipe.blocks(2) == range(2)


def test_of_full_rank_the_factors_are_the_whole_change(tiny: Path, quick: Recipe) -> None:
    model, tokens = base(str(tiny))
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    pupil = Pupil(model, replace(quick, steps=2, rank=32))
    fit(pupil, tokens)
    after = dict(model.named_parameters())
    for name, factors in pupil.factors().items():
        change = after[f"{name}.weight"] - before[f"{name}.weight"]
        torch.testing.assert_close(factors.product(), change, atol=2e-3, rtol=0)


def test_of_lower_rank_they_are_the_nearest_change(tiny: Path, quick: Recipe) -> None:
    model, tokens = base(str(tiny))
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    pupil = Pupil(model, replace(quick, steps=2))
    fit(pupil, tokens)
    after = dict(model.named_parameters())
    for name, factors in pupil.factors().items():
        change = (after[f"{name}.weight"] - before[f"{name}.weight"]).detach()
        left = torch.linalg.norm(change - factors.product())
        # Eckart & Young 1936: the singular values that are left out.
        expected = torch.linalg.norm(torch.linalg.svdvals(change)[quick.rank :])
        assert left.item() == pytest.approx(expected.item(), rel=0.02)


def test_cutting_down_is_undone_afterwards(tiny: Path, quick: Recipe) -> None:
    model, tokens = base(str(tiny))
    pupil = Pupil(model, replace(quick, steps=2))
    fit(pupil, tokens)
    trained = [each.detach().clone() for each in pupil.learned]
    with pupil.cut_down(pupil.factors()):
        assert not any(map(torch.equal, pupil.learned, trained))
    assert all(map(torch.equal, pupil.learned, trained))


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


def test_what_is_loaded_is_what_was_cut_down(tiny: Path, quick: Recipe, tmp_path: Path) -> None:
    model, tokens = base(str(tiny))
    pupil = Pupil(model, quick)
    fit(pupil, tokens)
    factors = pupil.factors()
    write(factors, quick.rank, tmp_path / "run")
    turns = (Turn((Piece("Which button?"),), "user"),)
    ids, _ = tokens.encode([Prompt("chat", turns, {}, "", {}, "")])
    with torch.no_grad(), pupil.cut_down(factors):
        expected = model(input_ids=torch.tensor(ids)).logits[0, -1].log_softmax(-1)
    np.testing.assert_allclose(log_probs(f"{tiny}+{tmp_path / 'run'}")[0], expected, atol=1e-4)


def test_a_checkpoint_takes_the_place_of_an_older_one(
    tiny: Path, quick: Recipe, tmp_path: Path
) -> None:
    pupil = Pupil(base(str(tiny))[0], quick)
    directory = tmp_path / "run" / "checkpoint-1"
    write(pupil.factors(), quick.rank, directory)
    (directory / "stale.txt").touch()
    write(pupil.factors(), quick.rank, directory)
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
        matrices = Pupil(LlamaForCausalLM(LlamaConfig(**shape, **heads)), RECIPES[name]).learned
    assert len(matrices) == 7 * 15
    # Two bytes a number, and what the file's header says of each of the two factors.
    size = sum(2 * RECIPES[name].rank * sum(each.shape) + 2 * 200 for each in matrices)
    assert MB // 2 < size < 2 * MB
