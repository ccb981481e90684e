from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.metrics import read
from ppcheck.spec.expectations.metric import Metric
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    bench,
    blind,
    by_name,
    claim,
    estimates,
    game,
    ids,
    problems,
    texts_of,
    token,
    verdict,
)

LONG = game(vary={**GAME["vary"], "strength": ["mild", "so firm"], "start": ["here", "there now"]})


def by_token(model: Model, text: str) -> Floats:
    """The loss of every token but the first, by transformers' logits."""
    words = text.split()
    known = log_softmax(model.logits(text), axis=1)
    return np.array([-known[n - 1, token(words[n])] for n in range(1, len(words))])


@pytest.mark.parametrize("metric", ["loss", "loss(strength)", "loss(feeling)"])
def test_a_loss_is_the_mean_cross_entropy_of_its_own_tokens(tiny: Model, metric: str) -> None:
    on = bench(tiny, LONG)
    encoded = on.subject.encode(on.grid.prompts)
    found = read(on.subject, encoded, Metric.parse(metric), "sum")
    for value, prompt, spans in zip(found, on.grid.prompts, encoded.spans, strict=True):
        losses, name = by_token(tiny, prompt.text), metric[5:-1]
        own = losses if metric == "loss" else losses[[n - 1 for n in spans[name]]]
        assert value == pytest.approx(own.mean(), abs=1e-5)


def test_what_nothing_stands_before_has_no_loss(tiny: Model) -> None:
    on = bench(tiny)
    encoded = on.subject.encode(on.grid.prompts)
    with pytest.raises(MeasurementError, match=r"first token of 'here we feel .*' has no loss"):
        read(on.subject, encoded, Metric.parse("loss(start)"), "sum")


def without_head(model: Model, text: str, tokens: list[int], to: Floats | float) -> Floats:
    """Losses while head L0H1 is set at some tokens, by a plain hook."""

    def put(_: Any, args: tuple[Tensor]) -> tuple[Tensor]:
        changed = args[0].clone()
        changed[0, tokens, 8:16] = torch.as_tensor(to, dtype=changed.dtype)
        return (changed,)

    projection = model.plain.transformer.h[0].attn.c_proj
    handle = projection.register_forward_pre_hook(put)
    try:
        return by_token(model, text)
    finally:
        handle.remove()


@pytest.mark.parametrize(
    ("position", "tokens"), [("all", [0, 1, 2, 3, 4, 5]), ("1..2", [1, 2]), ("strength", [3])]
)
def test_a_loss_under_ablation_is_as_by_hooks_on_the_plain_model(
    tiny: Model, position: str, tokens: list[int]
) -> None:
    on = bench(tiny)
    wanted = claim(
        "ablate", site="L0H1", position=position, ablation="zero", metric=["loss", "loss(feeling)"]
    )
    found = estimates(wanted.measure(on))
    after = np.array([without_head(tiny, text, tokens, 0.0) for text in texts_of(on)])
    before = np.array([by_token(tiny, text) for text in texts_of(on)])
    assert found["value"] == pytest.approx(after.mean(), abs=1e-5)
    assert found["drop"] == pytest.approx((before - after).mean(), abs=1e-5)
    assert found["value@loss(feeling)"] == pytest.approx(after[:, 3].mean(), abs=1e-5)


def test_a_mean_is_set_at_the_tokens_that_are_read(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("ablate", site="L0H1", ablation="mean", metric="loss(feeling)")
    kept: list[Tensor] = []
    projection = tiny.plain.transformer.h[0].attn.c_proj
    handle = projection.register_forward_pre_hook(lambda _, args: kept.append(args[0][0, :, 8:16]))
    for text in texts_of(on):
        with torch.inference_mode():
            tiny.plain(ids(text))
    handle.remove()
    mean = torch.stack(kept).mean(dim=0).numpy()
    after = [without_head(tiny, text, list(range(6)), mean)[3] for text in texts_of(on)]
    assert estimates(wanted.measure(on))["value"] == pytest.approx(np.mean(after), abs=1e-5)


def test_what_comes_after_a_token_does_not_change_its_loss(tiny: Model) -> None:
    wanted = claim("ablate", site="L*H*", position="4..5", ablation="zero", metric="loss(feeling)")
    drops = [one for name, one in by_name(wanted.measure(bench(tiny))).items() if "drop" in name]
    assert len(drops) == 4
    assert all((one.statistic.values() == 0).all() for one in drops)


def test_where_heads_bring_nothing_no_loss_rises(planted: Callable[[Plant], Model]) -> None:
    wanted = claim(
        "ablate", site="L0H1", ablation="zero", metric="loss(feeling)", expect={"drop": "<= -0.01"}
    )
    assert verdict(wanted, bench(planted(blind))) == Verdict.FAILS


@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("contrast", {}),
        ("dose_response", {"dose": "strength"}),
        ("invariance", {"over": "start"}),
        ("steer", {"site": "L0H0", "direction": {"between": {"feeling": ["pain", "neutral"]}}}),
        (
            "direction_ablation",
            {"site": "L0H0", "direction": {"between": {"feeling": ["pain", "neutral"]}}},
        ),
    ],
)
def test_checks_that_run_prompts_alone_read_a_loss(
    tiny: Model, check: str, fields: dict[str, Any]
) -> None:
    wanted = claim(check, metric="loss(feeling)", **fields)
    assert "metric" not in problems(wanted)
    assert all(np.isfinite(list(estimates(wanted.measure(bench(tiny))).values())))


@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("patch", {"site": "L0H0", "mode": "denoise"}),
        ("ablate", {"site": "L0H0", "ablation": "resample"}),
        ("logit_lens", {}),
    ],
)
def test_checks_that_read_the_final_token_alone_refuse_a_loss(
    check: str, fields: dict[str, Any]
) -> None:
    wrong = problems(claim(check, metric="loss", **fields))
    assert "`loss` is read in untouched runs, zero and mean ablation" in wrong["metric"]


def test_a_variable_that_there_is_not_is_named() -> None:
    wrong = problems(claim("contrast", metric="loss(felling)"))
    assert "did you mean 'feeling'?" in wrong["metric"]
