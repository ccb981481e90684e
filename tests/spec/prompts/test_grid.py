from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from ppcheck.errors import SpecError
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.prompts.variable import Word
from tests.spec.prompts.grids import GAME, grid, quick, texts, variables


def test_a_grid_is_every_combination_of_words() -> None:
    found = grid(template="{a} {b}", vary={"a": ["x", "y"], "b": {"p": ["1"], "q": ["2", "3"]}})
    assert texts(found.prompts) == ["x 1", "x 2", "x 3", "y 1", "y 2", "y 3"]


def test_a_template_without_variables_is_one_prompt() -> None:
    (prompt,) = grid(template="hello").prompts
    assert (prompt.text, prompt.key, prompt.unit) == ("hello", "only", "")


def test_variables_in_step_are_not_crossed() -> None:
    vary = {"a": ["x", "y"], "b": ["1", "2"], "c": ["u", "v"]}
    found = grid(template="{a} {b} {c}", vary=vary, together=[["c", "a"]])
    assert texts(found.prompts) == ["x 1 u", "x 2 u", "y 1 v", "y 2 v"]


def test_paraphrases_are_prompts_of_their_own() -> None:
    found = grid(template=["a {x}", "b {x}"], vary={"x": {"p": ["1", "2"]}})
    assert {prompt.text: prompt.unit for prompt in found.prompts} == {
        "a 1": "template=1",
        "a 2": "template=1",
        "b 1": "template=2",
        "b 2": "template=2",
    }
    assert texts(found.select(Selection.parse("game[template=2]"))) == ["b 1", "b 2"]


def test_a_prompt_is_known_by_its_words_and_its_unit_by_plain_ones() -> None:
    prompt = grid(**GAME).prompts[0]
    assert prompt.key == "item=tea, feeling=ache, dose=mild"
    assert prompt.unit == "item=tea"
    assert prompt.words["dose"].dose == 1.0


def test_where_nothing_is_shared_each_prompt_is_a_unit() -> None:
    for fields in ({"vary": {"x": {"p": ["1", "2"]}}}, {"vary": {"x": ["1", "2"]}, "unit": []}):
        assert [p.unit for p in grid(template="{x}", **fields).prompts] == ["x=1", "x=2"]


def test_chat_turns_and_ids_are_prompts() -> None:
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "u {x}"}]
    (chat,) = grid(turns=turns, vary={"x": ["1"]}).prompts
    assert chat.text == "system: s\nuser: u 1"
    (ids,) = grid(ids=[5, "{x}"], vary={"x": ["6 7"]}, choices={"a": "8"}).prompts
    assert (ids.text, ids.choice_prefix) == ("5 6 7", " ")
    assert [piece.ids for piece in ids.turns[0].pieces] == [(5,), (6, 7)]


def test_answers_may_follow_the_prompt() -> None:
    found = grid(template="{x}", vary={"x": ["1", "2"]}, choices={"same": ["{x}", "it"]})
    assert [prompt.choices["same"] for prompt in found.prompts] == [("1", "it"), ("2", "it")]


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ("game", 18),
        ("game[feeling=pain]", 12),
        ("game[feeling=glee]", 6),
        ("game[feeling!=pain]", 6),
        ("game[feeling=pain, item=tea|milk, dose!=mild]", 4),
    ],
)
def test_selections_keep_prompts_by_class_or_word(selection: str, count: int) -> None:
    assert len(grid(**GAME).select(Selection.parse(selection))) == count


def test_a_pair_has_words_of_the_same_place_in_their_classes() -> None:
    pairs = grid(**GAME, pairs={"feeling": ["joy", "pain"]}).pairs(Selection.parse("g[item=tea]"))
    assert [(pair.clean.text, pair.corrupted.text) for pair in pairs] == [
        ("mild glee and tea", "mild ache and tea"),
        ("strong glee and tea", "strong ache and tea"),
    ]


def test_a_claim_may_pair_otherwise() -> None:
    found = grid(**GAME, pairs={"feeling": ["joy", "pain"]})
    pairs = found.pairs(Selection.parse("game[feeling=glee]"), {"dose": ("strong", "mild")})
    assert {pair.corrupted.words["dose"].text for pair in pairs} == {"mild"}


def expand(found: Grid) -> object:
    return found.prompts


def pair(found: Grid) -> object:
    return found.pairs(Selection("game"))


def choose(text: str) -> Callable[[Grid], object]:
    return lambda found: found.select(Selection.parse(text))


