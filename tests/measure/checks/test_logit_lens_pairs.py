"""The logit lens on clean minus corrupted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from tests.measure.checks.test_attribution_pairs import (
    COMMON,
    DEFAULT,
    PAIRS,
    VALUES,
    biased,
    preferred,
)
from tests.measure.checks.test_flow import swapped
from tests.measure.checks.test_logit_lens import METRIC, differences, through_the_end
from tests.measure.lab import (
    Model,
    Plant,
    answering,
    bench,
    by_name,
    claim,
    curve_of,
    estimates,
    last,
    problems,
    read_back,
    sides_of,
    texts_of,
    token,
    verdict,
)


def test_a_default_is_decided_at_once_and_the_two_part_where_the_feeling_arrives(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(biased))
    alone = estimates(claim("logit_lens", on="game[feeling=pain]", metric=METRIC).measure(on))
    found = estimates(claim("logit_lens", metric=METRIC, pairs=PAIRS).measure(on))
    assert alone["decided_at"] == 0
    assert found["parted_at"] == 1
    whole = {word: sum(preferred(word)) for word in VALUES}
    gap = (whole["pain"] - whole["light"] + whole["agony"] - whole["hum"]) / 2
    default = 6 * DEFAULT / np.sqrt((2 * COMMON**2 + 2 * DEFAULT**2) / 16)
    assert alone["value resid_post.L0"] == pytest.approx(default, rel=1e-4)
    assert found["difference resid_post.L0"] == pytest.approx(0, abs=1e-5)
    assert found["difference resid_post.L1"] == pytest.approx(gap, rel=1e-4)
    assert found["gap"] == pytest.approx(gap, rel=1e-4)
    assert found["agreement resid_post.L0"] == 0
    assert found["agreement resid_post.L1"] == 1


def test_a_claim_about_where_they_part_holds_and_fails(planted: Callable[[Plant], Model]) -> None:
    on = bench(planted(biased))
    for layer, verdict_of in ((1, Verdict.HOLDS), (0, Verdict.FAILS)):
        expect = {"parted_at": f"{layer}..{layer}", "gap": "> 0.3"}
        wanted = claim("logit_lens", metric=METRIC, pairs=PAIRS, expect=expect)
        assert verdict(wanted, on) == verdict_of


def test_each_pair_is_the_difference_of_what_the_end_makes_of_hidden_states(tiny: Model) -> None:
    on = bench(tiny)
    found = claim("logit_lens", metric=[METRIC, "prob(a)"], pairs=PAIRS).measure(on)
    clean = [text for text in texts_of(on) if {"pain", "agony"} & set(text.split())]
    twins = list(map(swapped, clean))
    behind = by_name(found)
    final = differences(last(tiny, clean)) - differences(last(tiny, twins))
    np.testing.assert_allclose(behind["gap"].contributions, final, atol=1e-5)
    first = [sides_of(text)[0] for text in behind["gap"].examples]
    assert first == clean
    margins = []
    for site, layer in (("resid_post.L0", 1), ("resid_pre.L0", 0)):
        logits = [through_the_end(tiny, texts, layer) for texts in (clean, twins)]
        read = differences(logits[0]) - differences(logits[1])
        margins.append(read.sum())
        value = behind[f"difference {site}"].contributions
        np.testing.assert_allclose(value, read, atol=1e-5)
        assert estimates(found)[f"share {site}"] == pytest.approx(
            read.sum() / final.sum(), abs=1e-4
        )
        probs = [np.exp(log_softmax(each, axis=1))[:, token("A")] for each in logits]
        np.testing.assert_allclose(
            behind[f"difference@prob(a) {site}"].contributions, probs[0] - probs[1], atol=1e-5
        )
    assert estimates(found)["parted_at"] == (0 if margins[0] / final.sum() > 0.5 else 1)
    curve = curve_of(found, f"{METRIC}, clean - corrupted, read from the stream")
    assert curve.y[-1] == pytest.approx(final.mean(), abs=1e-5)
    assert read_back(found.facts) == found.facts


def test_a_model_that_does_not_tell_the_two_apart_parts_nowhere(
    planted: Callable[[Plant], Model],
) -> None:
    wanted = claim("logit_lens", metric=METRIC, pairs=PAIRS)
    with pytest.raises(MeasurementError, match="same on clean and corrupted"):
        wanted.measure(bench(planted(answering({"so": 1.0}))))


def test_statistics_of_pairs_have_names_of_their_own() -> None:
    pairs: dict[str, Any] = {"metric": [METRIC, "p(a)"], "pairs": PAIRS}
    found = claim("logit_lens", **pairs).statistics()
    assert set(found) == {
        *("parted_at", "share", "agreement", "difference", "gap"),
        *("difference@p(a)", "gap@p(a)"),
    }
    assert found["gap@p(a)"].low == -1
    assert "expect" not in problems(claim("logit_lens", **pairs, expect={"parted_at": "1..1"}))


def test_a_divergence_has_no_difference() -> None:
    wanted = claim("logit_lens", metric=[METRIC, "kl"], pairs=PAIRS)
    assert "leave out `pairs`, or `kl`" in problems(wanted)["metric"]
