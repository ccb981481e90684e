from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ppcheck.spec.prompts.prompt_set import PromptSet
from tests.spec.example import Failure

TEMPLATE = '    template: "win 2 for {dose} {feeling} and {item} . pick"\n'
ITEM = "item: [tea, milk, salt]"
FEELING = "feeling: {pain: [ache, sting], joy: [glee, cheer]}"
CHOICES = 'choices: {two: "2", three: [three, "3"]}'
PAIRS = "pairs: {feeling: [pain, joy]}"


def prompt_set(**fields: Any) -> PromptSet:
    return PromptSet.model_validate(fields)


def test_one_template_or_several_make_a_set() -> None:
    assert prompt_set(template="a").template == ("a",)
    assert prompt_set(template=["a", "b"]).template == ("a", "b")
    assert prompt_set(template="a").form == "text"


def test_ids_and_turns_make_a_set() -> None:
    ids = prompt_set(ids=[5, "{n}"], vary={"n": ["6", 7, "8 9"]}, choices={"a": 3})
    assert (ids.form, ids.ids) == ("ids", (5, "{n}"))
    chat = prompt_set(turns=[{"role": "user", "content": "{x}"}], vary={"x": ["a"]})
    assert (chat.form, chat.variable_names) == ("chat", ("x",))


def test_variables_are_named_in_the_order_of_the_templates() -> None:
    words = ["v", "w"]
    found = prompt_set(template=["{b} {a} {b}", "{c} {a}"], vary=dict.fromkeys("abc", words))
    assert found.variable_names == ("b", "a", "c")


def test_plain_variables_and_paraphrases_are_the_independent_units() -> None:
    vary = {"x": ["a", "b"], "y": {"p": ["c"]}, "z": {"ordered": ["d"]}}
    assert prompt_set(template="{x}{y}{z}", vary=vary).unit_names == ("x",)
    both = ["{x}{y}{z}", "{z}{y}{x}"]
    assert prompt_set(template=both, vary=vary).unit_names == ("template", "x")
    assert prompt_set(template=both, vary=vary, unit=["y"]).unit_names == ("y",)


def test_an_answer_may_use_a_variable_that_no_template_has() -> None:
    found = prompt_set(template="a", vary={"x": ["b"]}, choices={"c": "{x}"})
    assert found.answer_names == ("x",)


@pytest.mark.parametrize("part", [{"sample": 3}, {"half": "judge"}])
def test_what_is_all_there_is_has_no_part(part: dict[str, Any]) -> None:
    assert prompt_set(template="a", population="fixed").is_fixed
    assert not prompt_set(template="a", **part).is_fixed
    with pytest.raises(ValidationError, match=f"and `{next(iter(part))}` keeps a part of them"):
        prompt_set(template="a", population="fixed", **part)


