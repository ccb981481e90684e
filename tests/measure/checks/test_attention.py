from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    DEMO,
    GAME,
    Model,
    Plant,
    bench,
    by_name,
    claim,
    estimates,
    game,
    problems,
    read_back,
    texts_of,
    verdict,
)

HEADS = [(layer, head) for layer in (0, 1) for head in (0, 1)]
FEELING, FINAL = 4, 5  # tokens of the game's prompts
TWO = game(template="{start} we {strength} {feeling} and {other} so", vary={
    **GAME["vary"], "other": {"loud": ["joy"], "quiet": ["shade"]},
})  # fmt: skip


def mean_attention(model: Model, texts: list[str], query: int, key: int) -> dict[str, float]:
    patterns = np.stack([model.attention(text)[:, :, query, key] for text in texts]).mean(axis=0)
    return {f"L{layer}H{head}": patterns[layer, head] for layer, head in HEADS}


def uniform(model: Any) -> None:
    """Every head looks everywhere alike: queries and keys are zero."""
    for block in model.transformer.h:
        block.attn.c_attn.weight[:, :32] = 0
        block.attn.c_attn.bias[:32] = 0


def test_attention_is_that_of_transformers(tiny: Model) -> None:
    on = bench(tiny)
    found = estimates(claim("attention", site="L*H*", to="feeling").measure(on))
    expected = mean_attention(tiny, texts_of(on), FINAL, FEELING)
    assert found == pytest.approx({f"attention {h}": v for h, v in expected.items()}, abs=1e-6)


