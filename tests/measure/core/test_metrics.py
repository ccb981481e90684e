from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import entropy

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.metrics import (
    ChoiceReadout,
    DivergenceReadout,
    metric_notes,
    pool_synonyms,
    read,
    readout,
    same,
)
from ppcheck.spec.expectations.metric import Metric, Metrics, Reading
from ppcheck.spec.prompts.prompt_set import Pool
from tests.measure.lab import Model, bench, game, last, texts_of, token

A, B, C = token("A"), token("B"), token("C")
THREE = {"a": "A", "b": "B", "c": ["C", "go"]}


def measured(model: Model, metric: str, prompts: Mapping[str, Any]) -> Floats:
    on = bench(model, prompts)
    encoded = on.subject.encode(on.grid.prompts)
    return read(on.subject, encoded, Metric.parse(metric), on.grid.prompt_set.pool)


def expected(logits: Floats, metric: str) -> Floats:
    synonyms = logsumexp(logits[:, [C, token("go")]], axis=1)
    choices = np.stack([logits[:, A], logits[:, B], synonyms], axis=1)
    log_probs = log_softmax(logits, axis=1)
    values: dict[str, Floats] = {
        "logit_diff(a, b)": logits[:, A] - logits[:, B],
        "logit_diff(b, c)": logits[:, B] - synonyms,
        "p(c)": softmax(choices, axis=1)[:, 2],
        "log_p(c)": synonyms - logsumexp(choices, axis=1),
        "prob(a)": np.exp(log_probs[:, A]),
        "prob(c)": np.exp(log_probs[:, C]) + np.exp(log_probs[:, token("go")]),
        "log_prob(b)": log_probs[:, B],
        "rank(b)": (logits > logits[:, [B]]).sum(axis=1),
    }
    return values[metric]


@pytest.mark.parametrize(
    "metric",
    [
        *("logit_diff(a, b)", "logit_diff(b, c)", "p(c)", "prob(a)", "prob(c)"),
        *("log_p(c)", "log_prob(b)", "rank(b)"),
    ],
)
def test_a_metric_is_what_transformers_logits_give(tiny: Model, metric: str) -> None:
    prompts = game(choices=THREE)
    logits = last(tiny, texts_of(bench(tiny, prompts)))
    np.testing.assert_allclose(
        measured(tiny, metric, prompts), expected(logits, metric), rtol=1e-4, atol=1e-5
    )


def forced(model: Model, text: str, answer: str) -> float:
    """Log-probability of the answer's words, one after another."""
    total = 0.0
    for word in answer.split():
        total += float(log_softmax(model.logits(text)[-1])[token(word)])
        text = f"{text} {word}"
    return total


def test_choices_of_several_tokens_are_scored_by_teacher_forcing(tiny: Model) -> None:
    prompts = game(choices={"long": ["A B", "go on"], "short": "C"})
    texts = texts_of(bench(tiny, prompts))
    long = np.array([[forced(tiny, text, answer) for answer in ("A B", "go on")] for text in texts])
    pooled = np.logaddexp(long[:, 0], long[:, 1])
    short = np.array([forced(tiny, text, "C") for text in texts])
    np.testing.assert_allclose(measured(tiny, "log_prob(long)", prompts), pooled, atol=1e-5)
    np.testing.assert_allclose(measured(tiny, "prob(long)", prompts), np.exp(pooled), rtol=1e-4)
    np.testing.assert_allclose(
        measured(tiny, "p(long)", prompts), 1 / (1 + np.exp(short - pooled)), rtol=1e-4
    )
    np.testing.assert_allclose(
        measured(tiny, "log_p(long)", prompts), pooled - np.logaddexp(pooled, short), atol=1e-5
    )


@pytest.mark.parametrize("metric", ["logit_diff(long, short)", "rank(long)"])
def test_a_metric_of_one_position_refuses_an_answer_of_several_tokens(
    tiny: Model, metric: str
) -> None:
    prompts = game(choices={"long": "A B", "short": "C"})
    with pytest.raises(MeasurementError, match=r"'long' \('A B'\) is 2 tokens"):
        measured(tiny, metric, prompts)


def test_a_logit_difference_minds_only_the_choices_it_names(tiny: Model) -> None:
    prompts = game(choices={"a": "A", "b": "B", "refusal": "go on"})
    alone = measured(tiny, "logit_diff(a, b)", game())
    np.testing.assert_array_equal(measured(tiny, "logit_diff(a, b)", prompts), alone)


@pytest.mark.parametrize(
    ("metric", "choices", "which"),
    [
        ("p(a)", {"a": "A", "b": ["B", "A  "]}, "'a' and 'b'"),
        ("p(a)", {"a": "A", "b": "A B"}, "'a' and 'b'"),
        ("logit_diff(a, b)", {"a": "A", "b": " A"}, "'a' and 'b'"),
        ("prob(a)", {"a": ["A", "A B"], "b": "B"}, "two answers of 'a'"),
    ],
)
def test_no_answer_is_counted_twice(
    tiny: Model, metric: str, choices: dict[str, Any], which: str
) -> None:
    with pytest.raises(MeasurementError, match=f"{which} begin with the same token"):
        measured(tiny, metric, game(choices=choices))


