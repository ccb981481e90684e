from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu, spearmanr
from sklearn.metrics import roc_auc_score
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    GAME,
    WORDINGS,
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
    read_back,
    sides_of,
    texts_of,
    token,
    verdict,
)

CLASSES = {"feeling": ["pain", "neutral"]}
METRIC = "logit_diff(a, b)"


def neurons(model: Model, texts: list[str], layer: int, at: int = -1) -> Floats:
    """Activations after the nonlinearity, [text, neuron], by a plain hook."""
    rows = []

    def keep(_: Any, args: tuple[Tensor]) -> None:
        rows.append(args[0][0, at].numpy())

    handle = model.plain.transformer.h[layer].mlp.c_proj.register_forward_pre_hook(keep)
    with torch.inference_mode():
        for text in texts:
            model.plain(ids(text))
    handle.remove()
    return np.stack(rows)


def pained(texts: list[str]) -> list[bool]:
    return ["pain" in text or "agony" in text for text in texts]


def test_auroc_is_sklearns_for_every_neuron(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("neuron", site="L1N*", position="final", separates=CLASSES)
    found = estimates(wanted.measure(on))
    texts = texts_of(on)
    columns = neurons(tiny, texts, 1)
    expected = {f"auroc L1N{n}": roc_auc_score(pained(texts), columns[:, n]) for n in range(12)}
    assert found == pytest.approx(expected, abs=1e-3)


def test_correlation_is_scipys_for_every_neuron(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("neuron", site="L0N*", position="strength", dose="strength")
    found = estimates(wanted.measure(on))
    texts = texts_of(on)
    doses = [prompt.words["strength"].dose for prompt in on.grid.prompts]
    columns = neurons(tiny, texts, 0, at=3)
    for n in range(12):
        expected = spearmanr(doses, columns[:, n].round(6)).statistic
        assert found[f"correlation L0N{n}"] == pytest.approx(expected, abs=0.02)


def test_coordinates_of_a_stream_are_those_of_transformers(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("neuron", site="resid_pre.L1", position="feeling", separates=CLASSES)
    found = estimates(wanted.measure(on))
    texts = texts_of(on)
    states = np.stack([tiny.hidden(text)[1, 4] for text in texts])
    for n in (0, 7, 15):
        expected = roc_auc_score(pained(texts), states[:, n])
        assert found[f"auroc resid_pre.L1[{n}]"] == pytest.approx(expected, abs=1e-3)


def test_contributions_average_to_the_statistic(tiny: Model) -> None:
    wanted = claim(
        "neuron", site="L1N3", position="final", separates=CLASSES, dose="strength"
    ).measure(bench(tiny))
    found = estimates(wanted)
    for name, behind in by_name(wanted).items():
        assert behind.contributions.mean() == pytest.approx(found[name])


def test_other_classes_are_left_out_and_both_are_needed(tiny: Model) -> None:
    feelings = {"pain": ["pain"], "neutral": ["light"], "joy": ["joy"]}
    on = bench(tiny, game(vary={**GAME["vary"], "feeling": feelings}))
    wanted = claim("neuron", site="L1N0", position="final", separates=CLASSES)
    assert not any("joy" in text for text in by_name(wanted.measure(on))["auroc"].examples)
    alone = claim(
        "neuron", on="game[feeling=pain]", site="L1N0", position="final", separates=CLASSES
    )
    with pytest.raises(MeasurementError, match="do not have both classes"):
        alone.measure(on)


def test_top_turns_the_sign_of_what_it_saw_the_other_way_round(tiny: Model) -> None:
    """Exchanging the classes changes nothing, for the sign comes from the half that chose."""
    on = bench(tiny)
    usual = claim("neuron", site="L1N*", position="feeling", separates=CLASSES, top=3)
    other = claim(
        "neuron",
        site="L1N*",
        position="feeling",
        separates={"feeling": ["neutral", "pain"]},
        top=3,
    )
    found, exchanged = estimates(usual.measure(on)), estimates(other.measure(on))
    assert found == pytest.approx(exchanged)
    assert min(found.values()) > 0.5
    columns = neurons(tiny, texts_of(on), 1, at=4)
    aurocs = [roc_auc_score(pained(texts_of(on)), columns[:, n]) for n in range(12)]
    kept = [int(name.split("N")[1]) for name in found]
    assert min(aurocs[n] for n in kept) < 0.5


def test_without_top_no_sign_is_turned(tiny: Model) -> None:
    on = bench(tiny)
    usual = estimates(
        claim("neuron", site="L1N*", position="feeling", separates=CLASSES).measure(on)
    )
    other = claim(
        "neuron", site="L1N*", position="feeling", separates={"feeling": ["neutral", "pain"]}
    )
    exchanged = estimates(other.measure(on))
    assert exchanged == pytest.approx({name: 1 - value for name, value in usual.items()})


def test_a_neuron_separates_no_more_once_the_words_are_one(
    planted: Callable[[Plant], Model],
) -> None:
    """Attention is off, so that a neuron sees nothing but the word itself."""

    def one(model: Any) -> None:
        blind(model)
        words = model.transformer.wte.weight
        for word in ("pain", "light"):
            words[token(word)] = words[token("joy")]

    wanted = claim(
        "neuron",
        site="L0N*",
        position="feeling",
        separates=CLASSES,
        top=1,
        expect={"auroc": ">= 0.7"},
    )
    words = {"pain": ["pain"], "neutral": ["light"]}
    finer = game(vary={**GAME["vary"], "feeling": words}, unit=[])
    assert verdict(wanted, bench(planted(blind), finer)) == Verdict.HOLDS
    assert verdict(wanted, bench(planted(one), finer)) == Verdict.FAILS


def test_a_dead_neuron_has_no_correlation_but_other_statistics_are_judged(
    planted: Callable[[Plant], Model],
) -> None:
    def dead(model: Any) -> None:
        model.transformer.h[1].mlp.c_fc.weight[:, 0] = 0

    on = bench(planted(dead))
    both = {"separates": CLASSES, "dose": "strength", "site": "L1N0", "position": "final"}
    wanted = claim("neuron", **both, expect={"auroc": ">= 0.9"})
    assert estimates(wanted.measure(on)) == {"auroc": 0.5}
    assert verdict(wanted, on) == Verdict.FAILS
    with pytest.raises(MeasurementError, match="correlation is undefined"):
        verdict(claim("neuron", **both, expect={"correlation": ">= 0.9"}), on)


def test_neurons_are_patched_alone_and_as_a_cluster(tiny: Model) -> None:
    on = bench(tiny)
    found = estimates(
        claim("neuron", site="L1N*", position="final", separates=CLASSES, metric=METRIC).measure(on)
    )
    alone = estimates(
        claim("patch", site="L1N*", position="final", mode="denoise", metric=METRIC).measure(on)
    )
    whole = estimates(
        claim("patch", site="mlp_out.L1", position="final", mode="denoise", metric=METRIC).measure(
            on
        )
    )
    for n in range(12):
        name = f"recovery L1N{n}"
        assert found[name] == pytest.approx(alone[name])
    assert found["cluster_recovery"] == pytest.approx(whole["recovery"], abs=1e-4)


def test_patched_pairs_are_judged_on_what_was_not_looked_at(tiny: Model) -> None:
    """Each prompt is a unit here, and the pairs are half of them."""
    on = bench(tiny, game(unit=[]))
    wanted = claim("neuron", site="L1N*", position="final", separates=CLASSES, metric=METRIC, top=1)
    found = by_name(wanted.measure(on))
    (name,) = (key for key in found if key.startswith("auroc"))
    judged = set(found[name].examples)
    for pair in found["cluster_recovery"].examples:
        assert set(sides_of(pair)) <= judged


def test_chance_is_corrected_for_all_neurons_searched(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("neuron", site="L1N*", position="final", separates=CLASSES, top=1)
    facts = wanted.measure(on).facts
    assert facts.searched == 12
    best = int(facts.kept[0].split("N")[1])
    column = neurons(tiny, texts_of(on), 1)[:, best]
    units = np.array([prompt.unit for prompt in on.grid.prompts])
    first = np.array(pained(texts_of(on)))
    sides = [
        [column[side & (units == unit)].mean() for unit in np.unique(units)]
        for side in (first, ~first)
    ]
    p = mannwhitneyu(*sides).pvalue
    assert facts.extras["chance_after_correction"]["p"] == pytest.approx(p)
    assert facts.extras["chance_after_correction"]["corrected_p"] == pytest.approx(min(1, 12 * p))
    assert read_back(facts) == facts


def test_a_report_shows_the_activations_of_both_classes(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("neuron", site="L1N3", position="final", separates=CLASSES)
    groups = wanted.measure(on).facts.separations["activation of L1N3 at final"]
    column = neurons(tiny, texts_of(on), 1)[:, 3]
    first = np.array(pained(texts_of(on)))
    assert list(groups) == list(CLASSES["feeling"])
    for values, mask in zip(groups.values(), (first, ~first), strict=True):
        seen = np.array(values)
        assert seen.min() == pytest.approx(column[mask].min(), abs=1e-5)
        assert seen.max() == pytest.approx(column[mask].max(), abs=1e-5)


def test_relabelling_units_changes_no_estimate(tiny: Model) -> None:
    wanted = claim("neuron", site="L1N*", position="final", separates=CLASSES, dose="strength")
    usual = estimates(wanted.measure(bench(tiny)))
    assert estimates(wanted.measure(bench(tiny, game(unit=["strength"])))) == usual


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({}, "check", "`separates`, `dose` or both"),
        ({"separates": {"felling": ["pain", "neutral"]}}, "separates", "not a variable"),
        ({"separates": {"feeling": ["pain", "neutrl"]}}, "separates", "did you mean 'neutral'"),
        ({"dose": "feeling"}, "dose", "not an ordered variable"),
        ({"dose": "strength", "position": "previous"}, "position", "attention only"),
        ({"dose": "strength", "position": "2..4"}, "position", "one token, and 2..4 is several"),
        (
            {"dose": "strength", "position": ["feeling", "final"]},
            "position",
            "is several: name one",
        ),
        ({"dose": "strength", "site": "L0H0.pattern"}, "site", "use the check `attention`"),
        ({"dose": "strength", "site": "blocks.0.attn.hook_result"}, "site", "after W_O, and is"),
        ({"dose": "strength", "site": "L0H0", "metric": METRIC}, "site", "patches neurons"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    wanted = claim("neuron", **{"site": "L0N0", "position": "final", **fields})
    assert message in problems(wanted)[key]


def test_neurons_of_the_demo_model_tell_pain_from_neutral(demo: Subject) -> None:
    wanted = claim(
        "neuron",
        on="game[intensity=extreme]",
        site="L[2-3]N*",
        position="final",
        separates=CLASSES,
        top=2,
        expect={"auroc": ">= 0.9"},
    )
    assert verdict(wanted, bench(demo, WORDINGS)) == Verdict.HOLDS