def test_classes_of_numbers_can_be_paired() -> None:
    vary = {"n": {"2": ["two"], "3": ["three"]}}
    assert prompt_set(template="{n}", vary=vary, pairs={"n": [2, 3]}).pairs == {"n": ("2", "3")}


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("template: 3", "5: template: expected text (in quotes if it begins with {) or a list of"),
        ("template: {item}", "or a list of texts, got {'item': None}"),
        ("template: [a, [b]]", "or a list of texts, got ['a', ['b']]"),
        ("template: []", "or a list of texts, got []"),
        ('template: ""', "or a list of texts, got ''"),
        ("template: ['{item}', '{item}']", "5: template: the same template stands twice"),
        ('template: "{item"', "5: template: in '{item': a brace without its partner; write {name}"),
        (
            'template: "{itm} {feeling} {dose}"',
            "5: template: {itm} is not under `vary`: did you mean 'item'?",
        ),
        ('template: "{feeling} {dose}"', "7: item: no template uses the variable 'item'"),
        ('template: "{item} {final}"', "5: template: a variable cannot be called 'final'"),
        ('template: "{item} {row}"', "5: template: a variable cannot be called 'row'"),
        ("ids: [1, x]", "5: ids: 'x' is neither a token id nor one {variable}"),
        ("ids: [1, 2.5]", "5: ids: 2.5 is neither a token id nor one {variable}"),
        ("ids: [true]", "5: ids: true is neither a token id nor one {variable}"),
        ("ids: [-2]", "5: ids: -2 is not a token id: ids are not negative"),
        ("ids: []", '5: ids: expected a list such as [5, 17, "{feeling}"], got []'),
        ('ids: ["{item}"]', "7: item: 'tea' is not a token id, or several separated by spaces"),
        ("turns: []", "5: turns: expected at least 1 of these, got []"),
        ("turns: hello", "5: turns: expected a list such as [a, b], got 'hello'"),
        ("turns: [hello]", "5: turns: expected keys with values, such as {a: b}, got 'hello'"),
        (
            "turns:\n    - role: user\n      contnt: a",
            "7: unknown key 'contnt': did you mean 'content'?",
        ),
        (
            "turns:\n    - role: usr\n      content: a",
            "6: role: unknown 'usr': did you mean 'user'?",
        ),
        ("seed: 1", "4: game: prompts have exactly one of `template`, `ids` and `turns`"),
        ("template: a\n    ids: [1]", "4: game: prompts have exactly one of `template`, `ids` and"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(failure: Failure, new: str, message: str) -> None:
    said = failure(TEMPLATE, f"    {new}\n")
    assert said.startswith("game.pp.yaml:")
    assert message in said
    assert said.count("template:") <= 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (ITEM, "item: tea", "7: item: a variable is a list of words, classes of words"),
        (ITEM, "item: [no, tea]", "7: item: no, off and false are read as a truth value"),
        (ITEM, "item:\n      - tea\n      - on", "7: item: yes, on and true are read as a truth"),
        (ITEM, "item: []", "7: item: an empty list of words makes an empty grid"),
        (ITEM, "item: [a, a]", "7: item: the word 'a' stands more than once"),
        (FEELING, "feeling: {pain: ache}", "8: feeling: class 'pain': expected a list of words"),
        ("[faint, mild, severe]", "[faint], doses: [.nan]", "9: dose: `doses` must be 1 rising"),
        (CHOICES, "choices: [a]", "10: choices: expected keys with values, such as {a: b}, got"),
        (CHOICES, "choices: {two: yes}", "10: two: yes, on and true are read as a truth value"),
        (CHOICES, "choices: {two: []}", "10: two: a choice needs an answer that is not empty"),
        (CHOICES, 'choices: {two: ""}', "10: two: a choice needs an answer that is not empty"),
        (CHOICES, "choices: {two: [a, a]}", "10: two: the same answer stands twice"),
        (CHOICES, "choices: {two: {a: b}}", "10: two: expected a word, got {'a': 'b'}"),
        (CHOICES, 'choices: {two: "{"}', "10: two: in '{': a brace without its partner"),
        (
            CHOICES,
            'choices: {two: "{itm}"}',
            "10: two: {itm} is not under `vary`: did you mean 'item'?",
        ),
        (
            CHOICES,
            "choices: {two: a, three: a}",
            "10: three: 'a' is an answer of 'two' and of 'three'",
        ),
        (CHOICES, "choises: {a: b}", "10: unknown key 'choises': did you mean 'choices'?"),
        (PAIRS, "pairs: [pain, joy]", "11: pairs: expected keys with values, such as {a: b}, got"),
        (PAIRS, "pairs: {feeling: 3}", "11: feeling: expected two classes, [clean, corrupted], or"),
        (PAIRS, "pairs: {feeling: [pain]}", "the name of another variable; got ['pain']"),
        (PAIRS, "pairs: {feeling: [pain, jo]}", "11: pairs: 'feeling' has no class 'jo': did you"),
        (PAIRS, "pairs: {feeling: [joy, joy]}", "['joy', 'joy'] of 'feeling' is the same class"),
        (
            PAIRS,
            "pairs: {feling: [pain, joy]}",
            "11: pairs: no template has 'feling': did you mean 'feeling'?",
        ),
        (
            PAIRS,
            "pairs: {feeling: itm}",
            "11: pairs: there is no variable 'itm': did you mean 'item'?",
        ),
        (PAIRS, "pairs: {feeling: feeling}", "11: pairs: 'feeling' is paired with itself"),
        (
            PAIRS,
            "pairs: {feeling: [pain, joy], item: [tea, milk]}",
            "11: pairs: expected at most 1 of these",
        ),
        (PAIRS, "pool: summ", "11: pool: unknown 'summ': did you mean 'sum'?"),
        (PAIRS, "half: judg", "11: half: unknown 'judg': did you mean 'judge'?"),
        (PAIRS, "half: yes", "11: half: expected 'explore' or 'judge', got true"),
        (PAIRS, "sample: 0", "11: sample: expected at least 1, got 0"),
        (PAIRS, "sample: ten", "11: sample: expected a whole number, got 'ten'"),
        (PAIRS, "sample: 1.50", "11: sample: expected a whole number, got 1.50"),
        (PAIRS, "unit: item", "11: unit: expected a list such as [a, b], got 'item'"),
        (PAIRS, "unit: [itm]", "11: unit: there is no variable 'itm': did you mean 'item'?"),
        (PAIRS, "unit: [template]", "11: unit: there is no variable 'template': there is dose"),
        (PAIRS, "together: [item]", "11: together: expected a list such as [a, b], got 'item'"),
        (PAIRS, "together: [[]]", "11: together: variables in step need equally many words"),
        (
            PAIRS,
            "together: [[item, dos]]",
            "11: together: 'dos' is not under `vary`: did you mean 'dose'?",
        ),
        (
            PAIRS,
            "together: [[item, feeling]]",
            "variables in step need equally many words: item has 3, feeling has 4",
        ),
        (
            PAIRS,
            "together: [[item, dose], [dose, item]]",
            "11: together: 'item' stands more than once",
        ),
    ],
)
def test_what_is_wrong_with_a_prompt_set_is_said_once_with_its_line(
    failure: Failure, old: str, new: str, message: str
) -> None:
    said = failure(old, new)
    assert message in said
    assert said.startswith("game.pp.yaml:")
    assert len(said.splitlines()) == 1


def test_a_grid_over_the_limit_is_refused_without_being_made(failure: Failure) -> None:
    words = ", ".join(f"w{number}" for number in range(20_000))
    said = failure(ITEM, f"item: [{words}]")
    assert said == (
        "game.pp.yaml:4: game: the grid has 240,000 prompts and may have 20,000: "
        "give shorter lists, or `sample` a number of units"
    )


def test_a_sample_is_drawn_from_a_grid_that_has_a_limit_too() -> None:
    vary = {name: [f"w{number}" for number in range(2000)] for name in "abcde"}
    with pytest.raises(ValidationError, match=r"32,000,000,000,000,000 prompts and may have 500,0"):
        prompt_set(template="{a}{b}{c}{d}{e}", vary=vary, sample=1)
