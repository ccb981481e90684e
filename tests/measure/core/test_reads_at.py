from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError, SpecError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import load_spec
from ppcheck.statistics.statistics import Ratio
from tests.measure.hooks import changed, difference, put
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    answering,
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

METRIC = "logit_diff(a, b)"
STRENGTHS = {"ordered": ["mild", "severe"]}
FEW = game(vary={**GAME["vary"], "start": ["here", "there", "now"], "strength": STRENGTHS})
CUT = {**FEW, "template": "{start} we feel {strength} {feeling}"}
DIRECTION = {"between": {"feeling": ["pain", "neutral"]}}
CLAIMS: dict[str, list[dict[str, Any]]] = {
    "choice": [{"choice": "a"}],
    "contrast": [{"metric": [METRIC, "prob(a)", "rank(b)"]}],
    "dose_response": [{"metric": ["p(a)", "log_prob(b)"], "dose": "strength"}],
    "invariance": [{"metric": METRIC, "over": "start"}],
    "property": [
        {
            "forall": {"start": {"sampled": ["on", "now"]}},
            "always": "logit_diff(a, b) > 0",
            "examples": 10,
        }
    ],
    "patch": [{"site": "L*H*", "position": "feeling", "mode": "denoise", "metric": [METRIC, "kl"]}],
    "path": [{"sender": "L0H*", "receiver": "logits", "mode": "noise", "metric": METRIC}],
    # So many draws are all other prompts, whatever their order.
    "ablate": [
        {"site": "L0H0", "ablation": kind, "metric": [METRIC, "kl"], **more}
        for kind, more in (("zero", {}), ("mean", {}), ("resample", {"draws": 23}))
    ],
    "steer": [
        {
            "site": "resid_post.L0",
            "position": "feeling",
            "direction": {**DIRECTION, "by": how},
            "draws": 2,
            "metric": METRIC,
        }
        for how in ("means", "probe")
    ],
    "direction_ablation": [
        {"site": "resid_post.L0", "direction": DIRECTION, "draws": 2, "metric": METRIC}
    ],
    "localisation": [{"site": "L*H*", "position": "feeling", "mode": "noise", "metric": METRIC}],
    "flow": [{"pairs": {"strength": ["severe", "mild"]}, "to": "feeling", "metric": METRIC}],
    "neuron": [
        {
            "site": "L0N*",
            "position": "feeling",
            "separates": {"feeling": ["pain", "neutral"]},
            "metric": METRIC,
        }
    ],
    "circuit": [
        {
            "nodes": "L0H*",
            "ablation": "corrupted",
            "random": 2,
            "subsets": 1,
            "ranking": "effect",
            "metric": METRIC,
        },
        {
            "edges": ["embed -> L0H0", "L0H0 -> logits"],
            "ablation": "corrupted",
            "random": 2,
            "subsets": 1,
            "metric": METRIC,
        },
    ],
    "logit_lens": [{"metric": METRIC}],
    "attribution": [{"site": "L*H*", "metric": METRIC}],
}


def test_every_check_that_may_read_elsewhere_is_tried_here() -> None:
    assert {name for name, load in CHECKS.items() if "at" in load().model_fields} == CLAIMS.keys()


@pytest.mark.parametrize(
    ("check", "fields"), [(name, fields) for name, some in CLAIMS.items() for fields in some]
)
def test_what_is_read_at_a_token_is_what_prompts_that_end_there_give(
    tiny: Model, check: str, fields: dict[str, Any]
) -> None:
    read = claim(check, at="feeling", **fields).measure(bench(tiny, FEW))
    alone = claim(check, **fields).measure(bench(tiny, CUT))
    assert estimates(read) == pytest.approx(estimates(alone), rel=1e-5, abs=1e-6, nan_ok=True)
    assert read.facts.mass == pytest.approx(alone.facts.mass)
    assert read.facts.units == alone.facts.units
    assert "read after feeling, where every prompt ends for this claim" in read.notes


def by_token(model: Model, text: str, index: int) -> Floats:
    return np.asarray(model.logits(text)[index])


@pytest.mark.parametrize(("at", "index"), [("feeling", 4), ("strength", 3), (1, 1), ("-2", 4)])
def test_a_metric_is_that_of_the_whole_prompts_logits_at_the_token(
    tiny: Model, at: Any, index: int
) -> None:
    on = bench(tiny)
    found = estimates(claim("choice", choice="a", at=at).measure(on))
    logits = np.array([by_token(tiny, text, index) for text in texts_of(on)])
    options = [token("A"), token("B")]
    share = softmax(logits[:, options], axis=1)[:, 0]
    assert found["probability"] == pytest.approx(share.mean(), abs=1e-5)
    assert found["mass"] == pytest.approx(softmax(logits, axis=1)[:, options].sum(1).mean())


