"""Ablation of a planted classifier of palindromes, whose heads are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from tests.measure.lab import (
    Model,
    Plant,
    bench,
    claim,
    estimates,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"


WORDS = ("pain", "agony", "ache", "light", "hum", "shade", "joy", "mild")


def palindromes(model: Any) -> None:
    """`A` where both words are the same, else `B`, with margins of one to a few logits.

    Two heads of the first layer bring the words' values to each other, one with a minus. The second
    MLP holds its size against a threshold, and the threshold is what head L1H0 outputs, always.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        first, second = model.transformer.h
        for norm in (first.ln_1, first.ln_2, second.ln_1, second.ln_2, model.transformer.ln_f):
            norm.weight.fill_(1)
        words, places = model.transformer.wte.weight, model.transformer.wpe.weight
        # A large constant keeps the norm from telling prompts apart.
        words[:, 0], words[:, 1] = 10, -10
        for value, word in enumerate(WORDS):
            words[token(word), 2], words[token(word), 3] = value - 3.5, 3.5 - value
        for place, column in ((0, 6), (3, 8)):
            places[place, column], places[place, column + 1] = 1, -1
        for number, column in enumerate((6, 8)):
            first.attn.c_attn.bias[8 * number] = 30
            first.attn.c_attn.weight[column, 16 + 8 * number] = 30
            first.attn.c_attn.weight[2, 32 + 8 * number] = 1
            sign = 1 - 2 * number
            first.attn.c_proj.weight[8 * number, 4] = sign
            first.attn.c_proj.weight[8 * number, 5] = -sign
        second.attn.c_attn.bias[32] = 1
        second.attn.c_proj.weight[0, 10], second.attn.c_proj.weight[0, 11] = 1, -1
        second.mlp.c_fc.weight[4, 0], second.mlp.c_fc.weight[4, 1] = 20, -20
        for hidden in (0, 1):
            second.mlp.c_proj.weight[hidden, 10], second.mlp.c_proj.weight[hidden, 11] = -2, 2
        model.lm_head.weight[token("A"), 10], model.lm_head.weight[token("B"), 10] = 5, -5


def write_pairs(folder: Path) -> None:
    rows = [
        {"first": one, "second": two, "first.class": "same" if one == two else "other"}
        for one in WORDS
        for two in WORDS
    ]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture
def mirror(planted: Callable[[Plant], Model], tmp_path: Path) -> Bench:
    """The classifier, on all ordered pairs of eight words: eight palindromes among 64."""
    write_pairs(tmp_path)
    prompts = {
        "template": "{first} we see {second} so",
        "rows": "pairs.jsonl",
        "choices": {"a": "A", "b": "B"},
    }
    return bench(planted(palindromes), prompts, tmp_path)


def test_the_planted_classifier_classifies(mirror: Bench) -> None:
    for kind, sign in (("same", ">= 0.5"), ("other", "<= -0.5")):
        wanted = claim(
            "ablate",
            on=f"game[first={kind}]",
            site="L1H1",
            ablation="zero",
            metric=METRIC,
            expect={"untouched": sign},
        )
        assert verdict(wanted, mirror) == Verdict.HOLDS


@pytest.mark.parametrize(
    ("ablation", "expected"),
    [
        ({"ablation": "zero"}, Verdict.HOLDS),
        ({"ablation": "zero", "weights": "folded"}, Verdict.FAILS),
        ({"ablation": "mean", "reference": "game"}, Verdict.FAILS),
        ({"ablation": "resample", "reference": "game"}, Verdict.FAILS),
    ],
)
def test_zero_ablation_flags_a_head_that_mean_ablation_clears(
    mirror: Bench, ablation: dict[str, str], expected: Verdict
) -> None:
    """As in a published palindrome classifier (Miller et al. 2024): the head outputs a constant.

    Setting it to zero takes the threshold away, although the head says nothing about the input.
    The constant is a bias of its values, which folded weights have in attention's bias.
    """
    wanted = claim(
        "ablate",
        on="game[first=same]",
        site="L1H0",
        **ablation,
        metric=METRIC,
        expect={"drop_share": ">= 0.5"},
    )
    assert verdict(wanted, mirror) == expected
    assert estimates(wanted.measure(mirror))["drop_share"] == pytest.approx(
        1 if expected == Verdict.HOLDS else 0, abs=1e-3
    )


@pytest.mark.parametrize("ablation", ["mean", "resample"])
def test_heads_that_compare_the_words_are_needed_whatever_the_kind(
    mirror: Bench, ablation: str
) -> None:
    wanted = claim(
        "ablate",
        on="game[first=same]",
        site="L0H*",
        ablation=ablation,
        reference="game",
        metric=METRIC,
        expect={"drop_share": ">= 0.5"},
    )
    assert verdict(wanted, mirror) == Verdict.HOLDS


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("all but final", Verdict.FAILS),
        ("0..3", Verdict.FAILS),
        ("final", Verdict.HOLDS),
        (["first", "final"], Verdict.HOLDS),
        ("all but [first, second]", Verdict.HOLDS),
    ],
)
def test_heads_are_needed_at_one_token_and_nowhere_else(
    mirror: Bench, position: Any, expected: Verdict
) -> None:
    """The planted heads bring both words to the final token, where the MLP compares them."""
    wanted = claim(
        "ablate",
        on="game[first=same]",
        site="L0H*",
        position=position,
        ablation="mean",
        reference="game",
        metric=METRIC,
        expect={"drop_share": ">= 0.5"},
    )
    assert verdict(wanted, mirror) == expected
    if expected == Verdict.FAILS:
        shares = estimates(wanted.measure(mirror))
        assert shares["drop_share L0H0"] == shares["drop_share L0H1"] == 0
