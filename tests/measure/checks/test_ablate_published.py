"""Two published ablations as specs: everywhere but at one position, and two heads compared.

They are run on planted classifiers of palindromes, of which the answers are known.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.record.run import ClaimRecord
from ppcheck.spec.load import load_spec
from tests.measure.checks.test_ablate import untouched, with_heads
from tests.measure.checks.test_ablate_palindromes import WORDS, palindromes, write_pairs
from tests.measure.lab import Model, Plant
from tests.specs.examined import examined

PAIRS = """\
ppcheck: 1
title: How a classifier of palindromes compares two words
prompts:
  pairs:
    template: "{first} we see {second} so"
    rows: pairs.jsonl
    choices: {same: A, other: B}
"""
EVERYWHERE_BUT = f"""{PAIRS}\
claims:
  - id: nowhere-else
    says: Without both heads at all tokens but the final one, nothing is lost.
    check: ablate
    on: pairs[first=same]
    site: L0H*
    position: all but final
    ablation: mean
    reference: pairs
    metric: logit_diff(same, other)
    expect: {{drop_share: "-0.01..0.01", untouched: ">= 0.5"}}
"""
TWO_HEADS = f"""{PAIRS}\
claims:
  - id: compared
    says: Head L0H0, which brings a word, is needed more than L1H0, which says the same of all.
    check: ablate
    on: pairs[first=same]
    site: [L0H0, L1H0]
    ablation: zero
    weights: folded
    metric: logit_diff(same, other)
    expect: {{"drop_share[L0H0] - drop_share[L1H0]": ">= 0.5", untouched: ">= 0.5"}}
"""


def relayed(model: Any) -> None:
    """The same classifier, but the second word's token compares, and L1H1 tells the final one.

    What first-layer heads bring to the final token itself is not read.
    """
    palindromes(model)
    with torch.no_grad():
        second = model.transformer.h[1]
        second.attn.c_attn.bias[8] = 30
        second.attn.c_attn.weight[8, 24] = 30
        second.attn.c_attn.weight[4, 40] = 4
        second.attn.c_proj.weight[8, 12], second.attn.c_proj.weight[8, 13] = 1, -1
        second.mlp.c_fc.weight[4, :2] = 0
        second.mlp.c_fc.weight[12, 0], second.mlp.c_fc.weight[12, 1] = 20, -20


def one_sided(model: Any) -> None:
    """L0H0 no longer brings the word."""
    palindromes(model)
    with torch.no_grad():
        model.transformer.h[0].attn.c_proj.weight[0].zero_()


@pytest.fixture
def record(
    planted: Callable[[Plant], Model], tmp_path: Path
) -> Callable[[str, Plant], ClaimRecord]:
    """What a run records of a spec's one claim about a planted model."""

    def run(text: str, plant: Plant) -> ClaimRecord:
        write_pairs(tmp_path)
        path = tmp_path / "published.pp.yaml"
        path.write_text(text)
        (found,) = examined(load_spec(path, CHECKS), planted(plant).subject).values()
        return found

    return run


@pytest.mark.parametrize("text", [EVERYWHERE_BUT, TWO_HEADS])
def test_each_is_a_spec_of_few_lines(text: str) -> None:
    assert len(text.splitlines()) < 25


@pytest.mark.parametrize(
    ("plant", "expected"),
    [(palindromes, Verdict.HOLDS), (relayed, Verdict.FAILS)],
)
def test_heads_are_needed_at_one_position_and_nowhere_else(
    record: Callable[[str, Plant], ClaimRecord], plant: Plant, expected: Verdict
) -> None:
    assert record(EVERYWHERE_BUT, plant).verdict == expected


@pytest.mark.parametrize(
    ("plant", "expected"),
    [(palindromes, Verdict.HOLDS), (one_sided, Verdict.FAILS)],
)
def test_which_of_two_heads_is_needed_more_is_one_comparison(
    record: Callable[[str, Plant], ClaimRecord], plant: Plant, expected: Verdict
) -> None:
    assert record(TWO_HEADS, plant).verdict == expected


@pytest.mark.parametrize(("weights", "of_the_constant"), [("folded", 0), ("raw", 1)])
def test_the_comparison_is_as_by_hooks_on_the_plain_model(
    record: Callable[[str, Plant], ClaimRecord],
    planted: Callable[[Plant], Model],
    weights: str,
    of_the_constant: float,
) -> None:
    """What L1H0 outputs is a bias: all of the preference in raw weights, none in folded ones."""
    plain, texts = planted(palindromes), [f"{word} we see {word} so" for word in WORDS]
    before = untouched(plain, texts)
    after = [with_heads(plain, text, {(0, 0): np.zeros((5, 8))}) for text in texts]
    share = (before - after).sum() / before.sum()
    found = record(TWO_HEADS.replace("folded", weights), palindromes)
    difference = found.statistics["drop_share[L0H0] - drop_share[L1H0]"].estimate
    assert difference == pytest.approx(share - of_the_constant, abs=1e-3)
