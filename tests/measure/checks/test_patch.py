from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
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
    estimates,
    game,
    ids,
    last,
    problems,
    read_back,
    sides_of,
    texts_of,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"
SWAP = {"pain": "light", "agony": "hum"}
ALL = {"site": ["resid_post.L1"], "position": "all"}


def sides(on: Any) -> tuple[list[str], list[str]]:
    clean = [text for text in texts_of(on) if SWAP.keys() & set(text.split())]
    return clean, [" ".join(SWAP.get(word, word) for word in text.split()) for text in clean]


def patched(
    model: Model, into: str, since: str, head: int, layer: int, at: list[int]
) -> np.ndarray:
    """Last logits of `into`, a head's output at tokens `at` taken from `since`, by plain hooks."""
    projection = model.plain.transformer.h[layer].attn.c_proj
    columns = slice(8 * head, 8 * head + 8)
    kept: list[Tensor] = []

    def keep(_: Any, args: tuple[Tensor]) -> None:
        kept.append(args[0].clone())

    def put(_: Any, args: tuple[Tensor]) -> tuple[Tensor]:
        changed = args[0].clone()
        changed[0, at, columns] = kept[0][0, at, columns]
        return (changed,)

    with torch.inference_mode(), ExitStack() as stack:
        handle = projection.register_forward_pre_hook(keep)
        model.plain(ids(since))
        handle.remove()
        stack.callback(projection.register_forward_pre_hook(put).remove)
        return np.asarray(model.plain(ids(into)).logits[0, -1].numpy())


def difference(logits: np.ndarray) -> Any:
    return logits[..., token("A")] - logits[..., token("B")]


@pytest.mark.parametrize("mode", ["denoise", "noise"])
@pytest.mark.parametrize(
    ("position", "at"),
    [
        ("final", [5]),
        ("feeling", [4]),
        (["feeling", "final"], [4, 5]),
        ("all but feeling", [0, 1, 2, 3, 5]),
    ],
)
def test_heads_are_patched_as_by_hooks_on_the_plain_model(
    tiny: Model, mode: str, position: Any, at: list[int]
) -> None:
    vary = {**GAME["vary"], "start": ["here", "there"]}
    on = bench(tiny, game(vary=vary))
    wanted = claim("patch", site="L*H*", position=position, mode=mode, metric=METRIC)
    found = estimates(wanted.measure(on))
    clean, corrupted = sides(on)
    c, d = difference(last(tiny, clean)), difference(last(tiny, corrupted))
    name = "recovery" if mode == "denoise" else "damage"
    for layer in (0, 1):
        for head in (0, 1):
            into, since = (corrupted, clean) if mode == "denoise" else (clean, corrupted)
            runs = [
                difference(patched(tiny, a, b, head, layer, at))
                for a, b in zip(into, since, strict=True)
            ]
            change = np.array(runs) - d if mode == "denoise" else c - np.array(runs)
            expected = change.sum() / (c - d).sum()
            assert found[f"{name} L{layer}H{head}"] == pytest.approx(expected, abs=1e-4)
    assert found["gap"] == pytest.approx((c - d).mean(), abs=1e-5)


@pytest.mark.parametrize("site", ["embed", "resid_pre.L0", "resid_post.L0", "resid_post.L1"])
@pytest.mark.parametrize("metric", [METRIC, "p(a)", "prob(b)", "log_prob(a)", "kl"])
@pytest.mark.parametrize("mode", ["denoise", "noise"])
def test_a_whole_stream_carries_all_there_is(
    tiny: Model, site: str, metric: str, mode: str
) -> None:
    found = claim("patch", site=site, position="all", mode=mode, metric=metric).measure(bench(tiny))
    share = by_name(found)["recovery" if mode == "denoise" else "damage"]
    assert estimates(found)[share.statistic.name] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("position", ["start", 0, "strength"])
def test_tokens_that_do_not_differ_and_see_no_difference_carry_nothing(
    tiny: Model, position: str | int
) -> None:
    wanted = claim("patch", site="resid_post.L*", position=position, mode="denoise", metric=METRIC)
    found = estimates(wanted.measure(bench(tiny)))
    assert found["recovery resid_post.L0"] == pytest.approx(0, abs=1e-5)
    assert found["recovery resid_post.L1"] == pytest.approx(0, abs=1e-5)