def test_answers_of_several_tokens_may_begin_alike(tiny: Model) -> None:
    values = measured(tiny, "p(a)", game(choices={"a": "A B", "b": "A C"}))
    assert (values > 0).all()
    assert (values < 1).all()


def test_kl_outside_of_patching_is_an_error(tiny: Model) -> None:
    with pytest.raises(MeasurementError, match="patching claim"):
        measured(tiny, "kl", game())


logits_of = arrays(np.float64, (4, 5), elements=st.floats(-30, 30))
ROWS = np.arange(4)


@given(logits_of, st.sampled_from(["sum", "mean", "max"]))
@settings(max_examples=50, deadline=None)
def test_p_sums_to_one_over_the_choices(logits: Floats, pool: Pool) -> None:
    tokens, total = np.tile(np.arange(5), (4, 1)), np.zeros(4)
    for own in range(3):
        reader = ChoiceReadout(Reading.P, tokens, (2, 1, 2), pool, (own,))
        total += reader.values(logits, ROWS)
    np.testing.assert_allclose(total, 1)


@given(logits_of, logits_of)
@settings(max_examples=50, deadline=None)
def test_kl_is_the_divergence_from_the_clean_distribution(clean: Floats, other: Floats) -> None:
    reader = DivergenceReadout(log_softmax(clean, axis=1))
    divergence = entropy(softmax(clean, axis=1), softmax(other, axis=1), axis=1)
    np.testing.assert_allclose(reader.values(other, ROWS), divergence, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(reader.values(clean, ROWS), 0, atol=1e-12)
    np.testing.assert_array_equal(
        reader.values(other[[2, 1]], np.array([2, 1])), reader.values(other, ROWS)[[2, 1]]
    )


@given(logits_of)
@settings(max_examples=50, deadline=None)
def test_synonyms_pool_by_sum_mean_or_largest(logits: Floats) -> None:
    sizes = (3, 2)
    probabilities = np.exp(logits)
    pooled = np.exp(pool_synonyms(logits, sizes, "sum"))
    np.testing.assert_allclose(pooled[:, 0], probabilities[:, :3].sum(axis=1))
    np.testing.assert_allclose(pooled[:, 1], probabilities[:, 3:].sum(axis=1))
    np.testing.assert_array_equal(
        pool_synonyms(logits, sizes, "max")[:, 1], np.maximum(logits[:, 3], logits[:, 4])
    )
    np.testing.assert_allclose(
        pool_synonyms(logits, sizes, "mean")[:, 1], (logits[:, 3] + logits[:, 4]) / 2, atol=1e-12
    )


def test_values_that_differ_by_rounding_are_the_same() -> None:
    first = np.array([3.0, 3.0, 0.0, 1e-8])
    second = np.array([3.00001, 3.001, 1e-10, 2e-8])
    np.testing.assert_array_equal(same(first, second, 2e-5), [True, False, True, True])
    np.testing.assert_array_equal(same(first, second, 0.0), [False] * 4)


def test_the_pool_of_the_prompt_set_reaches_the_metric(tiny: Model) -> None:
    prompts = game(choices=THREE, pool="max")
    logits = last(tiny, texts_of(bench(tiny, prompts)))
    largest = np.maximum(logits[:, C], logits[:, token("go")])
    np.testing.assert_allclose(
        measured(tiny, "logit_diff(c, a)", prompts), largest - logits[:, A], atol=1e-5
    )


def test_a_readout_names_the_tokens_of_the_choices_alone(tiny: Model) -> None:
    on = bench(tiny, game(choices=THREE))
    encoded = on.subject.encode(on.grid.prompts)
    tokens = readout(Metric.parse("logit_diff(a, b)"), encoded, "sum").tokens
    assert tokens is not None
    assert tokens.tolist() == [[A, B, C, token("go")]] * 96
    other = readout(Metric.parse("p(c)"), encoded, "sum").tokens
    np.testing.assert_array_equal(other, tokens)  # so that one measurement serves both


@pytest.mark.trust
@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (["p(a)"], "p(a) is not linear in the logits"),
        (["log_prob(a)", "prob(a)"], "log_prob(a) and prob(a) are not linear in the logits"),
        (["p(a)", "prob(a)", "kl"], "p(a), prob(a) and kl are not linear in the logits"),
    ],
)
def test_metrics_that_are_not_linear_are_named_in_a_sentence(metrics: list[str], said: str) -> None:
    (note,) = metric_notes(Metrics.parse(metrics))
    assert note.startswith(f"{said} and can hide what works against an effect: name a logit_diff")
