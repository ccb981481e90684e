from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from ppcheck.judge.interval import interval
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.measure.core.check import Bench, CheckResult
from ppcheck.measure.core.drawing import Drawing
from ppcheck.measure.plan import plan
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    GAME,
    WORDS,
    Model,
    Plant,
    answering,
    bench,
    by_name,
    claim,
    estimates,
    game,
    last,
    problems,
    token,
    verdict,
)

ALWAYS = "logit_diff(a, b) > 0"
NONE = {"counterexamples": "<= 0"}
IDS: dict[str, Any] = {
    "ids": [token("we"), "{n}"],
    "vary": {"n": [1]},
    "choices": {"a": str(token("A")), "b": str(token("B"))},
}
NUMBERS = {"n": {"integers": [0, len(WORDS) - 1]}}
LONGER: dict[str, Any] = {**IDS, "ids": ["{m}", "{n}"], "vary": {"n": [1], "m": [1]}}
MANY = {**NUMBERS, "m": NUMBERS["n"]}
"""Of these 784 prompts few are drawn twice, and the last token decides."""


def from_word(number: int) -> Plant:
    """`B` is chosen after this word of the vocabulary and all later ones."""
    return answering({word: 0.5 if at < number else -0.5 for at, word in enumerate(WORDS)})


def counterexample(measurement: CheckResult) -> dict[str, Any]:
    found: dict[str, Any] = measurement.facts.extras["counterexample"]
    return found


@pytest.mark.parametrize("number", [1, 7, 19])
def test_a_number_is_shrunk_to_the_smallest_that_breaks_it(
    planted: Callable[[Plant], Model], number: int
) -> None:
    asked = claim("property", forall=NUMBERS, always=ALWAYS, expect=NONE)
    on = bench(planted(from_word(number)), IDS)
    measurement = asked.measure(on)
    found = counterexample(measurement)
    assert found["words"] == {"n": str(number)}
    assert found["text"] == f"{token('we')} {number}"
    difference = -2 / np.sqrt(2.5 / 16)  # 4 times the word's value of -0.5, over the norm
    assert found["values"] == {"logit_diff(a, b)": pytest.approx(difference, abs=1e-3)}
    assert verdict(asked, on) is Verdict.FAILS
    behind = by_name(measurement)["counterexamples"]
    assert behind.contributions.tolist() == [1.0] + [0.0] * measurement.facts.distinct
    assert behind.examples[0] == f"'{token('we')} {number}' (logit_diff(a, b) = -5.06)"
    assert f"smallest counterexample: {behind.examples[0]}" in measurement.notes


def test_words_and_filler_are_shrunk_to_what_is_needed(planted: Callable[[Plant], Model]) -> None:
    """Only `go` at the end breaks it: one word of filler, and the first of everything else."""
    values = dict.fromkeys(WORDS, 0.5)
    model = planted(answering({**values, "go": -0.5}))
    fields: dict[str, Any] = {
        "forall": {
            "strength": {"sampled": ["firm", "mild"]},
            "filler": {"filler": ["so", "and", "go"], "at_most": 6},
        },
        "always": [ALWAYS, "p(a) in 0.5..1"],
    }
    vary = {**GAME["vary"], "filler": ["so"]}
    prompts = game(template="{start} we feel {feeling} {strength} {filler}", vary=vary)
    found = counterexample(claim("property", **fields).measure(bench(model, prompts)))
    assert found["text"] == "here we feel pain firm go"
    assert found["words"] == {"strength": "firm", "filler": "go"}


def test_a_subset_is_shrunk_to_the_fewest_words(planted: Callable[[Plant], Model]) -> None:
    """The last of a subset in its listed order decides, so one word is enough."""
    model = planted(answering({**dict.fromkeys(WORDS, 0.5), "on": -0.5}))
    vary = {**GAME["vary"], "some": ["so"]}
    prompts = game(template="{start} {feeling} {strength} {some}", vary=vary)
    forall = {"some": {"subset": ["so", "and", "go", "on"]}}
    asked = claim("property", forall=forall, always=ALWAYS)
    found = counterexample(asked.measure(bench(model, prompts)))
    assert found["text"] == "here pain mild on"


def test_two_numbers_are_shrunk_as_if_all_had_been_tried(demo: Subject) -> None:
    """The smallest pair in the order of the claim, found by reading all 81."""
    prompts = {
        "template": "hello . choose A for {x} points . choose B for {y} points and mild pain . "
        "so choose",
        "vary": {"x": ["1"], "y": ["1"]},
        "choices": {"a": "A", "b": "B"},
    }
    forall = {"x": {"integers": [1, 9]}, "y": {"integers": [1, 9]}}
    asked = claim("property", forall=forall, always=ALWAYS)
    found = counterexample(asked.measure(bench(demo, prompts)))
    numbers = list(map(str, range(1, 10)))
    grid = bench(demo, {**prompts, "vary": {"x": numbers, "y": numbers}})
    behind = claim("choice", choice="b").measure(grid).statistics[0]
    taken = [
        tuple(int(word.text) for word in prompt.words.values())
        for prompt, b in zip(grid.grid.prompts, behind.statistic.values(), strict=True)
        if b
    ]
    assert tuple(map(int, found["words"].values())) == min(taken)