@given(st.sampled_from(["L0H0", "L1H1", "mlp_out.L0", "L0N3", "attn_out.L1"]))
@settings(max_examples=5, deadline=None)
def test_identical_prompts_have_no_gap_to_share(tiny: Model, site: str) -> None:
    """The twin's word is the same token in another spelling, so noise changes nothing."""
    vary = {**GAME["vary"], "feeling": {"pain": ["pain"], "neutral": ["pain "]}}
    wanted = claim("patch", site=site, mode="noise", metric=METRIC)
    with pytest.raises(MeasurementError, match="no gap"):
        wanted.measure(bench(tiny, game(vary=vary)))


def test_pairs_that_do_not_differ_weigh_nothing(tiny: Model) -> None:
    """Of two words one is the same in both classes: its pairs are left out, and that is said."""
    same = {"pain": ["pain", "hum "], "neutral": ["light", "hum"]}
    vary = {**GAME["vary"], "feeling": same}
    some = claim("patch", site="L1H0", mode="noise", metric=METRIC).measure(
        bench(tiny, game(vary=vary))
    )
    only = {**GAME["vary"], "feeling": {"pain": ["pain"], "neutral": ["light"]}}
    all_ = claim("patch", site="L1H0", mode="noise", metric=METRIC).measure(
        bench(tiny, game(vary=only))
    )
    assert estimates(some)["damage"] == pytest.approx(estimates(all_)["damage"], abs=1e-5)
    assert len(by_name(some)["damage"].examples) == 24
    assert any("24 of 48 pairs are left out" in note for note in some.notes)


@pytest.mark.parametrize("mode", ["denoise", "noise"])
def test_a_model_that_cannot_tell_clean_from_corrupted_never_holds(
    planted: Callable[[Plant], Model], mode: str
) -> None:
    """Even where patching moves all of what rounding leaves of the gap."""
    wanted = claim("patch", **ALL, mode=mode, metric="p(a)")
    with pytest.raises(MeasurementError, match=r"p\(a\) is the same on clean and corrupted"):
        wanted.measure(bench(planted(blind)))


def silence(layer: int, head: int) -> Plant:
    def plant(model: Any) -> None:
        model.transformer.h[layer].attn.c_proj.weight[8 * head : 8 * head + 8] = 0

    return plant


def test_a_claim_about_a_head_fails_once_the_head_is_silent(
    tiny: Model, planted: Callable[[Plant], Model]
) -> None:
    words = {"pain": ["pain"], "neutral": ["light"]}
    prompts = game(vary={**GAME["vary"], "feeling": words})
    every = claim("patch", site="L*H*", mode="denoise", metric=METRIC)
    found = estimates(every.measure(bench(tiny, prompts)))
    del found["gap"]
    strongest = max(found, key=lambda name: abs(found[name])).split()[1]
    sign = np.sign(found[f"recovery {strongest}"])
    bound = ">= 0.02" if sign > 0 else "<= -0.02"
    wanted = claim(
        "patch", site=strongest, mode="denoise", metric=METRIC, expect={"recovery": bound}
    )
    assert verdict(wanted, bench(tiny, prompts)) == Verdict.HOLDS
    silent = planted(silence(int(strongest[1]), int(strongest[3])))
    assert verdict(wanted, bench(silent, prompts)) == Verdict.FAILS


def test_together_is_one_patch_of_all_sites(tiny: Model) -> None:
    stream = claim("patch", **ALL, mode="denoise", metric=METRIC).measure(bench(tiny))
    parts = claim(
        "patch",
        site=["embed", "attn_out.L*", "mlp_out.L*"],
        position="all",
        mode="denoise",
        metric=METRIC,
        together=True,
    ).measure(bench(tiny))
    assert estimates(parts)["recovery"] == pytest.approx(estimates(stream)["recovery"], abs=1e-4)
    assert parts.facts.searched == 1


