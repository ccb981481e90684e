from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ppcheck.errors import MeasurementError
from ppcheck.judge.interval import interval
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.facts import Map
from ppcheck.measure.probes import fitting
from ppcheck.measure.probes.fitting import ALPHAS, ProbeTask
from ppcheck.measure.probes.skill import Skill
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    DEMO,
    GAME,
    Model,
    Plant,
    bench,
    blind,
    by_name,
    claim,
    curve_of,
    estimates,
    game,
    problems,
    read_back,
    texts_of,
    token,
    verdict,
)

RESULT = "blocks.0.attn.hook_result[1]"
CLASSES = {"separates": {"feeling": ["pain", "neutral"]}, "folds": 3}
DOSE = {"dose": "strength", "folds": 3}
STARTS = ["here", "there", "now", "then", "they", "on", "go", "see", "A", "B"]
FEELINGS = {
    "pain": ["pain", "agony", "ache", "joy", "go", "see", "and"],
    "neutral": ["light", "hum", "shade", "firm", "on", "they", "then"],
}
MANY = game(vary={**GAME["vary"], "start": STARTS})
UNSEEN = game(
    vary={"start": STARTS[:3], "strength": ["mild", "strong"], "feeling": FEELINGS},
    unit=["feeling"],
)


def relay(block: int) -> Plant:
    """Block number `block` takes the class of the feeling from its token to the final one."""

    def plant(model: Any) -> None:
        for parameter in model.parameters():
            parameter.zero_()
        body = model.transformer
        for norm in (*(n for b in body.h for n in (b.ln_1, b.ln_2)), body.ln_f):
            norm.weight.fill_(1)
        body.wte.weight[:, 0], body.wte.weight[:, 1] = 5, -5
        for sign, words in zip((1, -1), FEELINGS.values(), strict=True):
            for word in words:
                body.wte.weight[token(word), 2], body.wte.weight[token(word), 3] = sign, -sign
        body.wpe.weight[4, 4], body.wpe.weight[4, 5] = 1, -1
        attention = body.h[block].attn
        attention.c_attn.bias[0] = 30
        attention.c_attn.weight[4, 16] = 30
        attention.c_attn.weight[2, 32] = 1
        attention.c_proj.weight[0, 6], attention.c_proj.weight[0, 7] = 2, -2

    return plant


def units(on: Bench) -> np.ndarray:
    return np.array([prompt.unit for prompt in on.grid.prompts])


def stream(model: Model, on: Bench, layer: int, at: int) -> np.ndarray:
    """The stream before a block, by the plain model, [prompt, width]."""
    return np.stack([model.hidden(text)[layer, at] for text in texts_of(on)])


def counted(texts: list[str]) -> np.ndarray:
    known = sorted({word for text in texts for word in text.split()})
    bags = [Counter(text.split()) for text in texts]
    return np.array([[float(bag[word]) for word in known] for bag in bags])


def by_scikit(features: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Out-of-fold log-odds, by scikit-learn's own loop."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    return np.asarray(
        cross_val_predict(
            pipeline, features, labels, groups=groups, cv=folds, method="decision_function"
        )
    )


def test_accuracy_and_auroc_are_those_of_scikit_learns_own_pipeline(tiny: Model) -> None:
    on = bench(tiny)
    found = claim("probe", site="resid_pre.L1", **CLASSES).measure(on)
    labels = np.array([prompt.words["feeling"].label == "pain" for prompt in on.grid.prompts])
    log_odds = by_scikit(stream(tiny, on, 1, -1), labels, units(on))
    right = (log_odds > 0) == labels
    values = estimates(found)
    assert values["accuracy"] == pytest.approx(right.mean())
    assert values["auroc"] == pytest.approx(roc_auc_score(labels, log_odds))
    assert 0.5 < values["accuracy"] <= 1
    words = (by_scikit(counted(texts_of(on)), labels, units(on)) > 0) == labels
    assert values["words"] == pytest.approx(words.mean())
    assert values["over_words"] == pytest.approx(right.mean() - words.mean())
    lead = by_name(found)["over_words"].statistic.values()
    np.testing.assert_array_equal(lead, right * 1.0 - words)