def test_violations_are_the_share_of_draws_that_transformers_finds(tiny: Model) -> None:
    forall = {"strength": {"sampled": ["mild", "severe"]}, "start": {"sampled": ["here", "on"]}}
    asked = claim("property", forall=forall, always="logit_diff(a, b) < 1", examples=60)
    measurement = asked.measure(bench(tiny))
    behind = by_name(measurement)["violations"]
    texts = [example.rpartition(" (")[0].strip("'") for example in behind.examples]
    logits = last(tiny, texts)
    broken = logits[:, token("A")] - logits[:, token("B")] >= 1
    assert 0 < broken.mean() < 1
    assert estimates(measurement)["violations"] == pytest.approx(broken.mean())
    assert behind.statistic.n_units == len(set(texts)) == 16


def test_the_share_has_the_exact_interval_of_independent_draws(
    planted: Callable[[Plant], Model],
) -> None:
    asked = claim("property", forall=MANY, always=ALWAYS, examples=20)
    behind = by_name(asked.measure(bench(planted(from_word(20)), LONGER)))["violations"]
    assert behind.statistic.n_units == 20
    found = interval(behind.statistic, seed=0)
    expected = binomtest(int(behind.statistic.values().sum()), 20).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_what_always_holds_holds(planted: Callable[[Plant], Model]) -> None:
    expect = {"counterexamples": "<= 0", "violations": "<= 0.05"}
    asked = claim("property", forall=MANY, always=ALWAYS, expect=expect)
    on = bench(planted(from_word(len(WORDS))), LONGER)
    measurement = asked.measure(on)
    assert verdict(asked, on) is Verdict.HOLDS
    assert measurement.facts.extras["counterexample"] is None
    assert "no counterexample among" in measurement.notes[0]


def test_random_weights_have_a_counterexample(tiny: Model) -> None:
    forall = {"strength": {"sampled": ["mild", "firm"]}}
    asked = claim("property", forall=forall, always="p(a) > 0.5", expect=NONE)
    on = bench(tiny)
    assert verdict(asked, on) is Verdict.FAILS
    assert "p(a) is not linear in the logits" in asked.measure(on).notes[1]


def test_one_counterexample_outweighs_any_number_of_draws(
    planted: Callable[[Plant], Model],
) -> None:
    """A twenty-eighth of the draws break it: a share that is allowed, and still it is not so."""
    on = bench(planted(from_word(len(WORDS) - 1)), LONGER)
    fields: dict[str, Any] = {"forall": MANY, "always": ALWAYS, "examples": 400}
    share = claim("property", **fields, expect={"violations": "<= 0.1"})
    assert verdict(share, on) is Verdict.HOLDS
    assert verdict(claim("property", **fields, expect=NONE), on) is Verdict.FAILS


def test_the_seed_names_every_example(planted: Callable[[Plant], Model]) -> None:
    asked = claim("property", forall=NUMBERS, always=ALWAYS)
    on = bench(planted(from_word(12)), IDS)
    first, again = asked.measure(on), asked.measure(on)
    assert first.facts == again.facts
    assert first.statistics[1].examples == again.statistics[1].examples