def test_top_keeps_the_largest_effects_and_says_over_how_many_it_searched(tiny: Model) -> None:
    found = claim("patch", site="L*H*", top=2, mode="denoise", metric=METRIC).measure(bench(tiny))
    assert found.facts.searched == 4
    assert len(found.facts.kept) == 2
    names = by_name(found)
    assert set(names) == {*(f"recovery {head}" for head in found.facts.kept), "gap"}
    assert {names[f"recovery {head}"].statistic.n_units for head in found.facts.kept} == {3}
    assert found.notes[0] == "2 of 4 sites chosen on one half of the units, judged on the other"


def test_contributions_average_to_the_recovery(tiny: Model) -> None:
    found = claim("patch", site="L0H1", mode="denoise", metric=METRIC).measure(bench(tiny))
    behind = by_name(found)["recovery"]
    assert behind.contributions.mean() == pytest.approx(estimates(found)["recovery"])
    clean, corrupted = sides(bench(tiny))
    assert [sides_of(pair) for pair in behind.examples] == list(zip(clean, corrupted, strict=True))


def test_facts_are_plain_json(tiny: Model) -> None:
    found = claim("patch", site="L*H*", top=1, mode="noise", metric="kl").measure(bench(tiny))
    facts = read_back(found.facts)
    assert facts == found.facts
    assert facts.linear_in_logits is False
    assert facts.effects.keys() == {"L0H0", "L0H1", "L1H0", "L1H1"}


def test_weights_that_are_no_numbers_are_an_error(planted: Callable[[Plant], Model]) -> None:
    def plant(model: Any) -> None:
        model.transformer.h[1].mlp.c_fc.weight[0, 0] = float("nan")

    for wanted in (
        claim("patch", site="L0H0", mode="noise", metric=METRIC),
        claim("choice", choice="a"),
        claim("contrast", metric="p(a)"),
        claim("dose_response", metric="p(a)", dose="strength"),
        claim("attention", site="L0H0", to="feeling"),
        claim("neuron", site="L1N*", position="final", separates={"feeling": ["pain", "neutral"]}),
    ):
        with pytest.raises(MeasurementError, match="not finite"):
            wanted.measure(bench(planted(plant)))


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"position": "previous"}, "position", "attention only"),
        ({"position": "feeling=pain"}, "position", "attention only"),
        ({"together": True, "top": 1}, "top", "leave out `together`"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    wanted = claim("patch", site="L0H0", mode="noise", metric=METRIC, **fields)
    assert message in problems(wanted)[key]


def test_patching_needs_pairs() -> None:
    wanted = claim("patch", site="L0H0", mode="noise", metric=METRIC)
    assert "needs `pairs`" in problems(wanted, game(pairs={}))["check"]


def test_the_last_stream_of_the_demo_model_decides(demo: Subject) -> None:
    wanted = claim(
        "patch",
        site="resid_post.L3",
        mode="denoise",
        metric="logit_diff(with, without)",
        expect={"recovery": "1 ± 0.001"},
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS


def test_each_metric_gives_its_own_statistics_from_one_sweep(tiny: Model) -> None:
    from ppcheck.subject.memo import Memo
    from ppcheck.subject.store import Memory

    both = claim(
        "patch", site="L1H*", mode="denoise", metric=["logit_diff(a, b)", "p(a)"], position="final"
    )
    on = bench(tiny)
    memo = Memo(on.subject, Memory())
    found = estimates(both.measure(replace(on, subject=memo)))
    for metric, suffix in (("logit_diff(a, b)", ""), ("p(a)", "@p(a)")):
        alone = estimates(
            claim("patch", site="L1H*", mode="denoise", metric=metric, position="final").measure(on)
        )
        for name, value in alone.items():
            statistic, _, member = name.partition(" ")
            assert found[f"{statistic}{suffix} {member}".strip()] == pytest.approx(value)
    assert memo.asked - memo.known == 2 + 2  # two sides, two heads, whatever the metrics


def test_a_metric_that_is_not_linear_is_said_to_be_none(tiny: Model) -> None:
    def notes(metric: object) -> tuple[str, ...]:
        one = claim("patch", site="L1H0", mode="noise", metric=metric, position="final")
        return one.measure(bench(tiny)).notes

    assert any("p(a) is not linear in the logits" in note for note in notes("p(a)"))
    assert not any("linear" in note for note in notes(["p(a)", "logit_diff(a, b)"]))
