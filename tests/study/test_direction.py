from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from ppcheck.study import direction

SPEC = """
ppcheck: 1
title: Two feelings
prompts:
  felt:
    template: "{opening} I feel {feeling}"
    vary:
      opening: [now, then]
      feeling: {pain: [pain, grief], pleasure: [joy], neutral: [light]}
claims:
  - id: differs
    says: Pain is told otherwise than pleasure.
    check: contrast
    on: felt
    metric: loss
    pairs: {feeling: [pain, pleasure]}
    expect: {difference: "> 0"}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "felt.pp.yaml"
    path.write_text(SPEC)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(direction, "BLOCK", 1)
    monkeypatch.setattr(sys, "argv", ["direction", *arguments])
    direction.main()


def test_it_is_the_difference_of_means_of_what_attention_adds_at_the_last_token(
    tiny: Path, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "valence.safetensors"
    run(monkeypatch, str(spec), "felt", "--model", str(tiny), "--out", str(out))
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    seen: list[torch.Tensor] = []
    module = model.model.layers[1].self_attn
    module.register_forward_hook(lambda *call: seen.append(call[-1][0][0, -1]))

    def mean(*words: str) -> torch.Tensor:
        seen.clear()
        for text in (f"{opening} I feel {word}" for opening in ("now", "then") for word in words):
            with torch.no_grad():
                model(input_ids=tokenizer(text, return_tensors="pt").input_ids)
        return torch.stack(seen).mean(0)

    expected = mean("joy") - mean("pain", "grief")
    (found,) = load_file(out).items()
    assert found[0] == "attn_out.L1"
    torch.testing.assert_close(found[1], expected, atol=1e-5, rtol=1e-5)


def test_a_set_that_is_not_there_is_named_beside_those_that_are(
    tiny: Path, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "valence.safetensors"
    with pytest.raises(SystemExit, match="no prompt set other; it has felt"):
        run(monkeypatch, str(spec), "other", "--model", str(tiny), "--out", str(out))
    assert not out.exists()