def test_what_was_drawn_and_cannot_be_found_again_is_shown_as_it_is(
    planted: Callable[[Plant], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drawing, "smallest", lambda *_: None)
    asked = claim("property", forall=NUMBERS, always=ALWAYS)
    measurement = asked.measure(bench(planted(from_word(12)), IDS))
    assert int(counterexample(measurement)["words"]["n"]) >= 12
    assert any("did not find its like to shrink" in note for note in measurement.notes)
    assert (
        judge(
            [measurement.statistics[0].statistic],
            claim("property", forall=NUMBERS, always=ALWAYS, expect=NONE).expect,
            seed=0,
        ).verdict
        is Verdict.FAILS
    )


def test_examples_are_read_in_batches(
    planted: Callable[[Plant], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    endings = LoadedSubject.endings

    def counted(self: LoadedSubject, prompts: Any) -> Any:
        sizes.append(len(prompts))
        return endings(self, prompts)

    monkeypatch.setattr(LoadedSubject, "endings", counted)
    vary = {**GAME["vary"], "filler": ["so"]}
    prompts = game(template="{filler} {start} {feeling} {strength} so", vary=vary)
    forall = {"filler": {"filler": ["we", "they", "see", "and"]}}
    model = planted(answering({"so": 0.5}))
    on = Bench(Memo(model.subject, Memory()), bench(model, prompts).grid, 0)
    facts = claim("property", forall=forall, always=ALWAYS).measure(on).facts
    assert sizes[0] > 90
    assert facts.searched == sum(sizes[1:])
    assert np.mean(sizes[1:]) > 1.5


def test_a_plan_says_that_it_guesses(tiny: Model) -> None:
    forall = {"strength": {"sampled": ["mild", "firm"]}}
    asked = claim("property", forall=forall, always=ALWAYS)
    found = plan(tiny.subject, {"it": (asked, bench(tiny).grid)}, Memory())
    assert found.guessed == ("it",)
    assert found.to_measure > 0


@pytest.mark.parametrize(
    ("fields", "prompts", "key", "message"),
    [
        ({"forall": {"stat": {"sampled": ["x"]}}}, {}, "forall.stat", "did you mean 'start'?"),
        ({"always": "logit_diff(a, c) > 0"}, {}, "always", "'c' is not a choice"),
        ({"always": "kl < 1"}, {}, "always", "use it in a patching claim"),
        ({"expect": {"counterexamples": ">= 1"}}, {}, "expect.counterexamples", "at most"),
        ({"expect": {"violations": "> 0.1"}}, {}, "expect.violations", "at most"),
        ({"expect": {"violations": "<= 0.01"}}, {}, "expect.violations", "draw 381 or more"),
        ({"expect": {"violations": "<= 0"}}, {}, "expect.violations", "`counterexamples`"),
        (
            {"forall": {"start": {"sampled": ["here"]}}},
            {
                "vary": {
                    "start": ["here", "on"],
                    "strength": ["mild", "firm"],
                    "feeling": ["hum"],
                },
                "together": [["start", "strength"]],
                "pairs": {},
            },
            "forall.start",
            "goes in step",
        ),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], prompts: dict[str, Any], key: str, message: str
) -> None:
    usual = {"forall": {"start": {"sampled": ["here"]}}, "always": ALWAYS}
    asked = claim("property", **{**usual, **fields})
    assert message in problems(asked, game(**prompts))[key]


@pytest.mark.parametrize(
    ("strategy", "message"),
    [({"filler": ["5"]}, "at_least: 1"), ({"sampled": ["five"]}, "is not a token id")],
)
def test_words_of_ids_are_ids(strategy: dict[str, Any], message: str) -> None:
    asked = claim("property", forall={"n": strategy}, always=ALWAYS)
    assert message in problems(asked, IDS)["forall.n"]


@pytest.mark.trust
def test_four_different_prompts_are_four_units_however_often_they_are_drawn(
    planted: Callable[[Plant], Model],
) -> None:
    few = {"n": {"integers": [0, 3]}}
    asked = claim("property", forall=few, always=ALWAYS, expect={"violations": "<= 0.5"})
    on = bench(planted(from_word(len(WORDS))), IDS)
    measurement = asked.measure(on)
    names = by_name(measurement)
    assert {name: one.statistic.n_units for name, one in names.items()} == {
        "violations": 4,
        "counterexamples": 4,
    }
    assert (measurement.facts.prompts, measurement.facts.distinct) == (100, 4)
    assert any("96 of 100 prompts repeat others" in note for note in measurement.notes)
    assert verdict(asked, on) is Verdict.INCONCLUSIVE


@pytest.mark.trust
def test_a_share_that_so_few_prompts_cannot_show_is_refused() -> None:
    few = {"n": {"integers": [0, 9]}}
    asked = claim("property", forall=few, always=ALWAYS, expect={"violations": "<= 0.1"})
    (problem,) = asked.faults(Grid(PromptSet.model_validate(IDS), Path()))
    assert (problem.key, problem.message) == (
        "expect.violations",
        "10 different prompts can be drawn, and it takes 36 to show this",
    )


@pytest.mark.parametrize(
    ("strategy", "size"),
    [
        ({"integers": [3, 9]}, 7),
        ({"sampled": ["a", "b"]}, 2),
        ({"subset": ["a", "b", "c"], "at_least": 1}, 7),
        ({"filler": ["a", "b"], "at_least": 1, "at_most": 3}, 14),
    ],
)
def test_the_units_of_a_draw_are_the_prompts_that_there_are(
    strategy: dict[str, Any], size: int
) -> None:
    prompts = {"template": "{w} {x}", "vary": {"w": ["a"], "x": ["1", "2"]}, "choices": {"a": "A"}}
    asked = claim("property", forall={"w": strategy}, always="prob(a) > 0", examples=20)
    assert asked.units(Grid(PromptSet.model_validate(prompts), Path())) == min(20, 2 * size)


@pytest.mark.trust
def test_a_condition_that_nothing_breaks_and_a_selection_that_is_overruled_are_errors() -> None:
    def wrong(**fields: Any) -> dict[str, str]:
        usual = {"forall": {"feeling": {"sampled": ["hum"]}}, "always": "p(a) > 0.1"}
        return problems(claim("property", **{**usual, **fields}))

    assert "p(a) >= 0 is so whatever the model does" in wrong(always="p(a) >= 0")["always"]
    overruled = wrong(on="game[feeling=pain]")
    assert "`on` selects by 'feeling'" in overruled["forall.feeling"]
    assert not {"always", "forall.feeling"} & wrong().keys()
