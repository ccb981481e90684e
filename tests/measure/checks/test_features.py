"""Features as sites of `neuron`, `ablate`, `patch` and `steer`, by hand and by plain torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from torch import Tensor

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench, Check
from ppcheck.spec.dictionaries import read_dictionary
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.subject.featured import featured
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    answering,
    by_name,
    claim,
    estimates,
    game,
    problems,
    read_back,
    sides_of,
    texts_of,
    token,
    verdict,
)
from tests.spec.dictionaries import SIZE, random_weights, write_dictionary

METRIC = "logit_diff(a, b)"
CLASSES = {"feeling": ["pain", "neutral"]}
VALUES = {"pain": 1.0, "agony": 2.0, "light": -1.0, "hum": -1.0}
ENDS_IN_A_FEELING = game(
    template="{start} {then} we feel {strength} {feeling}",
    vary={**GAME["vary"], "then": ["so", "and", "go", "see", "now", "."]},
)


def bench_with(
    model: Model,
    folder: Path,
    weights: dict[str, Tensor] | None = None,
    prompts: Mapping[str, Any] = GAME,
    **said: Any,
) -> Bench:
    """A bench with one dictionary, sae.it, of the stream after block 0."""
    write_dictionary(folder / "it", weights, **said)
    features = {"sae.it": read_dictionary("sae.it", "it", folder)}
    grid = Grid(PromptSet.model_validate(prompts), folder, features=features)
    return Bench(featured(model.subject, features), grid, seed=0)


def one_of_pain() -> dict[str, Tensor]:
    """Feature 0 is coordinate 2 of the stream, where it is above 0; feature 1 is never active."""
    weights = {name: torch.zeros_like(w) for name, w in random_weights(size=2).items()}
    weights["W_enc"][2, 0] = weights["W_dec"][0, 2] = 1
    weights["b_enc"][1] = -1
    return weights


def logit_gap(coordinate: float, value: float) -> float:
    """A less B where the stream is (1, -1, coordinate, -value, 0 ...), worked by hand."""
    stream = np.array([1.0, -1.0, coordinate, -value, *np.zeros(12)])
    normed = (coordinate - stream.mean()) / np.sqrt(stream.var() + 1e-5)
    return float(4 * normed)


def active(stream: Tensor) -> Tensor:
    w = {name: weight.double() for name, weight in random_weights().items()}
    return torch.relu((stream - w["b_dec"]) @ w["W_enc"] + w["b_enc"])


def stream(model: Model, text: str) -> Tensor:
    return torch.from_numpy(model.hidden(text)[1])


def changed(model: Model, text: str, change: Callable[[Tensor], Tensor]) -> float:
    """A less B at the last word while the stream after block 0 is changed, by a plain hook."""

    def put(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (change(args[0][0])[None], *args[1:])

    handle = model.plain.transformer.h[1].register_forward_pre_hook(put)
    logits = model.logits(text)[-1]
    handle.remove()
    return float(logits[token("A")] - logits[token("B")])


def test_neuron_reads_features_as_sklearn_and_scipy_do(tiny: Model, tmp_path: Path) -> None:
    on = bench_with(tiny, tmp_path)
    wanted = claim("neuron", site="sae.it[*]", position="feeling", separates=CLASSES)
    found, texts = estimates(wanted.measure(on)), texts_of(on)
    at = np.stack([active(stream(tiny, text))[4].numpy() for text in texts])
    pained = ["pain" in text or "agony" in text for text in texts]
    for index in range(SIZE):
        auroc = roc_auc_score(pained, at[:, index])
        assert found[f"auroc sae.it[{index}]"] == pytest.approx(auroc, abs=1e-6)
    wanted = claim("neuron", site="sae.it[*]", position="strength", dose="strength")
    found = estimates(wanted.measure(on))
    at = np.stack([active(stream(tiny, text))[3].numpy() for text in texts])
    doses = [["mild", "firm", "strong", "severe"].index(text.split()[3]) for text in texts]
    firing = [index for index in range(SIZE) if np.ptp(at[:, index]) > 1e-3]
    assert len(firing) > 3
    for index in firing:
        rho = spearmanr(doses, at[:, index]).statistic
        assert found[f"correlation sae.it[{index}]"] == pytest.approx(rho, abs=1e-6)


@pytest.mark.parametrize("ablation", ["zero", "mean"])
def test_ablated_features_are_as_by_hooks_on_the_plain_model(
    tiny: Model, tmp_path: Path, ablation: str
) -> None:
    on = bench_with(tiny, tmp_path)
    wanted = claim("ablate", site="sae.it[0-4]", ablation=ablation, metric=METRIC)
    found, texts = estimates(wanted.measure(on)), texts_of(on)
    decoder = random_weights()["W_dec"].double()
    acts = torch.stack([active(stream(tiny, text)) for text in texts])
    put = acts.mean(0) if ablation == "mean" else torch.zeros(acts.shape[1:])
    for index in range(5):

        def change(h: Tensor, index: int = index) -> Tensor:
            return h + (put - active(h))[:, [index]] * decoder[index]

        after = np.mean([changed(tiny, text, change) for text in texts])
        assert found[f"value sae.it[{index}]"] == pytest.approx(after, abs=1e-4)


def test_features_together_are_one_edit(tiny: Model, tmp_path: Path) -> None:
    on = bench_with(tiny, tmp_path)
    wanted = claim("ablate", site="sae.it[*]", together=True, ablation="zero", metric=METRIC)
    decoder = random_weights()["W_dec"].double()
    after = [changed(tiny, text, lambda h: h - active(h) @ decoder) for text in texts_of(on)]
    assert estimates(wanted.measure(on))["value"] == pytest.approx(np.mean(after), abs=1e-4)


def test_patched_features_are_as_by_hooks_on_the_plain_model(tiny: Model, tmp_path: Path) -> None:
    on, decoder = bench_with(tiny, tmp_path), random_weights()["W_dec"].double()
    wanted = claim("patch", site="sae.it[0-3]", position="feeling", mode="denoise", metric=METRIC)
    found = by_name(wanted.measure(on))
    pairs = [sides_of(text) for text in found["recovery sae.it[0]"].examples]
    plain = [[changed(tiny, side, lambda h: h) for side in pair] for pair in pairs]
    gap = sum(clean - corrupted for clean, corrupted in plain)
    for index in range(4):
        moved = 0.0
        for (clean, corrupted), (_, before) in zip(pairs, plain, strict=True):
            theirs = active(stream(tiny, clean))[4, index]

            def change(h: Tensor, theirs: Tensor = theirs, index: int = index) -> Tensor:
                h = h.clone()
                h[4] += (theirs - active(h)[4, index]) * decoder[index]
                return h

            moved += changed(tiny, corrupted, change) - before
        share = estimates(wanted.measure(on))[f"recovery sae.it[{index}]"]
        assert share == pytest.approx(moved / gap, abs=1e-4)


def at_the_end(site: str, **fields: Any) -> Check:
    """A claim about what pain loses without features at the final token."""
    usual = {"on": "game[feeling=pain]", "position": "final", "ablation": "zero", "metric": METRIC}
    return claim("ablate", **{**usual, "site": site, "expect": {"drop": ">= 5"}, **fields})


def test_ablation_is_as_worked_by_hand_and_keeps_what_is_not_reconstructed(
    planted: Callable[[Plant], Model], tmp_path: Path
) -> None:
    on = bench_with(planted(answering(VALUES)), tmp_path, one_of_pain(), ENDS_IN_A_FEELING)
    measured = at_the_end("sae.it[*]").measure(on)
    found = estimates(measured)
    before = (logit_gap(1, 1) + logit_gap(2, 2)) / 2
    after = (logit_gap(0, 1) + logit_gap(0, 2)) / 2
    assert [before, after] == pytest.approx([9.06, 0.709], abs=0.01)
    assert found["untouched"] == pytest.approx(before, abs=1e-3)
    assert found["value sae.it[0]"] == pytest.approx(after, abs=1e-3)
    # The dictionary makes nothing of the other coordinates, and they stay.
    assert found["drop sae.it[1]"] == 0
    assert verdict(at_the_end("sae.it[0]"), on) is Verdict.HOLDS
    assert verdict(at_the_end("sae.it[1]"), on) is Verdict.FAILS


def test_a_record_says_what_the_reconstruction_costs(
    planted: Callable[[Plant], Model], tmp_path: Path
) -> None:
    on = bench_with(planted(answering(VALUES)), tmp_path, one_of_pain(), ENDS_IN_A_FEELING)
    measured = at_the_end("sae.it[0]").measure(on)
    # Of (1, -1, v, -v, 0 ...) the reconstruction is (0, 0, v, 0 ...), and normed it is the same.
    rebuilt = 4 * (1 - 1 / 16) / np.sqrt(1 / 16 - 1 / 256)
    before = (logit_gap(1, 1) + logit_gap(2, 2)) / 2
    (said,) = read_back(measured.facts).extras["reconstruction"].items()
    assert said[0] == METRIC
    assert said[1]["reconstructed"] == pytest.approx(rebuilt, abs=1e-2)
    assert said[1]["untouched"] == pytest.approx(before, abs=1e-3)
    assert said[1]["cost"] == pytest.approx(before - rebuilt, abs=1e-2)
    note = "sae.it's reconstruction in place of resid_post.L0 at final costs -6.43 of"
    assert any(each.startswith(note) for each in measured.notes)


def test_a_feature_is_steered_along_its_row_of_the_decoder(
    planted: Callable[[Plant], Model], tmp_path: Path
) -> None:
    on = bench_with(planted(answering(VALUES)), tmp_path, one_of_pain(), ENDS_IN_A_FEELING)
    wanted = claim(
        "steer",
        on="game[feeling=hum]",
        site="sae.it[0]",
        eps=[-1, 1],
        metric=METRIC,
        expect={"effect": ">= 1", "excess": "> 0"},
    )
    found = estimates(wanted.measure(on))
    assert found["effect"] == pytest.approx(logit_gap(0, -1) - logit_gap(-2, -1), abs=1e-3)
    assert found["untouched"] == pytest.approx(logit_gap(-1, -1), abs=1e-3)
    assert verdict(wanted, on) is Verdict.HOLDS


@pytest.mark.trust
def test_what_holds_of_the_feature_of_pain_does_not_of_random_features(
    planted: Callable[[Plant], Model], tmp_path: Path
) -> None:
    model = planted(answering(VALUES))
    of_pain = bench_with(model, tmp_path / "pain", one_of_pain(), ENDS_IN_A_FEELING)
    of_nothing = bench_with(model, tmp_path / "random", None, ENDS_IN_A_FEELING)
    expect = {"effect": ">= 5", "excess": "> 0"}
    steered = claim(
        "steer", on="game[feeling=pain]", site="sae.it[0]", metric=METRIC, expect=expect
    )
    for wanted in (at_the_end("sae.it[0]"), steered):
        assert verdict(wanted, of_pain) is Verdict.HOLDS
        assert verdict(wanted, of_nothing) is Verdict.FAILS


@pytest.mark.trust
def test_a_feature_that_separates_the_classes_does_not_where_the_model_does_not(
    planted: Callable[[Plant], Model], tmp_path: Path
) -> None:
    wanted = claim(
        "neuron",
        site="sae.it[0]",
        position="final",
        separates=CLASSES,
        expect={"auroc": ">= 0.8"},
    )
    mixed = {"pain": 1.0, "agony": -1.0, "light": 1.0, "hum": -1.0}
    for values, held in ((VALUES, Verdict.HOLDS), (mixed, Verdict.FAILS)):
        model = planted(answering(values))
        on = bench_with(model, tmp_path / held, one_of_pain(), ENDS_IN_A_FEELING)
        assert verdict(wanted, on) is held


def test_a_direction_is_of_other_sites() -> None:
    direction = {"between": CLASSES}
    steered = claim("steer", site="sae.it[0]", direction=direction, metric=METRIC)
    assert problems(steered)["direction"].endswith("row of the decoder: leave out `direction`")
    steered = claim("steer", site="L0H0", metric=METRIC)
    assert problems(steered)["direction"].startswith("the key 'direction' is missing")
    assert "direction" not in problems(claim("steer", site="sae.it[0]", metric=METRIC))


def test_a_comparison_of_two_features_is_one_of_any_two_sites(
    planted: Callable[[Plant], Model], tmp_path: Path
) -> None:
    on = bench_with(planted(answering(VALUES)), tmp_path, one_of_pain(), ENDS_IN_A_FEELING)
    more = {"drop[sae.it[0]] - drop[sae.it[1]]": ">= 5"}
    wanted = at_the_end("sae.it[0,1]", expect=more)
    assert not problems(wanted, ENDS_IN_A_FEELING)
    assert verdict(wanted, on) is Verdict.HOLDS
