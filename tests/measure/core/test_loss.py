from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
from ppcheck.spec.expectations.metric import Metric, Metrics
from ppcheck.statistics.statistics import Ratio
from tests.measure.hooks import changed, seen
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
    sides_of,
    texts_of,
    token,
    verdict,
)

LEARNED = {"between": {"feeling": ["pain", "neutral"]}, "at": "feeling"}
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


def test_what_comes_after_all_that_is_scored_is_refused(tiny: Model) -> None:
    wanted = claim("ablate", site="L*H*", position="4..5", ablation="zero", metric="loss(feeling)")
    with pytest.raises(MeasurementError, match=r"4\.\.5 comes after all that is read"):
        wanted.measure(bench(tiny))


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
        ("steer", {"site": "L0H0", "position": "strength", "direction": LEARNED}),
        (
            "direction_ablation",
            {"site": "L0H0", "direction": LEARNED},
        ),
    ],
)
def test_checks_that_run_prompts_alone_read_a_loss(
    tiny: Model, check: str, fields: dict[str, Any]
) -> None:
    wanted = claim(check, metric="loss(feeling)", **fields)
    assert "metric" not in problems(wanted)
    assert all(np.isfinite(list(estimates(wanted.measure(bench(tiny))).values())))


@pytest.mark.parametrize("mode", ["denoise", "noise"])
def test_a_loss_under_patching_is_as_by_hooks_on_the_plain_model(tiny: Model, mode: str) -> None:
    on = bench(tiny, AFTER)
    wanted = claim("patch", site="L0H1", position="feeling", mode=mode, metric="loss(start)")
    name = {"denoise": "recovery", "noise": "damage"}[mode]
    found = by_name(wanted.measure(on))
    share = found[name].statistic
    assert isinstance(share, Ratio)
    for pair, moved, gap in zip(
        found[name].examples, share.numerator, share.denominator, strict=True
    ):
        clean, corrupted = sides_of(pair)
        into, since = (clean, corrupted) if mode == "noise" else (corrupted, clean)
        with_it = without_head(tiny, into, [3], output_of(tiny, since)[3])[4:].mean()
        before, after = (by_token(tiny, text)[4:].mean() for text in (clean, corrupted))
        assert gap == pytest.approx(before - after, abs=1e-5)
        assert moved == pytest.approx(
            before - with_it if mode == "noise" else with_it - after, abs=1e-5
        )


AFTER = game(
    template="we feel {strength} {feeling} so {start}",
    vary={**GAME["vary"], "start": ["here", "there now", "on and on", "go", "then", "they"]},
)


def output_of(model: Model, text: str) -> Floats:
    """What head L0H1 outputs, [token, width]."""
    name = "transformer.h.0.attn.c_proj<"
    kept = seen(model, text, {}, name)[name]
    return np.asarray(kept[0, :, 8:16].numpy())


def test_a_loss_passes_along_a_direct_path_as_by_hooks_on_the_plain_model(tiny: Model) -> None:
    wanted = claim("path", sender="L1H1", receiver="logits", mode="noise", metric="loss(start)")
    damage = by_name(wanted.measure(bench(tiny, AFTER)))["damage"]
    assert isinstance(damage.statistic, Ratio)
    output, into = "transformer.h.1.attn.c_proj<", "transformer.ln_f<"
    weight = tiny.plain.transformer.h[1].attn.c_proj.weight[8:16]
    for pair, moved in zip(damage.examples, damage.statistic.numerator, strict=True):
        clean, corrupted = sides_of(pair)
        own, theirs = (seen(tiny, text, {}, output)[output] for text in (clean, corrupted))
        written = (theirs - own)[..., 8:16] @ weight
        with changed(tiny, {into: partial(torch.add, written)}):
            patched = by_token(tiny, clean)[4:].mean()
        assert moved == pytest.approx(by_token(tiny, clean)[4:].mean() - patched, abs=1e-5)


def test_a_pair_whose_scored_tokens_differ_cannot_be_compared(tiny: Model) -> None:
    wanted = claim("patch", site="L0H0", position="feeling", mode="noise", metric="loss(feeling)")
    assert "name a variable that is the same in both" in problems(wanted)["metric"]
    assert "other tokens in clean" in problems(wanted.model_copy(update={"metric": LOSS}))["metric"]
    with pytest.raises(MeasurementError, match="loss of 'here we feel mild pain so' is of other"):
        wanted.measure(bench(tiny))


LOSS = Metrics.parse("loss")


@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("ablate", {"site": "L0H0", "ablation": "resample"}),
        ("flow", {}),
        ("logit_lens", {}),
    ],
)
def test_checks_that_read_one_token_alone_refuse_a_loss(check: str, fields: dict[str, Any]) -> None:
    wrong = problems(claim(check, metric="loss", **fields))
    assert "a loss is read in untouched runs and under `ablate`" in wrong["metric"]


def test_a_variable_that_there_is_not_is_named() -> None:
    wrong = problems(claim("contrast", metric="loss(felling)"))
    assert "did you mean 'feeling'?" in wrong["metric"]
