from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch
from torch import Tensor

from ppcheck.errors import MeasurementError, SpecError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.selection import first_half
from ppcheck.measure.directions.controls import beyond
from ppcheck.measure.plan import plan
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    DEMO,
    GAME,
    Model,
    Plant,
    answering,
    bench,
    by_name,
    claim,
    curve_of,
    estimates,
    game,
    ids,
    problems,
    read_back,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"
PAIN = {"between": {"feeling": ["pain", "neutral"]}}
MANY = game(
    vary={
        **GAME["vary"],
        "start": [f"{a} {b}" for a in ("here", "there", "now", "then") for b in ("we", "on", "so")],
    }
)
"""Twelve units: enough for a verdict on either half."""


def halves(on: Bench, prompts: tuple[Prompt, ...] | None = None) -> tuple[list[Prompt], ...]:
    """The prompts that directions are learned from, and those that are judged."""
    every = on.grid.prompts if prompts is None else prompts
    looked = first_half(every, on.seed)
    return tuple([p for p, there in zip(every, looked, strict=True) if there == h] for h in (1, 0))


def of_class(prompts: list[Prompt], label: str) -> list[str]:
    return [prompt.text for prompt in prompts if prompt.words["feeling"].label == label]


def with_added(model: Model, text: str, vector: np.ndarray, at: int) -> float:
    """A minus B at the last word while a vector is added before block 1, by a plain hook."""

    def add(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        changed = args[0].clone()
        changed[0, at] += torch.from_numpy(vector)
        return (changed, *args[1:])

    handle = model.plain.transformer.h[1].register_forward_pre_hook(add)
    with torch.inference_mode():
        logits = model.plain(ids(text)).logits[0, -1].numpy()
    handle.remove()
    return float(logits[token("A")] - logits[token("B")])


@pytest.mark.parametrize("scale", ["length", "unit"])
def test_steering_is_as_by_hooks_on_the_plain_model(tiny: Model, scale: str) -> None:
    """The direction is the difference of class means over one half, the effect is on the other."""
    on, steps = bench(tiny), [-3.0, -1.0, 0.5, 2.0]
    wanted = claim(
        "steer", site="resid_pre.L1", direction=PAIN, eps=steps, scale=scale, draws=2, metric=METRIC
    )
    found = wanted.measure(on)
    learned, judged = halves(on)
    means = [
        np.mean([tiny.hidden(text)[1, -1] for text in of_class(learned, label)], axis=0)
        for label in ("pain", "neutral")
    ]
    vector = means[0] - means[1]
    assert found.facts.extras["direction"]["length"]["resid_pre.L1"] == pytest.approx(
        np.linalg.norm(vector), rel=1e-4
    )
    if scale == "unit":
        vector = vector / np.linalg.norm(vector)
    grid = sorted([0.0, *steps])
    values = np.array(
        [[with_added(tiny, p.text, eps * vector, -1) for p in judged] for eps in grid]
    )
    seen = by_name(found)
    np.testing.assert_allclose(
        seen["effect"].statistic.values(), values[-1] - values[0], rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(
        seen["slope"].statistic.values(), np.polyfit(grid, values, 1)[0], rtol=1e-3, atol=1e-4
    )
    assert estimates(found)["untouched"] == pytest.approx(values[2].mean(), abs=1e-4)
    curve = curve_of(found, f"resid_pre.L1: {METRIC} along the direction")
    assert list(curve.x) == grid
    np.testing.assert_allclose(np.array(curve.y), values.mean(axis=1), rtol=1e-3, atol=1e-4)


def test_spearman_is_the_mean_over_prompts_of_the_correlation_with_eps(tiny: Model) -> None:
    from scipy.stats import spearmanr

    on, grid = bench(tiny), [-8.0, -4.0, 0.0, 4.0, 8.0]
    wanted = claim(
        "steer", site="resid_pre.L1", direction=PAIN, eps=grid, scale="unit", draws=1, metric=METRIC
    )
    found = wanted.measure(on)
    learned, judged = halves(on)
    first, second = (
        np.mean([tiny.hidden(text)[1, -1] for text in of_class(learned, label)], axis=0)
        for label in ("pain", "neutral")
    )
    unit = (first - second) / np.linalg.norm(first - second)
    each = [
        spearmanr(grid, [with_added(tiny, p.text, eps * unit, -1) for eps in grid]).statistic
        for p in judged
    ]
    np.testing.assert_allclose(by_name(found)["spearman"].statistic.values(), each, atol=1e-6)


def test_a_probe_points_along_the_weights_of_a_logistic_regression(tiny: Model) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    on = bench(tiny)
    shared = {"site": "resid_post.L0", "draws": 1, "metric": METRIC, "position": "feeling"}
    found = claim("steer", direction={**PAIN, "by": "probe"}, **shared).measure(on)
    learned, _ = halves(on)
    x = np.stack([tiny.hidden(prompt.text)[1, -2] for prompt in learned])
    y = np.array([prompt.words["feeling"].label == "pain" for prompt in learned])
    scaler = StandardScaler().fit(x)
    fit = LogisticRegression(max_iter=1000).fit(scaler.transform(x), y)
    weights = fit.coef_[0] / scaler.scale_
    gap = x[y].mean(axis=0) - x[~y].mean(axis=0)
    length = abs(weights @ gap) / np.linalg.norm(weights)
    assert found.facts.extras["direction"]["length"]["resid_post.L0"] == pytest.approx(
        length, rel=1e-3
    )
    assert "by a logistic probe at feeling" in found.notes[0]


VALUES = {"pain": -1.0, "agony": -1.0, "light": 1.0, "hum": 1.0}


@pytest.fixture
def decided(planted: Callable[[Plant], Model]) -> Bench:
    """The last word alone decides, and it says nothing: what is added there is all there is."""
    return bench(planted(answering(VALUES)), MANY)


def along(**fields: Any) -> Any:
    return claim(
        "steer",
        **{
            "site": "resid_post.L1",
            "direction": {"between": {"feeling": ["neutral", "pain"]}, "at": "feeling"},
            "metric": METRIC,
            "expect": {
                "effect": "> 2",
                "slope": "> 1",
                "spearman": "> 0",
                "excess": "> 1",
                "untouched": "-0.001..0.001",
            },
            **fields,
        },
    )


def test_a_planted_direction_steers_the_choice_and_random_ones_do_not(decided: Bench) -> None:
    assert verdict(along(), decided) == Verdict.HOLDS
    other = along(expect={"excess": "> 0"}, direction={**PAIN, "at": "feeling"})
    assert verdict(other, decided) == Verdict.HOLDS
    found = estimates(other.measure(decided))
    assert found["effect"] < -2
    assert found["spearman"] == pytest.approx(-1)


def test_where_the_classes_do_not_differ_there_is_no_direction(decided: Bench) -> None:
    wanted = along(direction=PAIN, expect={"effect": "> 0.001"})
    assert verdict(wanted, decided) == Verdict.FAILS
    found = wanted.measure(decided)
    assert set(estimates(found).values()) == {0.0}
    assert "do not differ at resid_post.L1" in found.notes[1]


def test_the_largest_effect_is_that_of_the_planted_site(decided: Bench) -> None:
    shared = {"site": ["mlp_out.L*", "resid_post.L1"], "draws": 1}
    ahead = {"expect": {"ahead": "> 1"}}
    assert verdict(along(**shared, **ahead, largest="resid_post.L1"), decided) == Verdict.HOLDS
    assert verdict(along(**shared, **ahead, largest="mlp_out.L0"), decided) == Verdict.FAILS
    chosen = along(**shared, **ahead, top=1)
    assert verdict(chosen, decided) == Verdict.HOLDS
    found = chosen.measure(decided)
    assert found.facts.kept == ("resid_post.L1",)
    assert {name for name in by_name(found) if "ahead" in name} == {
        "ahead mlp_out.L0",
        "ahead mlp_out.L1",
    }
    (drawn,) = found.facts.maps.values()
    assert drawn.columns == ("mlp_out", "resid_post")
    assert drawn.values[0] == (0.0, None)
    assert read_back(found.facts) == found.facts


def test_the_largest_is_one_of_several_sites(decided: Bench) -> None:
    for fields in ({"site": "resid_post.L1"}, {"site": "resid_post.L*", "largest": "mlp_out.L0"}):
        with pytest.raises(MeasurementError, match="one of several sites"):
            along(**{"largest": "resid_post.L1", **fields}).measure(decided)


@pytest.mark.parametrize("seed", range(4))
def test_a_random_direction_is_not_beyond_random_ones(
    tiny: Model, tmp_path: Path, seed: int
) -> None:
    vector = np.random.default_rng(seed).normal(size=16)
    save_file({"it": vector}, tmp_path / "random.safetensors")
    wanted = along(
        direction={"file": "random.safetensors", "tensor": "it"}, expect={"excess": "> 0"}
    )
    assert verdict(wanted, bench(tiny, MANY, tmp_path)) != Verdict.HOLDS


def test_beyond_is_the_size_over_the_strongest_random_one_told_on_the_other_prompts() -> None:
    looked = np.array([True, True, False])
    effects, random = np.array([-3.0, -1, -5]), np.array([[1.0, 1, 9], [-2, -2, -1]])
    np.testing.assert_array_equal(beyond(effects, random, looked), [1, -1, 4])


def test_a_file_gives_each_site_its_own_direction_or_one_to_all(
    decided: Bench, tmp_path: Path
) -> None:
    own, shared = np.zeros(16), np.zeros(16, dtype=np.float32)
    own[2], shared[2] = 1, 2
    save_file(
        {"resid_post.L1": own, "blocks.0.hook_resid_post": 3 * own, "all": shared},
        tmp_path / "way.safetensors",
    )
    on = Bench(decided.subject, bench(decided.subject, MANY, tmp_path).grid, 0)
    sites = ["resid_post.L0", "resid_post.L1"]
    for tensor, lengths in (({}, [3.0, 1.0]), ({"tensor": "all"}, [2.0, 2.0])):
        wanted = along(site=sites, direction={"file": "way.safetensors", **tensor})
        wanted.expand(on.grid)
        found = wanted.measure(on)
        assert list(found.facts.extras["direction"]["length"].values()) == lengths
        assert len(found.facts.extras["direction"]["sha256"]) == 64
        assert estimates(found)["effect resid_post.L1"] > 0


def test_a_file_that_cannot_serve_is_refused(decided: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    save_file({"it": np.ones(16)}, tmp_path / "outside.safetensors")
    save_file(
        {"short": np.ones(3), "none": np.zeros(16), "it": np.ones(16)}, folder / "in.safetensors"
    )
    save_torch({"half": torch.ones(16, dtype=torch.bfloat16)}, folder / "half.safetensors")
    (folder / "text.safetensors").write_text("no tensors")
    on = Bench(decided.subject, bench(decided.subject, MANY, folder).grid, 0)
    for direction, message in (
        ({"file": "../outside.safetensors"}, "leads out of the spec's folder"),
        ({"file": "gone.safetensors"}, "there is no file"),
        ({"file": "text.safetensors"}, "is not a safetensors file"),
        ({"file": "in.safetensors"}, "no tensor of the file is called 'resid_post.L1'"),
        ({"file": "in.safetensors", "tensor": "its"}, "no tensor 'its': there is it, none, short"),
        ({"file": "in.safetensors", "tensor": "none"}, "zero or not finite"),
        ({"file": "in.safetensors", "tensor": "short"}, r"shape \[3\].* has 16 numbers"),
        ({"file": "half.safetensors", "tensor": "half"}, "save it as float32"),
    ):
        with pytest.raises(SpecError, match=message):
            along(direction=direction).measure(on)
    with pytest.raises(SpecError, match="leads out"):
        along(direction={"file": "../outside.safetensors"}).expand(on.grid)


def test_no_prompt_is_judged_whose_unit_was_learned_from(tiny: Model) -> None:
    on = bench(tiny, MANY)
    wanted = along(on="game[feeling=neutral]", draws=1)
    found = wanted.measure(on)
    learned, judged = halves(on)
    seen = set(by_name(found)["effect"].examples)
    assert seen == set(of_class(judged, "neutral"))
    assert {p.unit for p in learned}.isdisjoint({p.unit for p in judged if p.text in seen})
    assert found.facts.extras["direction"]["prompts"] == len(learned)


def test_a_class_must_be_among_what_directions_are_learned_from(tiny: Model) -> None:
    wanted = along(direction={**PAIN, "on": "game[feeling=pain]"})
    with pytest.raises(MeasurementError, match="no prompt with feeling=neutral"):
        wanted.measure(bench(tiny))


def test_metrics_share_their_runs_and_a_second_run_measures_nothing(tiny: Model) -> None:
    on = bench(tiny)
    memo = Memo(on.subject, Memory())
    wanted = along(metric=[METRIC, "p(a)"], draws=2, site="resid_post.L*")
    plain, kept = (estimates(wanted.measure(Bench(s, on.grid, 0))) for s in (on.subject, memo))
    assert kept == pytest.approx(plain, abs=1e-9)
    assert plain.keys() >= {"slope@p(a) resid_post.L0", "untouched@p(a)"}
    missing = memo.asked - memo.known
    wanted.measure(Bench(memo, on.grid, 0))
    assert memo.asked - memo.known == missing


def test_the_planner_counts_every_step_of_every_direction(tiny: Model) -> None:
    wanted = along(site="resid_post.L*", draws=3)
    found = plan(tiny.subject, {"it": (wanted, bench(tiny).grid)}, Memory())
    assert not found.refused
    assert found.members("edit") == 2 * (1 + 3) * 4


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"position": "previous"}, "position", "attention only"),
        ({"site": "L0N3"}, "site", "L0N3 has no direction"),
        ({"site": "L0H0.pattern"}, "site", "has no direction"),
        ({"site": "blocks.0.attn.hook_result[1]"}, "site", "write blocks.0.attn.hook_z[1], or"),
        ({"metric": ["kl"]}, "metric", "grows whichever way"),
        ({"eps": [0]}, "eps", "one of them other than 0"),
        ({"eps": [1, 1.0]}, "eps", "stands twice"),
        ({"largest": "L0H0", "top": 1}, "top", "leave one of them out"),
        ({"direction": {}}, "direction.between", "give one"),
        ({"direction": {**PAIN, "file": "x"}}, "direction.between", "give one"),
        ({"direction": {**PAIN, "tensor": "x"}}, "direction.tensor", "from `file`"),
        ({"direction": {"file": "x", "at": "final"}}, "direction.at", "from `between`"),
        (
            {"direction": {"between": {"felling": ["pain", "neutral"]}}},
            "direction.between",
            "not a variable",
        ),
        (
            {"direction": {"between": {"feeling": ["pian", "neutral"]}}},
            "direction.between",
            "did you mean 'pain'?",
        ),
        ({"direction": {**PAIN, "at": "felling"}}, "direction.at", "did you mean 'feeling'?"),
        ({"direction": {**PAIN, "on": "other"}}, "direction.on", "the claim is about 'game'"),
        (
            {"direction": {**PAIN, "by": "probe"}, "position": "all"},
            "direction.at",
            "a probe is fitted at one token, and all is several: name one",
        ),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    shared = {"site": "resid_post.L0", "direction": PAIN, "metric": METRIC}
    assert message in problems(claim("steer", **{**shared, **fields}))[key]


def test_the_demo_model_is_steered_by_valence(demo: Subject) -> None:
    wanted = claim(
        "steer",
        on="game[feeling=neutral]",
        site="resid_post.L2",
        direction={"between": {"feeling": ["neutral", "pain"]}},
        metric="logit_diff(with, without)",
        expect={"effect": "> 1", "excess": "> 0"},
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
