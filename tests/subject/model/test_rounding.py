from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from ppcheck.spec.expectations.metric import Metric
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.rounding import SCORES, Rounding
from ppcheck.subject.model.settings import Settings

DIFFERENCE, P, KL, RANK = map(Metric.parse, ("logit_diff(a, b)", "p(a)", "kl", "rank(a)"))


def demo(dtype: str) -> LoadedSubject:
    return load(resolve("demo"), Settings(dtype=dtype))


@pytest.mark.trust
def test_rounding_is_that_of_the_precision() -> None:
    single, double = demo("float32").rounding, demo("float64").rounding
    assert 1e-6 < single.logit < 1e-3
    assert 1e-15 < double.logit < 1e-11
    assert single.relative == pytest.approx(single.logit / 18, rel=0.5)


@pytest.mark.trust
@pytest.mark.parametrize("model_type", ["gpt2", "llama", "gemma2", "qwen3", "gpt_neox"])
def test_the_same_in_another_order_differs_by_less(
    saved: Callable[[str], Path], model_type: str
) -> None:
    """Prompts that were not tried, read together and each by itself."""
    subject = load(resolve(str(saved(model_type))))
    engine, rng = subject._engine, np.random.default_rng(1)
    for length in (3, 9, 14):
        ids = rng.integers(0, subject.shape.n_vocabulary, (6, length))
        whole = engine.forward(ids, [])[:, -1].double().numpy()
        for row, logits in zip(ids, whole, strict=True):
            alone = engine.forward(row[None], [])[0, -1].double().numpy()
            assert np.abs(alone - logits).max() <= subject.rounding.logit


@pytest.mark.trust
def test_a_metric_is_rounded_by_what_its_logits_are() -> None:
    rounding = Rounding(1e-3, 1e-5)
    assert rounding.metric(DIFFERENCE) == 2e-3
    assert rounding.metric(P) == 5e-4
    assert rounding.metric(KL) == pytest.approx(1e-6)
    assert rounding.metric(RANK) == 0


@pytest.mark.trust
def test_a_probability_moves_by_less_than_is_said() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (1000, 4))
    moved = logits + rng.choice([-1e-3, 1e-3], logits.shape)

    def p(values: np.ndarray) -> np.ndarray:
        odds = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray((odds / odds.sum(axis=1, keepdims=True))[:, 0])

    assert np.abs(p(moved) - p(logits)).max() <= Rounding(1e-3).metric(P)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_evenness_moves_by_no_more_than_scores_allow(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens, move = int(rng.integers(2, 40)), 1e-4
    scores = rng.normal(0, 5, size=tokens)
    before, after = softmax([scores, scores + rng.uniform(-move, move, size=tokens)], axis=1)
    nats, far = Rounding(relative=move / (4 * SCORES)).evenness(tokens)
    distances = [np.abs(each - 1 / tokens).sum() / 2 for each in (before, after)]
    assert abs(entropy(before) - entropy(after)) <= 1.01 * nats
    assert abs(distances[0] - distances[1]) <= 1.01 * far