@pytest.mark.parametrize(
    ("fields", "act", "message"),
    [
        ({"vary": {"x": ["a"]}, "half": "judge"}, expand, "`half` keeps none of its units"),
        ({"vary": {"x": ["a"]}}, choose("g[x=b]"), "`g[x=b]` selects no prompt: the grid is empty"),
        ({"vary": {"x": ["a"]}}, choose("g[y=b]"), "`y=b` selects by no known variable: there is"),
        ({"vary": {"x": ["a"]}}, pair, "the claim needs `pairs`, and neither it nor its prompts"),
        (
            {"vary": {"x": {"p": ["a"], "q": ["b"]}}, "pairs": {"x": ["p", "q"]}},
            lambda found: found.pairs(Selection.parse("game[x=q]")),
            "`game[x=q]` selects no clean prompt, one with x=p",
        ),
        (
            {"vary": {"x": ["a"]}},
            lambda found: found.pairs(Selection("game"), {"y": ("a", "b")}),
            "no template has 'y': there is x",
        ),
        ({"rows": "none.csv"}, expand, "there is no file 'none.csv' in the spec's folder"),
        ({"rows": "a.csv", "vary": {"x": ["a"]}}, expand, "'x' is a column of a.csv too"),
        (
            {"rows": "a.csv", "template": "{y}"},
            expand,
            "a.csv has no column 'y': there is row, x, z",
        ),
        ({"rows": "a.csv", "unit": ["y"]}, expand, "a.csv has no column 'y'"),
        ({"rows": "a.csv", "unit": ["template"]}, expand, "a.csv has no column 'template'"),
        ({"rows": "a.csv", "choices": {"c": "{y}"}}, expand, "a.csv has no column 'y'"),
        ({"rows": "a.csv", "pairs": {"x": "y"}}, expand, "a.csv has no column 'y'"),
        ({"rows": "a.csv", "pairs": {"x": "z"}}, pair, "clean and corrupted both have x=a"),
        (
            {"rows": "a.csv"},
            lambda found: found.pairs(Selection("game"), {"x": ("a", "b")}),
            "'x' comes from rows: name the column to swap it with",
        ),
        (
            {"rows": "a.csv"},
            lambda found: found.pairs(Selection("game"), {"x": "y"}),
            "there is no column 'y': there is row, x, z",
        ),
        ({"rows": "a.csv", "template": None, "ids": ["{x}"]}, expand, "'a' is not a token id"),
    ],
)
def test_what_cannot_be_expanded_is_refused(
    tmp_path: Path, fields: dict[str, Any], act: Callable[[Grid], object], message: str
) -> None:
    (tmp_path / "a.csv").write_text("x,z\na,a\n")
    found = grid(tmp_path, **{"template": "{x}", **fields})
    with pytest.raises(SpecError) as raised:
        act(found)
    assert message in str(raised.value)


def test_an_error_names_the_key_of_the_set_that_it_is_about(tmp_path: Path) -> None:
    found = Grid(
        PromptSet(template="{x}", rows="none.csv"),
        tmp_path,
        lambda message, *keys: SpecError(f"{keys}: {message}"),
    )
    with pytest.raises(SpecError, match=r"^\('rows',\): there is no file"):
        assert found.prompts


def test_prompts_may_not_fill_the_memory() -> None:
    vary = {"x": [f"w{number}" for number in range(2000)]}
    with pytest.raises(SpecError, match="over 50,000,000 characters in all"):
        assert grid(template="a" * 50_000 + "{x}", vary=vary).prompts


@quick
@given(variables)
def test_the_size_of_a_grid_is_the_product_of_its_axes(vary: dict[str, Any]) -> None:
    found = grid(template="{x} {y} {z} {w}", vary=vary)
    sizes = [len(variable.words) for variable in found.prompt_set.vary.values()]
    assert len(found.prompts) == prod(sizes)
    assert len({prompt.key for prompt in found.prompts}) == prod(sizes)


@quick
@given(variables)
def test_a_pair_differs_in_one_word_only(vary: dict[str, Any]) -> None:
    found = grid(template="{x} {y} {z} {w}", vary=vary, pairs={"w": ["P", "Q"]})
    pairs = found.pairs(Selection("game"))
    prompts = set(texts(found.prompts))
    assert len(pairs) == len(found.select(Selection.parse("game[w=P]")))
    for pair in pairs:
        clean, corrupted = pair.clean.words, pair.corrupted.words
        assert {name for name in clean if clean[name] != corrupted[name]} == {"w"}
        assert (clean["w"].label, corrupted["w"].label) == ("P", "Q")
        assert pair.clean.unit == pair.corrupted.unit
        assert pair.corrupted.text in prompts


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{dose} {feeling} and {item}", "mild and tea"),
        ("{feeling} {dose} {item}", "mild tea"),
        ("{dose} {item} {feeling}", "mild tea "),
        ("{dose} {item}{feeling} .", "mild tea ."),
        ("{dose}, {feeling}, {item}", "mild, , tea"),
    ],
)
def test_other_words_take_a_prompts_place_and_no_word_leaves_no_gap(
    template: str, text: str
) -> None:
    found = grid(**{**GAME, "template": template})
    prompt = found.with_words(found.prompts[0], {"feeling": Word("", "")})
    assert prompt.text == text
    assert all(piece.text for turn in prompt.turns for piece in turn.pieces)
    other = found.with_words(found.prompts[0], {"feeling": Word("mirth", "mirth")})
    assert other.text == found.prompts[0].text.replace("ache", "mirth")
    assert other.words["feeling"].text == "mirth"


def test_pairs_are_made_once() -> None:
    found = grid(**GAME, pairs={"feeling": ["joy", "pain"]})
    first = found.pairs(Selection("game"))
    assert found.pairs(Selection("game")) is first
    assert found.pairs(Selection.parse("game[item=tea]")) != first