def test_heads_are_patched_as_in_the_whole_prompt(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim(
        "patch", site="L1H0", position="feeling", at="feeling", mode="noise", metric=METRIC
    )
    damage = by_name(wanted.measure(on))["damage"]
    assert isinstance(damage.statistic, Ratio)
    place, tokens, columns = "transformer.h.1.attn.c_proj<", slice(4, 5), slice(0, 8)
    for pair, moved in zip(damage.examples, damage.statistic.numerator, strict=True):
        clean, corrupted = sides_of(pair)
        kept: list[Any] = []

        def keep(value: Any) -> Any:
            kept.append(value.clone())  # noqa: B023  (called before the next turn)
            return value

        with changed(tiny, {place: keep}):
            tiny.plain(ids(corrupted))
        with changed(tiny, {place: put(columns, kept[0], tokens)}):
            patched = tiny.plain(ids(clean)).logits[0, 4].numpy()
        before = by_token(tiny, clean, 4)
        assert moved == pytest.approx(difference(before) - difference(patched), abs=1e-5)


LONG = game(vary={**GAME["vary"], "strength": ["mild", "so firm"], "start": ["here", "there now"]})


def test_prompts_of_other_lengths_are_each_read_at_their_own_token(tiny: Model) -> None:
    on = bench(tiny, LONG)
    found = by_name(claim("choice", choice="a", at="strength[-1]").measure(on))["probability"]
    for text, value in zip(found.examples, found.statistic.values(), strict=True):
        words = text.split()
        logits = by_token(tiny, text, max(map(words.index, {"mild", "firm"} & set(words))))
        assert value == pytest.approx(softmax(logits[[token("A"), token("B")]])[0], abs=1e-5)


def test_a_variable_of_several_tokens_has_to_say_which(tiny: Model) -> None:
    with pytest.raises(MeasurementError, match=r"strength is 2 tokens.*strength\[0\] or strength"):
        claim("choice", choice="a", at="strength").measure(bench(tiny, LONG))


def test_prompts_that_are_equal_up_to_there_are_one_unit(tiny: Model) -> None:
    found = claim("choice", choice="a", at="strength").measure(bench(tiny, game(unit=["feeling"])))
    assert (found.facts.units, found.facts.distinct) == (1, 24)


def test_answers_follow_the_token_that_is_read(tiny: Model) -> None:
    choices = {"next": "{feeling} so", "other": "B"}
    found = claim("contrast", metric="log_prob(next)", at="strength").measure(
        bench(tiny, game(choices=choices, pairs={"strength": ["severe", "mild"]}))
    )
    values = by_name(found)["difference"]
    pair, value = values.examples[0], values.statistic.values()[0]

    def log_prob(text: str) -> float:
        shares = softmax(tiny.logits(text), axis=1)
        words = text.split()
        return float(np.log(shares[3, token(words[4])]) + np.log(shares[4, token(words[5])]))

    clean, corrupted = sides_of(pair)
    assert value == pytest.approx(log_prob(clean) - log_prob(corrupted), abs=1e-5)


def test_a_token_that_knows_nothing_of_what_came_before_supports_no_claim(
    planted: Callable[[Plant], Model],
) -> None:
    wanted = claim(
        "contrast",
        metric=METRIC,
        at="feeling",
        pairs={"strength": ["severe", "mild"]},
        expect={"difference": ">= 0.1"},
    )
    told = planted(answering({"pain": 1.0, "agony": 1.0}))
    assert verdict(wanted, bench(planted(blind))) == Verdict.FAILS
    assert verdict(wanted, bench(told)) == Verdict.FAILS
    feeling = wanted.model_copy(update={"pairs": None})
    assert verdict(feeling, bench(told)) == Verdict.HOLDS
    final = feeling.model_copy(update={"at": claim("choice", choice="a").at})  # type: ignore[attr-defined]
    assert verdict(final, bench(told)) == Verdict.FAILS


@pytest.mark.parametrize(
    ("check", "fields", "key", "said"),
    [
        ("choice", {"at": "all", "choice": "a"}, "at", "read after one token, and all is several"),
        ("choice", {"at": "previous", "choice": "a"}, "at", "meaning for attention only"),
        ("choice", {"at": "feeling=pain", "choice": "a"}, "at", "meaning for attention only"),
        ("choice", {"at": "felling", "choice": "a"}, "at", "did you mean 'feeling'?"),
        ("contrast", {"at": "feeling", "metric": "loss"}, "at", "leave out `at`, or the loss"),
        (
            "neuron",
            {"at": "feeling", "site": "L0N1", "position": "feeling", "dose": "strength"},
            "at",
            "name a `metric` too",
        ),
    ],
)
def test_what_cannot_be_read_there_is_refused(
    check: str, fields: dict[str, Any], key: str, said: str
) -> None:
    assert said in problems(claim(check, **fields))[key]


STATISTICS = {
    "ablate": "drop",
    "contrast": "difference",
    "dose_response": "slope",
    "patch": "gap",
    "steer": "effect",
}
SPEC = """\
ppcheck: 1
title: The game
prompts:
  game:
    template: "{start} we feel {strength} {feeling} so"
    vary:
      start: [here, there, now, then, they, "on"]
      strength: {ordered: [mild, firm]}
      feeling: {pain: [pain], neutral: [light]}
    choices: {a: A, b: B}
    pairs: {feeling: [pain, neutral]}
claims:
  - id: it
    says: It does.
    on: game
    metric: logit_diff(a, b)
"""


@pytest.mark.parametrize(
    ("keys", "line", "said"),
    [
        (
            ["check: ablate", "at: strength", "site: L0H0", "ablation: zero", "position: feeling"],
            21,
            "feeling comes after strength, where the metric is read, and nothing there can",
        ),
        (
            [
                "check: ablate",
                "at: feeling",
                "site: L0H0",
                "ablation: zero",
                "position: [0, final]",
            ],
            21,
            "final comes after feeling.*: name feeling, or what stands before it",
        ),
        (
            ["check: patch", "at: feeling", "site: L0H0", "mode: noise"],
            13,
            "final comes after feeling, where the metric is read",
        ),
        (
            [
                "check: steer",
                "at: feeling",
                "site: resid_post.L0",
                "position: feeling",
                "direction: {between: {feeling: [pain, neutral]}, at: final}",
            ],
            21,
            "final comes after feeling, where the metric is read",
        ),
        (
            ["check: contrast", "at: strength"],
            18,
            "feeling comes after strength: up to there clean and corrupted prompts are equal",
        ),
        (
            ["check: dose_response", "dose: strength", "at: start"],
            19,
            "strength comes after start: up to there prompts of all doses are equal",
        ),
    ],
)
def test_what_comes_later_is_refused_with_its_line(
    tmp_path: Path, keys: list[str], line: int, said: str
) -> None:
    check = keys[0].removeprefix("check: ")
    written = [*keys, f'expect: {{{STATISTICS[check]}: "> 0"}}']
    path = tmp_path / "game.pp.yaml"
    path.write_text(SPEC + "".join(f"    {key}\n" for key in written))
    (entry,) = load_spec(path, CHECKS).entries
    with pytest.raises(SpecError, match=said) as caught:
        entry.expand()
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("position", "said"),
    [
        ("feeling", "feeling comes after strength in 'here we feel mild pain so'"),
        ("3..4", "3..4 comes after strength"),
        (-1, "-1 comes after strength"),
    ],
)
def test_what_tokens_alone_show_to_come_later_is_refused_when_it_is_measured(
    tiny: Model, position: Any, said: str
) -> None:
    wanted = claim(
        "ablate", site="L0H0", ablation="zero", position=position, metric=METRIC, at="strength"
    )
    with pytest.raises(MeasurementError, match=said):
        wanted.measure(bench(tiny))


def test_all_but_some_are_the_tokens_up_to_there(tiny: Model) -> None:
    fields = {"site": "L0H0", "ablation": "zero", "metric": METRIC}
    but = claim("ablate", position="all but [feeling, 0]", at="feeling", **fields)
    listed = claim("ablate", position="1..3", at="feeling", **fields)
    on = bench(tiny)
    assert estimates(but.measure(on)) == estimates(listed.measure(on))


def test_pairs_that_are_the_same_up_to_there_have_no_gap(tiny: Model) -> None:
    with pytest.raises(MeasurementError, match="are the same tokens up to strength"):
        claim("contrast", metric=METRIC, at="strength").measure(bench(tiny))


def test_all_that_is_read_there_has_the_whole_effect_by_definition(tiny: Model) -> None:
    fields = {"site": "resid_post.L1", "mode": "noise", "metric": METRIC, "position": "feeling"}
    on = bench(tiny, FEW)
    there, later = (claim("patch", at=at, **fields) for at in ("feeling", "final"))
    assert any("by definition" in said for said in there.doubts(on, there.measure(on)))
    assert not list(later.doubts(on, there.measure(on)))
