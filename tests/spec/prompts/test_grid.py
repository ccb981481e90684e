from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.errors import SpecError
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.prompts.variable import Word

GAME: dict[str, Any] = {
    "template": "{dose} {feeling} and {item}",
    "vary": {
        "item": ["tea", "milk", "salt"],
        "feeling": {"pain": ["ache", "sting"], "joy": ["glee"]},
        "dose": {"ordered": ["mild", "strong"]},
    },
}


def grid(folder: Path = Path(), **fields: Any) -> Grid:
    return Grid(PromptSet.model_validate(fields), folder)


def texts(prompts: tuple[Prompt, ...]) -> list[str]:
    return [prompt.text for prompt in prompts]


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


def test_rows_are_prompts_and_units(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,other\nAda,Bo\nCy,Di\n")
    found = grid(
        tmp_path, template="{name} {x}", rows="a.csv", vary={"x": {"p": ["1"], "q": ["2"]}}
    )
    assert texts(found.prompts) == ["Ada 1", "Ada 2", "Cy 1", "Cy 2"]
    assert [prompt.unit for prompt in found.prompts] == ["row=1", "row=1", "row=2", "row=2"]
    assert texts(found.select(Selection.parse("game[other=Di]"))) == ["Cy 1", "Cy 2"]


def test_a_column_can_take_the_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,other\nAda,Bo\nCy,Di\n")
    found = grid(tmp_path, template="{name} left", rows="a.csv", pairs={"name": "other"})
    pairs = found.pairs(Selection("game"))
    assert [pair.corrupted.text for pair in pairs] == ["Bo left", "Di left"]
    assert [pair.corrupted.unit for pair in pairs] == ["row=1", "row=2"]


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


TABLE = "x0,x1,x2,kind\n5,17,5,same\n5,17,8,other\n"


def test_equal_columns_are_one_variable_beside_each_by_itself(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    fields = {"rows": "a.csv", "columns": "x{0..2}", "choices": {"last": "{x2}"}}
    found = grid(tmp_path, ids=[3, "{x}"], **fields)
    assert texts(found.prompts) == ["3 5 17 5", "3 5 17 8"]
    assert [prompt.turns[0].pieces[1].ids for prompt in found.prompts] == [(5, 17, 5), (5, 17, 8)]
    assert found.prompts[1].choices == {"last": ("8",)}
    assert len(found.select(Selection.parse("game[kind=same]"))) == 1
    assert len(found.select(Selection.parse("game[x2=8]"))) == 1
    assert texts(grid(tmp_path, template="{x} so", **fields).prompts) == ["5 17 5 so", "5 17 8 so"]
    part = grid(tmp_path, template="{x}", rows="a.csv", columns="x{1..2}")
    assert texts(part.prompts) == ["17 5", "17 8"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": "x{0..3}"}, "a.csv has no column 'x3': there is row, x0, x1"),
        ({"columns": "kin{0..1}"}, "a.csv has no column 'kin0': did you mean 'kind'?"),
        ({"columns": "x{2..0}"}, "x{2..0} ends before it starts"),
        ({"columns": "x0..2"}, "'x0..2' names no columns: write x{0..21} for x0 to x21"),
        ({"columns": 3}, "expected columns such as x{0..21}, got 3"),
        ({"columns": "x{0..2}", "rows": None, "vary": {"x": ["5"]}}, "name it under `rows`"),
        ({"columns": "x{0..2}", "vary": {"x": ["5"]}}, "'x' is a column of a.csv too"),
        ({"columns": "x{0..1}", "rows": "b.csv"}, "b.csv has a column 'x' beside 'x0': rename one"),
    ],
)
def test_columns_that_are_not_there_are_named(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text("x,x0,x1\n5,5,5\n")
    with pytest.raises((SpecError, ValueError)) as raised:
        _ = grid(tmp_path, **{"template": "{x}", "rows": "a.csv", **fields}).prompts
    assert message in str(raised.value)


def test_rows_times_words_have_the_limit_of_a_grid(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "\n".join(f"r{number}" for number in range(15_000)))
    words = [f"w{number}" for number in range(15_000)]
    found = grid(tmp_path, template="{x}{y}", rows="a.csv", vary={"y": words})
    with pytest.raises(SpecError, match="225,000,000 prompts and may have 20,000"):
        assert found.prompts


def test_a_sample_that_leaves_too_many_prompts_is_refused() -> None:
    vary = {"x": ["a", "b"], "y": {"p": [f"w{number}" for number in range(20_001)]}}
    with pytest.raises(SpecError, match="over 20,000 prompts: `sample` fewer units"):
        assert grid(template="{x}{y}", vary=vary, sample=1).prompts


def test_prompts_may_not_fill_the_memory() -> None:
    vary = {"x": [f"w{number}" for number in range(2000)]}
    with pytest.raises(SpecError, match="over 50,000,000 characters in all"):
        assert grid(template="a" * 50_000 + "{x}", vary=vary).prompts


quick = settings(deadline=None, max_examples=50)
words = st.lists(st.text("abcd", min_size=1, max_size=3), min_size=1, max_size=4, unique=True)
variables = st.fixed_dictionaries(
    {
        "x": words,
        "y": words,
        "z": words.map(lambda some: {"ordered": some}),
        "w": st.builds(
            lambda p, q: {"P": p, "Q": [f"{word}'" for word in q]},
            words,
            words,
        ),
    }
)


@quick
@given(variables)
def test_the_size_of_a_grid_is_the_product_of_its_axes(vary: dict[str, Any]) -> None:
    found = grid(template="{x} {y} {z} {w}", vary=vary)
    sizes = [len(variable.words) for variable in found.prompt_set.vary.values()]
    assert len(found.prompts) == prod(sizes)
    assert len({prompt.key for prompt in found.prompts}) == prod(sizes)


@quick
@given(variables, st.integers(0, 3))
def test_the_halves_are_disjoint_in_units_and_together_the_whole(
    vary: dict[str, Any], seed: int
) -> None:
    def half(**fields: Any) -> dict[str, str]:
        try:
            prompts = grid(template="{x} {y} {z} {w}", vary=vary, seed=seed, **fields).prompts
        except SpecError:  # one unit has no second half
            return {}
        return {prompt.key: prompt.unit for prompt in prompts}

    whole, explore, judge = half(), half(half="explore"), half(half="judge")
    assert explore | judge == whole
    assert set(explore.values()).isdisjoint(judge.values())
    assert 0 <= len(set(explore.values())) - len(set(judge.values())) <= 1


@quick
@given(variables, st.integers(1, 6), st.integers(0, 3))
def test_a_sample_keeps_whole_units(vary: dict[str, Any], sample: int, seed: int) -> None:
    whole = grid(template="{x} {y} {z} {w}", vary=vary).prompts
    kept = grid(template="{x} {y} {z} {w}", vary=vary, sample=sample, seed=seed).prompts
    units = {prompt.unit for prompt in kept}
    assert len(units) == min(sample, len({prompt.unit for prompt in whole}))
    assert texts(kept) == [prompt.text for prompt in whole if prompt.unit in units]


@quick
@given(variables, st.integers(1, 6), st.sampled_from([None, "explore"]))
def test_a_word_added_to_a_variable_that_makes_no_units_moves_no_prompt(
    vary: dict[str, Any], sample: int, half: str | None
) -> None:
    fields: dict[str, Any] = {"template": "{x} {y} {z} {w}", "sample": sample, "half": half}
    more = {**vary, "z": {"ordered": [*vary["z"]["ordered"], "new"]}}
    before, after = grid(vary=vary, **fields).prompts, grid(vary=more, **fields).prompts
    assert texts(before) == [prompt.text for prompt in after if prompt.words["z"].text != "new"]


def test_another_seed_draws_another_sample() -> None:
    vary = {"x": [f"w{number}" for number in range(50)]}
    drawn = {
        tuple(texts(grid(template="{x}", vary=vary, sample=5, seed=s).prompts)) for s in (0, 1)
    }
    assert len(drawn) == 2


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


@pytest.mark.trust
@pytest.mark.parametrize("half", ["explore", "judge"])
def test_a_prompt_that_repeats_is_not_in_both_halves(tmp_path: Path, half: str) -> None:
    words = ["tea", "milk", "salt", "mint", "rice"]
    (tmp_path / "a.csv").write_text("x\n" + "".join(f"{word}\n{word}  \n" for word in words))
    found = grid(tmp_path, template="{x} .", rows="a.csv", half=half)
    halves = {"explore": 6, "judge": 4}
    assert len(found.prompts) == halves[half]
    assert len({" ".join(prompt.text.split()) for prompt in found.prompts}) == halves[half] / 2


@pytest.mark.trust
def test_a_set_of_one_prompt_over_and_over_has_no_second_half(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "tea\n" * 8)
    with pytest.raises(SpecError, match="`half` keeps none of its units"):
        assert grid(tmp_path, template="{x}", rows="a.csv", half="judge").prompts


def test_the_labels_of_a_variable_are_its_classes_and_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,x.class\nache,pain\nglee,joy\nglum,pain\n")
    found = grid(tmp_path, template="{x} {y}", rows="a.csv", vary={"y": ["u", "v"]}, sample=1)
    assert found.labels("x") == ("pain", "joy", "ache", "glee", "glum")
    assert found.labels("y") == ("u", "v")
    assert found.labels("z") is None
    assert found.names == ("row", "x", "y")


def test_pairs_are_made_once() -> None:
    found = grid(**GAME, pairs={"feeling": ["joy", "pain"]})
    first = found.pairs(Selection("game"))
    assert found.pairs(Selection("game")) is first
    assert found.pairs(Selection.parse("game[item=tea]")) != first


@pytest.mark.trust
def test_a_row_without_an_answer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\nAda,she\nBo,\n")
    found = grid(tmp_path, template="{x} said that", rows="a.csv", choices={"right": "{y}"})
    with pytest.raises(SpecError, match="the answer 'right' is empty in row 2"):
        assert found.prompts