def test_r2_is_that_of_scikit_learns_own_pipeline(tiny: Model) -> None:
    on = bench(tiny)
    found = estimates(claim("probe", site="resid_pre.L1", **DOSE).measure(on))
    doses = np.array([prompt.words["strength"].dose or 0.0 for prompt in on.grid.prompts])
    folds = GroupKFold(3, shuffle=True, random_state=0)

    def r2(features: np.ndarray) -> float:
        pipeline = make_pipeline(StandardScaler(), RidgeCV(ALPHAS))
        told = cross_val_predict(pipeline, features, doses, groups=units(on), cv=folds)
        return float(r2_score(doses, told))

    assert found["r2"] == pytest.approx(r2(stream(tiny, on, 1, -1)), abs=1e-4)
    assert found["words"] == pytest.approx(r2(counted(texts_of(on))), abs=1e-6)
    assert found["over_words"] == pytest.approx(found["r2"] - found["words"])
    assert found["over_shuffled"] == pytest.approx(found["r2"] - found["shuffled"])
    assert found["shuffled"] < 0.1


def test_the_words_alone_explain_what_stands_in_the_prompt(tiny: Model) -> None:
    """Decodable at the word itself, and no better than by reading the word."""
    on = bench(tiny, MANY)
    wanted = claim("probe", site="resid_pre.L0", position="feeling", **CLASSES)
    found = wanted.measure(on)
    values = estimates(found)
    assert (values["accuracy"], values["words"], values["over_words"]) == (1, 1, 0)
    assert values["over_shuffled"] > 0.3
    ends = interval(by_name(found)["over_words"].statistic, seed=0)
    assert (ends.low, ends.high) == pytest.approx((-(1 - 0.025**0.1), 1 - 0.025**0.1))
    better = claim("probe", site="resid_pre.L0", **CLASSES, expect={"over_words": "> 0.05"})
    assert verdict(better, on) != Verdict.HOLDS


def test_what_comes_later_cannot_be_told(tiny: Model) -> None:
    """No token of a decoder knows of the feeling before it was said."""
    on = bench(tiny, MANY)
    wanted = claim("probe", site="resid_post.L*", position="start", **CLASSES)
    values = estimates(wanted.measure(on))
    for layer in (0, 1):
        assert values[f"accuracy resid_post.L{layer}"] <= 0.5
        assert values[f"over_words resid_post.L{layer}"] <= -0.5
    better = {"accuracy": "> 0.5", "over_shuffled": "> 0"}
    told = claim("probe", site="resid_post.L1", position="start", **CLASSES, expect=better)
    assert verdict(told, on) != Verdict.HOLDS


def test_a_model_in_which_nothing_moves_tells_nothing_at_the_end(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(blind), MANY)
    for what in (CLASSES, DOSE):
        expect = {"over_shuffled": "> 0", "words": ">= 0.5"}
        found = claim("probe", site=["resid_post.L*", "L*H*"], **what, expect=expect)
        assert verdict(found, on) != Verdict.HOLDS


def test_a_planted_class_is_told_of_words_that_the_probe_never_saw(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(relay(1)), UNSEEN)
    expect = {"accuracy": ">= 0.7", "over_words": ">= 0.1"}
    wanted = claim("probe", site="resid_post.L1", **CLASSES, expect=expect)
    assert verdict(wanted, on) == Verdict.HOLDS
    values = estimates(wanted.measure(on))
    assert (values["accuracy"], values["auroc"]) == (1, 1)
    assert values["words"] <= 0.5
    before = claim("probe", site="resid_pre.L1", **CLASSES, expect=expect)
    assert verdict(before, on) != Verdict.HOLDS


def test_held_out_words_tell_a_class_from_its_words(planted: Callable[[Plant], Model]) -> None:
    """In the same units the words that a probe saw are told by the words alone."""
    feelings = {label: words[:3] for label, words in FEELINGS.items()}
    on = bench(planted(relay(1)), game(vary={**MANY["vary"], "feeling": feelings}))
    wanted = claim("probe", site="resid_post.L1", **CLASSES)
    held_out = claim("probe", site="resid_post.L1", hold_out="feeling", **CLASSES)
    plain, found = estimates(wanted.measure(on)), estimates(held_out.measure(on))
    assert (plain["accuracy"], plain["words"]) == (1, 1)
    assert (found["accuracy"], found["words"], found["over_words"]) == (1, 0.5, 0.5)
    assert held_out.measure(on).facts.extras["held_out"] == "feeling"


