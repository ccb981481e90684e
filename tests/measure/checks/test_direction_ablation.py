from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import Tensor

from ppcheck.errors import SpecError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.selection import first_half
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
    template="{start} we feel {strength} so {feeling}",
    vary={
        **GAME["vary"],
        "start": [f"{a} {b}" for a in ("here", "there", "now", "then") for b in ("we", "on", "so")],
    },
)
"""The feeling is the final word, so that it decides; twelve units."""


def without(model: Model, text: str, directions: dict[int, np.ndarray]) -> float:
    """A minus B at the last word, the streams before blocks freed of directions, by plain hooks."""

    def free(vector: Tensor) -> Callable[..., tuple[Tensor, ...]]:
        def hook(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            along = (args[0] @ vector)[..., None] * vector
            return (args[0] - along, *args[1:])

        return hook

    handles = [
        model.plain.transformer.h[layer].register_forward_pre_hook(free(torch.from_numpy(unit)))
        for layer, unit in directions.items()
    ]
    with torch.inference_mode():
        logits = model.plain(ids(text)).logits[0, -1].numpy()
    for handle in handles:
        handle.remove()
    return float(logits[token("A")] - logits[token("B")])


@pytest.mark.parametrize("together", [False, True])
def test_removal_is_as_by_hooks_on_the_plain_model(tiny: Model, *, together: bool) -> None:
    """The direction is learned at the final token, and every token is freed of it."""
    on = bench(tiny)
    sites = ["resid_pre.L0", "resid_pre.L1"] if together else ["resid_pre.L1"]
    wanted = claim(
        "direction_ablation",
        site=sites,
        together=together,
        direction={**PAIN, "at": "feeling"},
        draws=1,
        metric=METRIC,
    )
    found = wanted.measure(on)
    looked = first_half(on.grid.prompts, on.seed)
    sides = [
        [
            prompt.text
            for prompt, there in zip(on.grid.prompts, looked, strict=True)
            if there and prompt.words["feeling"].label == label
        ]
        for label in ("pain", "neutral")
    ]
    directions = {}
    for layer in [0, 1] if together else [1]:
        means = [np.mean([tiny.hidden(t)[layer, -2] for t in side], axis=0) for side in sides]
        gap = means[0] - means[1]
        directions[layer] = gap / np.linalg.norm(gap)
    judged = [p.text for p, there in zip(on.grid.prompts, looked, strict=True) if not there]
    before = np.array([without(tiny, text, {}) for text in judged])
    after = np.array([without(tiny, text, directions) for text in judged])
    seen = by_name(found)
    np.testing.assert_allclose(seen["drop"].statistic.values(), before - after, atol=1e-4)
    assert estimates(found)["value"] == pytest.approx(after.mean(), abs=1e-4)
    assert estimates(found)["untouched"] == pytest.approx(before.mean(), abs=1e-4)
    share = (before - after).sum() / before.sum()
    assert estimates(found)["drop_share"] == pytest.approx(share, rel=1e-2)
    assert bool(found.facts.maps) != together
    assert read_back(found.facts) == found.facts


@pytest.fixture
def decided(planted: Callable[[Plant], Model]) -> Bench:
    """The last word alone decides, by one direction in the stream."""
    values = {"pain": 1.0, "agony": 1.0, "light": -1.0, "hum": -1.0}
    return bench(planted(answering(values)), MANY)


def freed(**fields: Any) -> Any:
    usual: dict[str, Any] = {
        "on": "game[feeling=pain]",
        "site": "resid_post.L1",
        "position": "final",
        "direction": PAIN,
        "metric": METRIC,
        "expect": {"drop_share": "0.95..1.05", "excess": ">= 1", "untouched": ">= 1"},
    }
    return claim("direction_ablation", **{**usual, **fields})


def test_without_the_planted_direction_nothing_is_left(decided: Bench) -> None:
    assert verdict(freed(), decided) == Verdict.HOLDS
    found = estimates(freed(metric=[METRIC, "p(a)"]).measure(decided))
    assert found["value"] == pytest.approx(0, abs=1e-4)
    assert found["value@p(a)"] == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("column", [5, 8, 11])
def test_a_direction_that_says_nothing_is_not_missed(
    decided: Bench, tmp_path: Path, column: int
) -> None:
    save_file({"it": np.eye(16)[column]}, tmp_path / "idle.safetensors")
    on = Bench(decided.subject, bench(decided.subject, MANY, tmp_path).grid, 0)
    wanted = freed(direction={"file": "idle.safetensors", "tensor": "it"})
    for bound in ({"drop_share": ">= 0.05"}, {"excess": "> 0"}):
        idle = freed(direction={"file": "idle.safetensors", "tensor": "it"}, expect=bound)
        assert verdict(idle, on) == Verdict.FAILS
    with pytest.raises(SpecError, match="leads out"):
        freed(direction={"file": "../idle.safetensors"}).expand(on.grid)
    wanted.expand(on.grid)


def test_where_the_classes_do_not_differ_nothing_is_removed(decided: Bench) -> None:
    wanted = freed(site=["mlp_out.L0", "resid_post.L1"], draws=2)
    found = estimates(wanted.measure(decided))
    assert found["drop mlp_out.L0"] == found["excess mlp_out.L0"] == 0
    assert found["drop resid_post.L1"] > 1


def test_what_is_chosen_on_one_half_is_judged_on_the_other(decided: Bench) -> None:
    wanted = freed(site=["mlp_out.L*", "resid_post.L*"], top=1, draws=2)
    found = wanted.measure(decided)
    (kept,) = found.facts.kept
    assert kept.startswith("resid_post")
    assert by_name(found)["drop"].statistic.n_units == 6
    (drawn,) = found.facts.maps.values()
    assert drawn.columns == ("mlp_out", "resid_post")


def test_the_divergence_from_the_untouched_run_is_its_own_value(tiny: Model) -> None:
    wanted = claim("direction_ablation", site="resid_pre.L1", direction=PAIN, metric="kl", draws=2)
    assert tuple(wanted.statistics()) == ("drop", "value", "excess", "untouched")
    found = estimates(wanted.measure(bench(tiny)))
    assert found["untouched"] == pytest.approx(0, abs=1e-6)
    assert found["value"] > 0


def test_a_second_run_measures_nothing(tiny: Model) -> None:
    on, wanted = bench(tiny), freed(draws=2, site="resid_post.L*")
    memo = Memo(on.subject, Memory())
    plain, kept = (estimates(wanted.measure(Bench(s, on.grid, 0))) for s in (on.subject, memo))
    assert kept == pytest.approx(plain, abs=1e-9)
    missing = memo.asked - memo.known
    wanted.measure(Bench(memo, on.grid, 0))
    assert memo.asked - memo.known == missing


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"position": "previous"}, "position", "attention only"),
        ({"site": "L0N*"}, "site", "has no direction"),
        ({"together": True, "top": 1}, "top", "leave out `together`"),
        ({"direction": {}}, "direction.between", "give one"),
        ({"direction": {**PAIN, "by": "probe"}, "position": "all"}, "direction.at", "one token"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(freed(**fields))[key]


def test_the_demo_model_needs_its_valence_direction(demo: Subject) -> None:
    wanted = claim(
        "direction_ablation",
        on="game[feeling=pain]",
        site="resid_post.L0",
        position="feeling",
        direction=PAIN,
        metric="logit_diff(without, with)",
        expect={"drop": "> 0.5", "excess": "> 0.5"},
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
