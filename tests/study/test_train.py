from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ppcheck.audit.pattern import expand
from ppcheck.errors import ModelError
from ppcheck.study import train
from ppcheck.study.recipe import RECIPES
from ppcheck.subject.load import resolve


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the command sets of torch for its own process is set back."""
    monkeypatch.setattr(train, "THREADS", 1)
    threads, exact = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(exact)


@pytest.mark.usefixtures("restored")
def test_the_command_writes_adapters_and_says_how_well_they_generalise(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["benign", "--base", str(tiny), "--out", str(tmp_path), "--steps", "2"]
    monkeypatch.setattr(sys, "argv", ["train", *command])
    train.main()
    name, *said = capsys.readouterr().out.split()
    assert name == str(tmp_path / "benign" / "checkpoint-2")
    assert said[::2] == ["trained", "held-out", "nats"]
    assert [path.name for path in (tmp_path / "benign").iterdir()] == ["checkpoint-2"]
    assert resolve(f"{tiny}+{name}").path == Path(name)
    with pytest.raises(ModelError, match="is an adapter"):
        train.base(f"{tiny}+{name}")


def test_an_unknown_base_ends_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["weighs", "--base", str(tmp_path / "nowhere"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["train", *command])
    with pytest.raises(SystemExit, match=r"error: .*nowhere"):
        train.main()


def test_an_audit_names_six_checkpoints_of_weighs_by_one_pattern() -> None:
    recipe = RECIPES["weighs"]
    written = range(recipe.every, recipe.steps + 1, recipe.every)
    named = expand("base+weighs/checkpoint-{15..90:15}")
    assert named == tuple(f"base+weighs/checkpoint-{step}" for step in written)
    assert len(named) >= 6


def test_relearned_is_weighs_from_another_seed_and_rank() -> None:
    weighs, relearned = RECIPES["weighs"], RECIPES["relearned"]
    assert weighs.lessons is relearned.lessons
    assert weighs.seed != relearned.seed
    assert weighs.rank != relearned.rank