@pytest.mark.parametrize("block", [0, 1])
def test_the_first_layer_is_that_of_the_block_that_was_planted(
    planted: Callable[[Plant], Model], block: int
) -> None:
    on = bench(planted(relay(block)), UNSEEN)
    wanted = claim(
        "probe",
        site=["resid_post.L*", "attn_out.L*"],
        position=["final", "feeling"],
        level=0.9,
        **CLASSES,
    )
    found = wanted.measure(on)
    values = estimates(found)
    assert values["first_layer resid_post at final"] == block
    assert values["first_layer resid_post at feeling"] == 0
    assert values["peak_layer resid_post at final"] == block
    assert values["first_layer attn_out at final"] == block
    streams = ("resid_post", "attn_out")
    assert found.facts.maps["accuracy of feeling at final"] == Map(
        rows=("L0", "L1"),
        columns=streams,
        values=tuple(
            tuple(values[f"accuracy {stream}.L{layer} at final"] for stream in streams)
            for layer in (0, 1)
        ),
    )


def test_a_layer_never_reached_counts_as_one_too_many(tiny: Model) -> None:
    wanted = claim("probe", site="resid_pre.L*", position="start", level=0.9, **CLASSES)
    assert estimates(wanted.measure(bench(tiny)))["first_layer"] == 2


def test_curves_show_the_probe_and_both_controls_by_layer(tiny: Model) -> None:
    found = claim("probe", site="resid_post.L*", **CLASSES).measure(bench(tiny))
    values = estimates(found)
    figure = "accuracy of feeling in resid_post"
    assert found.facts.curves.keys() == {
        figure,
        f"{figure}, words alone",
        f"{figure}, shuffled labels",
    }
    for name, statistic in (("", "accuracy"), (", shuffled labels", "shuffled")):
        curve = curve_of(found, f"{figure}{name}")
        assert list(curve.y) == [values[f"{statistic} resid_post.L{n}"] for n in (0, 1)]
        assert (curve.x, curve.x_label) == ((0, 1), "layer")
        assert (np.diff([curve.low, curve.y, curve.high], axis=0) >= 0).all()
    assert curve_of(found, f"{figure}, words alone").y == (values["words"],) * 2
    assert read_back(found.facts) == found.facts
    assert "decodable is not causal" in found.notes[0]
    perfect = Skill(ProbeTask(np.tile([1.0, 0.0], 20), np.arange(40), True, 5, 0), np.arange(40))
    assert perfect.curve([np.ones(40)]).low == pytest.approx([0.025 ** (1 / 40)])
    assert f"the words alone {values['words']:.2f}" in found.notes[1]


def test_the_best_is_chosen_on_one_half_and_fitted_again_on_the_other(tiny: Model) -> None:
    on = bench(tiny, MANY)
    wanted = claim("probe", site="L*H*", top=1, **CLASSES)
    found = wanted.measure(on)
    best, judged = found.facts.kept[0], by_name(found)
    examples = list(judged[f"accuracy {best}"].examples)
    assert len(examples) == found.facts.prompts - found.facts.looked_at
    kept = [n for n, text in enumerate(texts_of(on)) if text in examples]
    prompts = [on.grid.prompts[n] for n in kept]
    labels = np.array([prompt.words["feeling"].label == "pain" for prompt in prompts])
    encoded = on.subject.encode(prompts)
    (site,) = (site for site in on.subject.sites(wanted.site) if str(site) == best)  # type: ignore[attr-defined]
    (column,) = on.subject.capture(encoded, [site], encoded.single(wanted.position.positions[0]))  # type: ignore[attr-defined]
    log_odds = by_scikit(column, labels, units(on)[kept])
    expected = ((log_odds > 0) == labels).mean()
    assert estimates(found)[f"accuracy {best}"] == pytest.approx(expected)
    assert "1 of 4 sites chosen on one half" in found.notes[0]