def test_a_class_after_the_position_counts_only_its_own_prompts(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("attention", site="L*H*", to="feeling=pain", against="feeling=neutral")
    found = estimates(wanted.measure(on))
    texts = texts_of(on)
    pained = [text for text in texts if "pain" in text or "agony" in text]
    rest = [text for text in texts if text not in pained]
    pain = mean_attention(tiny, pained, FINAL, FEELING)
    neutral = mean_attention(tiny, rest, FINAL, FEELING)
    for head, value in pain.items():
        assert found[f"attention {head}"] == pytest.approx(value, abs=1e-6)
        assert found[f"against {head}"] == pytest.approx(neutral[head], abs=1e-6)
        assert found[f"difference {head}"] == pytest.approx(value - neutral[head], abs=1e-6)


def test_prompts_that_have_both_are_compared_within_themselves(tiny: Model) -> None:
    on = bench(tiny, TWO)
    measurement = claim("attention", site="L1H0", to="feeling", against="other").measure(on)
    behind = by_name(measurement)["difference"]
    patterns = [tiny.attention(text)[1, 0, -1] for text in texts_of(on)]
    np.testing.assert_allclose(
        behind.contributions, [row[3] - row[5] for row in patterns], atol=1e-6
    )
    assert behind.examples == tuple(texts_of(on))


@pytest.mark.parametrize(
    ("to", "tokens"),
    [(["strength", "feeling"], [3, 4]), ("1..2", [1, 2]), ("all but 0", [1, 2, 3, 4, 5])],
)
def test_attention_to_several_tokens_is_their_sum(tiny: Model, to: Any, tokens: list[int]) -> None:
    on = bench(tiny)
    patterns = [tiny.attention(text)[0, 1, FINAL] for text in texts_of(on)]
    expected = np.mean([pattern[tokens].sum() for pattern in patterns])
    found = estimates(claim("attention", site="L0H1", to=to).measure(on))
    assert found["attention"] == pytest.approx(expected, abs=1e-6)


def test_previous_averages_over_every_query_that_has_a_token_before_it(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("attention", site="L0H1", to="previous", **{"from": "all"})
    patterns = [tiny.attention(text)[0, 1] for text in texts_of(on)]
    expected = np.mean([np.diagonal(pattern, -1).mean() for pattern in patterns])
    assert estimates(wanted.measure(on))["attention"] == pytest.approx(expected, abs=1e-6)


def test_tokens_after_the_query_cannot_be_seen(tiny: Model) -> None:
    """A query before the keys attends to none of them, a query among them to some."""
    later = claim("attention", site="L0H0", to="feeling", **{"from": "strength"})
    with pytest.raises(MeasurementError, match="tokens at feeling that the query can see"):
        later.measure(bench(tiny))
    every = claim("attention", site="L0H0", to="feeling", **{"from": "all"})
    patterns = [tiny.attention(text)[0, 0] for text in texts_of(bench(tiny))]
    expected = np.mean([pattern[[4, 5], FEELING].mean() for pattern in patterns])
    assert estimates(every.measure(bench(tiny)))["attention"] == pytest.approx(expected, abs=1e-6)


def test_a_head_that_looks_holds_and_one_that_looks_everywhere_fails(
    tiny: Model, planted: Callable[[Plant], Model]
) -> None:
    seen = estimates(claim("attention", site="L*H*", to="feeling").measure(bench(tiny)))
    name, value = max(seen.items(), key=lambda item: item[1])
    assert value > 0.25
    wanted = claim("attention", site=name.split()[1], to="feeling", expect={"attention": ">= 0.2"})
    finer = game(unit=["start", "strength"])
    assert verdict(wanted, bench(tiny, finer)) == Verdict.HOLDS
    flat = bench(planted(uniform), finer)
    assert estimates(wanted.measure(flat))["attention"] == pytest.approx(1 / 6)
    assert verdict(wanted, flat) == Verdict.FAILS


def test_top_chooses_by_the_difference_and_judges_on_the_other_half(tiny: Model) -> None:
    on = bench(tiny, TWO)
    wanted = claim("attention", site="L*H*", to="feeling", against="other", top=1)
    found = wanted.measure(on)
    (head,) = found.facts.kept
    effects = found.facts.effects
    largest = max(effects, key=lambda name: effects[name] or 0)
    assert head == largest
    assert {one.statistic.n_units for one in found.statistics} == {3}
    assert {one.statistic.member for one in found.statistics} == {head}


def test_units_in_common_are_needed_to_compare_prompts(tiny: Model) -> None:
    vary = {"strength": GAME["vary"]["strength"], "feeling": GAME["vary"]["feeling"]}
    on = bench(tiny, game(template="we feel {strength} {feeling} so", vary=vary))
    wanted = claim("attention", site="L0H0", to="feeling=pain", against="feeling=neutral")
    with pytest.raises(MeasurementError, match="let `unit` name what"):
        wanted.measure(on)
    by_strength = bench(
        tiny, game(template="we feel {strength} {feeling} so", vary=vary, unit=["strength"])
    )
    assert by_name(wanted.measure(by_strength))["difference"].statistic.n_units == 4


def test_a_report_shows_how_a_head_attends_over_one_prompt(tiny: Model) -> None:
    on = bench(tiny)
    facts = claim("attention", site="L1H*", to="feeling=pain").measure(on).facts
    text = next(text for text in texts_of(on) if "pain" in text)
    assert [pattern.head for pattern in facts.patterns] == ["L1H0", "L1H1"]
    for head, pattern in enumerate(facts.patterns):
        assert pattern.tokens == tuple(text.split())
        assert pattern.weights == pytest.approx(tiny.attention(text)[1, head, -1], abs=1e-6)
        assert np.array(pattern.weights).sum() == pytest.approx(1)


def test_facts_are_plain_json(tiny: Model) -> None:
    found = claim("attention", site="L*H*", to="feeling", top=2).measure(bench(tiny))
    assert read_back(found.facts) == found.facts


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"site": "resid_post.L0", "to": "feeling"}, "site", "only heads attend"),
        ({"site": "L0H0.q", "to": "feeling"}, "site", "only heads attend"),
        ({"site": "L0H0", "to": "all"}, "to", "1 by definition"),
        ({"site": "L0H0", "to": "start", "against": "all"}, "against", "1 by definition"),
        ({"site": "L0H0", "to": "start", "from": "previous"}, "from", "not what attends"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(claim("attention", **fields))[key]


def test_some_head_of_the_demo_model_looks_at_the_feeling(demo: Subject) -> None:
    wanted = claim("attention", site="L*H*", to="feeling", top=1, expect={"attention": ">= 0.1"})
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
