from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppcheck.errors import SpecError
from ppcheck.spec.prompts.doubts import doubts
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet

pytestmark = pytest.mark.trust


def warnings(**fields: Any) -> list[str]:
    usual = {"template": "is it so?", "choices": {"yes": "yes", "no": "no"}}
    prompts = PromptSet.model_validate({**usual, **fields})

    def place(message: str, *keys: object) -> SpecError:
        return SpecError(f"{'.'.join(map(str, keys))}: {message}")

    return [str(warning) for warning in doubts(Grid(prompts, Path(), place))]


@pytest.mark.parametrize(
    "fields",
    [
        {"choices": {"yes": " yes"}},
        {"template": "is it so? ", "choices": {"yes": "yes"}},
        {"template": "is it so?\n", "choices": {"yes": "yes"}},
        {"template": "is it so? ", "choice_prefix": "", "choices": {"yes": " yes"}},
        {"template": "is it {x}", "vary": {"x": ["so? "]}, "choices": {"yes": "yes"}},
        {"choice_prefix": "\n\n ", "choices": {"yes": " yes"}},
        {"template": None, "turns": [{"role": "user", "content": "so?"}], "choices": {"yes": " y"}},
    ],
)
def test_two_spaces_before_an_answer_are_said(fields: dict[str, Any]) -> None:
    (warning,) = warnings(**fields)
    assert warning.startswith("choices.yes: white space meets white space before the choice 'yes'")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"choices": {"yes": " yes"}, "choice_prefix": ""},
        {"template": "is it so? ", "choice_prefix": ""},
        {"template": "is it so?\n\n", "choice_prefix": ""},
        {"choice_prefix": ":\n\n"},
        {"template": None, "ids": [5], "choices": {"yes": "6 7"}},
    ],
)
def test_one_is_not(fields: dict[str, Any]) -> None:
    assert warnings(**fields) == []


def test_the_warning_shows_where_they_stand() -> None:
    (warning,) = warnings(choices={"yes": " yes", "no": "no"})
    assert "as in 'is it so?  yes'" in warning


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"template": "so?\\nAnswer:"}, "template: \\n is a backslash and a letter here"),
        ({"choice_prefix": "\\t"}, "choice_prefix: \\t is a backslash and a letter here"),
        ({"choices": {"yes": "yes\\n"}}, "choices: \\n is a backslash and a letter here"),
        (
            {"template": "is {x} so?", "vary": {"x": ["it", ""]}},
            "vary.x: a word leaves the place of {x} empty",
        ),
    ],
)
def test_what_is_seldom_meant_is_said(fields: dict[str, Any], said: str) -> None:
    (warning,) = warnings(**fields)
    assert warning.startswith(said)


def test_an_answer_after_the_assistants_own_turn_is_said() -> None:
    turns = [{"role": "user", "content": "so?"}, {"role": "assistant", "content": "it is"}]
    (warning,) = warnings(template=None, turns=turns)
    assert warning.startswith("turns.1: the last turn is the assistant's, and the answer begins an")


def test_a_row_without_a_word_is_said(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y\nit,a\n,b\n")
    fields: dict[str, Any] = {"template": "is {x} so?", "rows": "rows.csv"}
    grid = Grid(PromptSet.model_validate(fields), tmp_path)
    assert [warning.message for warning in doubts(grid)] == ["row 2 leaves the place of {x} empty"]


GAME: dict[str, Any] = {
    "template": "{start} we feel {what}",
    "vary": {"start": ["here", "now"], "what": {"pain": ["ache"], "joy": ["glee"]}},
    "pairs": {"what": ["pain", "joy"]},
}
ONE_WORDING = {"template": "we feel {what}", "vary": {"what": GAME["vary"]["what"]}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {**GAME, "vary": {**GAME["vary"], "what": {"pain": ["9 aches"], "joy": ["1 glee"]}}},
            "vary.what: pain and joy differ in the number 1, too",
        ),
        (ONE_WORDING, "vary: all prompts have one wording"),
        ({**ONE_WORDING, "unit": []}, "unit: all prompts have one wording"),
        ({**GAME, "template": "{start} we feel {{what}} {what}"}, "{{what}} is the text {what}"),
        ({**GAME, "half": "explore"}, "half: `explore` is the half to set bounds on"),
    ],
)
def test_prompts_that_show_less_than_they_seem_to_are_said(
    fields: dict[str, Any], message: str
) -> None:
    assert any(message in warning for warning in warnings(**fields))


def test_words_that_make_the_units_are_no_fault() -> None:
    assert warnings(**GAME) == warnings(**ONE_WORDING, unit=["what"]) == []


def test_classes_of_numbers_alone_may_differ_in_numbers() -> None:
    what = {"few": ["2", "3"], "many": ["8", "9"]}
    assert warnings(**{**GAME, "vary": {**GAME["vary"], "what": what}, "pairs": {}}) == []
    pairs = {"what": ["few", "many"]}
    assert warnings(**{**GAME, "vary": {**GAME["vary"], "what": what}, "pairs": pairs}) == []


def test_rows_that_contradict_each_other_are_said(tmp_path: Path) -> None:
    text = "what,what.class,what.dose\nache,pain,1\nache,pain,2\nglee,Pain,1\n"
    (tmp_path / "rows.csv").write_text(text)
    prompts = {"template": "we feel {what}", "rows": "rows.csv", "choices": {"a": "A", "b": "B"}}
    found = [str(each) for each in doubts(Grid(PromptSet.model_validate(prompts), tmp_path))]
    assert found == [
        "rows give 'ache' two doses as 'what'",
        "classes of 'what' differ by upper and lower case alone",
    ]