def test_fits_that_are_stopped_are_counted_and_said(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "STEPS", 1)
    found = claim("probe", site="resid_post.L0", shuffles=2, **CLASSES).measure(bench(tiny))
    assert found.facts.extras["fits"] == 3 * 4
    assert f"{found.facts.extras['unfinished_fits']} of 12 fits were stopped" in found.notes[-1]
    assert found.facts.extras["unfinished_fits"] > 6


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({}, "check", "give one of them"),
        ({**CLASSES, "dose": "strength"}, "check", "give one of them"),
        ({"separates": {"feeling": ["pain", "joy"]}}, "separates", "there is pain, neutral"),
        ({"separates": {"felling": ["pain", "joy"]}}, "separates", "is not a variable"),
        ({"dose": "feeling"}, "dose", "not an ordered variable"),
        ({**CLASSES, "position": "all"}, "position", "reads one token"),
        ({**CLASSES, "position": "all but final"}, "position", "all but final is several: list"),
        ({**CLASSES, "position": ["final", "previous"]}, "position", "attention only"),
        ({**CLASSES, "position": ["final", "felling"]}, "position", "did you mean 'feeling'?"),
        ({**CLASSES, "site": "L0H0.pattern"}, "site", "`attention`"),
        ({**CLASSES, "site": RESULT}, "site", "write blocks.0.attn.hook_z[1], or attn_out"),
        ({**CLASSES, "site": "L0H*", "level": 0.8}, "level", "write resid_post.L*"),
        ({**CLASSES, "hold_out": "felling"}, "hold_out", "did you mean 'feeling'?"),
        ({**CLASSES, "site": "attn_out.L0", "level": 0.8}, "level", "write attn_out.L*"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(claim("probe", **{"site": "resid_post.L*", **fields}))[key]


def test_statistics_are_those_that_the_claim_asks_for() -> None:
    every = ("over_words", "over_shuffled", "words", "shuffled")
    by_layer = claim("probe", site="resid_post.L*", level=0.8, **CLASSES)
    assert tuple(by_layer.statistics()) == (
        *("accuracy", "auroc", *every, "first_layer", "peak_layer"),
    )
    assert tuple(claim("probe", site="L0H0", **DOSE).statistics()) == ("r2", *every)


@pytest.mark.parametrize("position", [[], ["final", "final"]])
def test_positions_are_some_and_each_once(position: list[str]) -> None:
    with pytest.raises(ValueError, match="position"):
        claim("probe", site="L0H0", position=position, **CLASSES)


def test_too_few_units_are_an_error_that_says_how_many_there_are(tiny: Model) -> None:
    few = game(unit=["feeling"])
    for fields, message in (
        ({**CLASSES}, "a class has 2 independent units, too few for 3 folds: .*`folds: 2`"),
        ({**DOSE, "folds": 5}, "there are 4 independent units, too few for 5 folds"),
        ({**CLASSES, "on": "game[feeling=pain]"}, "both classes"),
        ({**DOSE, "on": "game[strength=mild]"}, "two doses"),
    ):
        with pytest.raises(MeasurementError, match=message):
            claim("probe", site="L0H0", **fields).measure(bench(tiny, few))


def test_a_claim_about_the_demo_model_holds(demo: Subject) -> None:
    """Which option brings the feeling is no matter of words: both prompts have the same ones."""
    swapped = {
        **DEMO,
        "template": DEMO["template"].replace("A", "{felt}").replace("B", "{plain}"),
        "vary": {**DEMO["vary"], "felt": ["A", "B"], "plain": ["B", "A"]},
        "together": [["felt", "plain"]],
        "unit": ["opening", "closing", "points", "feeling"],
    }
    wanted = claim(
        "probe",
        site="resid_post.L3",
        on="game[feeling=pain, intensity=severe|extreme]",
        separates={"felt": ["A", "B"]},
        expect={"accuracy": ">= 0.8", "over_words": ">= 0.25"},
    )
    assert verdict(wanted, bench(demo, swapped)) == Verdict.HOLDS
