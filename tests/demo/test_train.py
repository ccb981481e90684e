from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

from ppcheck.demo.train import publish, write
from ppcheck.demo.train_model import fresh_model


def test_a_revision_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    directory = tmp_path / "weights" / "step0"
    write(fresh_model(1), directory)
    (directory / "stale.txt").touch()
    write(fresh_model(2), directory)
    loaded = AutoModelForCausalLM.from_pretrained(directory)
    for name, weight in fresh_model(2).state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name
    assert not (directory / "stale.txt").exists()
    assert [path.name for path in directory.parent.iterdir()] == ["step0"]


def test_a_failed_write_leaves_the_old_revision_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "step0"
    write(fresh_model(1), directory)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}

    def full_disk(_: GPT2LMHeadModel, fresh: Path) -> None:
        fresh.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(GPT2LMHeadModel, "save_pretrained", full_disk)
    with pytest.raises(OSError, match="No space"):
        write(fresh_model(2), directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert list(tmp_path.iterdir()) == [directory]


def test_publishing_prints_both_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(fresh_model(1), tmp_path / "step0")
    name, trained, before, held_out, after = capsys.readouterr().out.split()
    assert (name, trained, held_out) == ("step0", "trained", "held-out")
    assert 0.3 < float(before) < 0.6
    assert 0.3 < float(after) < 0.6
