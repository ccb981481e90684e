"""A claim about the loss of some tokens of one prompt, on a model whose losses are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.special import log_softmax

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.record.run import ClaimRecord
from ppcheck.spec.load import load_spec
from tests.measure.hooks import changed
from tests.measure.lab import WORDS, Model, Plant, ids, token
from tests.specs.examined import examined

SPEC = """\
ppcheck: 1
title: What head L0H1 expects
prompts:
  line:
    template: "here we feel {span} so"
    vary: {span: ["pain agony ache"]}
    population: fixed
claims:
  - id: needed-for-the-span
    says: The loss on the span rises by 0.3 or more when head L0H1 is ablated.
    check: ablate
    on: line
    site: L0H1
    ablation: zero
    metric: [loss(span), loss]
    expect: {drop: "<= -0.3", untouched: "<= 3"}
"""
SPAN = ("pain", "agony", "ache")


def expecting(model: Any) -> None:
    """Head L0H1 says 1 after every token, which raises the logits of the span's words alone.

    Large constants give every stream the variance (2 * 10^2 + 2 * 1^2) / 16.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.transformer.ln_f.weight.fill_(1)
        words, (first, _) = model.transformer.wte.weight, model.transformer.h
        words[:, 0], words[:, 1] = 10, -10
        first.attn.c_attn.bias[32 + 8] = 1
        first.attn.c_proj.weight[8, 4], first.attn.c_proj.weight[8, 5] = 1, -1
        for word in SPAN:
            model.lm_head.weight[token(word), 4] = 2


def silent(model: Any) -> None:
    expecting(model)
    with torch.no_grad():
        model.transformer.h[0].attn.c_proj.weight.zero_()


def record(tmp_path: Path, model: Model) -> ClaimRecord:
    path = tmp_path / "loss.pp.yaml"
    path.write_text(SPEC)
    (found,) = examined(load_spec(path, CHECKS), model.subject).values()
    return found


def test_the_loss_of_one_prompts_span_rises_by_what_the_head_brings(
    tmp_path: Path, planted: Callable[[Plant], Model]
) -> None:
    assert SPEC.count("\n") < 25
    found = record(tmp_path, planted(expecting))
    logit = 2 / math.sqrt(202 / 16)
    whole = math.log(len(WORDS) - 3 + 3 * math.exp(logit))
    assert found.verdict == Verdict.HOLDS
    values = {name: one.estimate for name, one in found.statistics.items()}
    assert values["untouched"] == pytest.approx(whole - logit, abs=1e-5)
    assert values["value"] == pytest.approx(math.log(len(WORDS)), abs=1e-5)
    assert values["drop"] == pytest.approx(whole - logit - math.log(len(WORDS)), abs=1e-5)
    # Three of the six tokens that have a loss are the span's.
    assert values["untouched@loss"] == pytest.approx(whole - logit / 2, abs=1e-5)


def test_it_is_what_transformers_gives(tmp_path: Path, planted: Callable[[Plant], Model]) -> None:
    model = planted(expecting)
    values = {name: one.estimate for name, one in record(tmp_path, model).statistics.items()}

    def ablated(value: torch.Tensor) -> torch.Tensor:
        value[..., 8:16] = 0
        return value

    text = "here we feel pain agony ache so"
    for name, changes in (("untouched", {}), ("value", {"transformer.h.0.attn.c_proj<": ablated})):
        with changed(model, changes):
            logits = model.plain(ids(text)).logits[0].numpy()
        known = log_softmax(logits, axis=1)
        losses = [-known[at - 1, token(word)] for at, word in enumerate(SPAN, start=3)]
        assert values[name] == pytest.approx(sum(losses) / 3, abs=1e-5)


def test_where_the_head_says_nothing_the_claim_fails(
    tmp_path: Path, planted: Callable[[Plant], Model]
) -> None:
    found = record(tmp_path, planted(silent))
    assert found.verdict == Verdict.FAILS
    assert found.statistics["drop"].estimate == 0
