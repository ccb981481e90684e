"""Targets that differ by prompt: whichever of some variables is of a class, or a certain word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.judge.verdict import Verdict
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from tests.measure.checks.test_attention import uniform
from tests.measure.checks.test_flow import relay
from tests.measure.lab import Model, Plant, bench, claim, estimates, problems, token, verdict

REPEATS: dict[str, Any] = {
    "template": "{start} {one} and {two} . they see {again}",
    "vary": {
        "start": ["here", "there", "now", "then", "we", "on"],
        "one": {"bad": ["pain", "ache"], "good": ["joy", "light"]},
        "two": {"good": ["light", "joy"], "bad": ["ache", "pain"]},
        "again": ["pain", "joy", "light", "ache"],
    },
    "together": [["one", "two"]],
    "unit": ["start"],
}
ONE, TWO, FINAL = 1, 3, 7


def repeating(model: Any) -> None:
    """Head L1H0 looks from a word to where it stands before, and to itself, alike."""
    relay(1)(model)
    body = model.transformer
    body.wpe.weight.zero_()
    attention = body.h[1].attn
    attention.c_attn.bias.zero_()
    attention.c_attn.weight.zero_()
    for number, word in enumerate(("pain", "ache", "joy", "light")):
        body.wte.weight[token(word), 8 + number] = 5
        attention.c_attn.weight[8 + number, number] = 30
        attention.c_attn.weight[8 + number, 16 + number] = 30


def test_the_target_is_where_the_word_stands(planted: Callable[[Plant], Model]) -> None:
    """By hand: half of the attention, the other half being the word's own."""
    on = bench(planted(repeating), REPEATS)
    fields = {"on": "game", "to": ["one=again", "two=again"]}
    found = estimates(claim("attention", site=["L1H0", "L0H0"], **fields).measure(on))
    assert found["attention L1H0"] == pytest.approx(1 / 2, abs=1e-6)
    assert found["attention L0H0"] == pytest.approx(1 / 8, abs=1e-6)
    for site, verdict_of in (("L1H0", Verdict.HOLDS), ("L0H0", Verdict.FAILS)):
        wanted = claim("attention", site=site, **fields, expect={"attention": ">= 0.3"})
        assert verdict(wanted, on) == verdict_of


def test_a_head_that_looks_everywhere_has_no_target(planted: Callable[[Plant], Model]) -> None:
    fields: dict[str, Any] = {"to": ["one=again", "two=again"], "expect": {"attention": ">= 0.3"}}
    wanted = claim("attention", site="L1H0", **fields)
    assert verdict(wanted, bench(planted(uniform), REPEATS)) == Verdict.FAILS


@pytest.mark.parametrize(
    ("to", "is_target"),
    [
        (["one=again", "two=again"], lambda word, last: word == last),
        (["one=bad", "two=bad"], lambda word, _: word in ("pain", "ache")),
        ("two=again", None),
    ],
)
def test_what_is_attended_to_is_that_of_transformers_patterns(
    tiny: Model, to: Any, is_target: Any
) -> None:
    on = bench(tiny, REPEATS)
    found = claim("attention", site="L1H1", to=to).measure(on)
    paid = []
    for prompt in on.grid.prompts:
        words = prompt.text.split()
        places = [TWO] if is_target is None else [ONE, TWO]
        chosen = is_target or (lambda word, last: word == last)
        keys = [at for at in places if chosen(words[at], words[FINAL])]
        if keys:
            paid.append(tiny.attention(prompt.text)[1, 1, FINAL, keys].sum())
    assert 0 < len(paid) <= len(on.grid.prompts)
    assert len(found.statistics[0].examples) == len(paid)
    assert estimates(found)["attention"] == pytest.approx(np.mean(paid), abs=1e-6)


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("one=one", "true of every prompt: write one"),
        ("one=agian", "no class or word 'agian'"),
    ],
)
def test_an_unknown_target_is_refused(to: str, message: str) -> None:
    assert message in problems(claim("attention", site="L0H0", to=to), REPEATS)["to"]


def test_a_class_that_is_called_as_a_variable_is_refused() -> None:
    vary = {**REPEATS["vary"], "one": {"again": ["pain", "ache"], "good": ["joy", "light"]}}
    found = problems(claim("attention", site="L0H0", to="one=again"), {**REPEATS, "vary": vary})
    assert "may be the class 'again' or the variable 'again': rename one" in found["to"]


def test_a_word_that_no_prompt_has_twice_is_refused() -> None:
    grid = Grid(PromptSet.model_validate(REPEATS), Path())
    wanted = claim("attention", on="game[again=pain, one=light]", site="L0H0", to="one=again")
    (problem,) = wanted.faults(grid)
    assert problem.key == "to"
    assert "has one word as 'one' and as 'again'" in problem.message


@pytest.mark.parametrize(
    ("to", "message"),
    [
        (["one=last", "two=last"], None),
        ("one=first", "no prompt of `game` has one=first"),
        ("two=kind", "may be the class 'kind' or the variable 'kind'"),
    ],
)
def test_a_column_of_rows_may_be_named(tmp_path: Path, to: Any, message: str | None) -> None:
    rows = ["one,two,two.class,last,kind", "pain,joy,kind,joy,x", "ache,light,other,ache,y"]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    prompts = {"template": "{one} and {two} . {last}", "rows": "rows.csv"}
    grid = Grid(PromptSet.model_validate(prompts), tmp_path)
    wanted = claim("attention", site="L0H0", to=to)
    assert "to" not in problems(wanted, prompts)
    said = [problem.message for problem in wanted.faults(grid)]
    assert said == [] if message is None else message in said[0]
