from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.sites.position import Position
from ppcheck.subject.tokens.beginnings import beginnings, up_to
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Tokens

GAME = {
    "template": "pick 3 and {degree} {feeling} . pick",
    "vary": {"degree": ["mild", "severe"], "feeling": ["pain", "agony", "hum"]},
    "choices": {"a": "pick", "b": "{feeling} ."},
}


def encode(pieces: Any, **changes: Any) -> Encoded:
    grid = Grid(PromptSet.model_validate({**GAME, **changes}), Path())
    prompts = grid.select(Selection("game"))
    tokens = Tokens("model", pieces.vocab_size, 40, pieces)
    return Encoded(prompts, *tokens.encode(prompts), tokens)


def at(position: Any) -> Position:
    return Position.parse(position)


@pytest.mark.parametrize("end", ["degree[-1]", "feeling[-1]"])
def test_what_follows_a_token_is_as_after_a_prompt_that_ends_there(pieces: Any, end: str) -> None:
    template = GAME["template"].split(f"{{{end[:-4]}}}")[0] + f"{{{end[:-4]}}}"  # type: ignore[attr-defined]
    whole, alone = encode(pieces), encode(pieces, template=template)
    cut = up_to(whole, at(end))
    asked = dict(zip(alone.ids, zip(*map(alone.choices, "ab"), strict=True), strict=True))
    assert set(cut.ids) == set(asked)
    if end.startswith("feeling"):  # the answer is made of it
        assert [asked[ids] for ids in cut.ids] == list(zip(*map(cut.choices, "ab"), strict=True))
    assert cut.choices("a") != [] != whole.choices("a")


def test_prompts_that_are_read_to_their_end_are_as_they_are(pieces: Any) -> None:
    whole = encode(pieces)
    assert up_to(whole, at("final")) is whole
    assert up_to(whole, at(-1)).ids == whole.ids


def test_an_answer_that_merges_with_the_token_is_an_error(pieces: Any) -> None:
    vary = {"degree": ["mild"], "feeling": ["paix"]}
    whole = encode(pieces, vary=vary, choices={"a": "n"}, choice_prefix="")
    assert whole.choices("a")  # after another token it answers another question
    with pytest.raises(MeasurementError, match="merges with the last token"):
        up_to(whole, at("feeling[0]")).choices("a")


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_position_is_that_of_the_whole_prompt_or_refused(end: int, place: int) -> None:
    whole = one_prompt()
    cut = up_to(whole, at(end))
    assert cut.reaches(at(place)) is (place <= end)
    assert cut.positions(at("all")) == [tuple(range(end + 1))]
    if place <= end:
        assert cut.positions(at(place)) == whole.positions(at(place))
        assert cut.positions(at(place - 7)) == [(place,)]
    else:
        with pytest.raises(MeasurementError, match=f"{place} comes after {end}, where|in"):
            cut.positions(at(place))


def one_prompt() -> Encoded:
    prompt = Prompt("ids", (), {}, "", {}, "")
    return Encoded((prompt,), (tuple(range(7)),), ({},), Tokens("model", 9, 40, None))


def test_parts_and_other_prompts_end_at_the_same_position(pieces: Any) -> None:
    whole = encode(pieces)
    cut = up_to(whole, at("feeling[-1]"))
    assert cut.part([4, 1]).ids == (cut.ids[4], cut.ids[1])
    assert cut.again(whole.prompts[2:4]).ids == cut.ids[2:4]
    assert cut.part([4]).positions(at("feeling")) == [whole.positions(at("feeling"))[4]]


def test_rows_of_one_prompt_have_what_is_left_of_a_position(pieces: Any) -> None:
    whole = encode(pieces)
    rows = beginnings(whole, [(0, 2), (0, 5), (1, 3)])
    assert rows.ids == (whole.ids[0][:2], whole.ids[0][:5], whole.ids[1][:3])
    assert rows.positions(at("1..3")) == [(1,), (1, 2, 3), (1, 2)]
    with pytest.raises(MeasurementError, match="-1 comes after all that is read"):
        rows.positions(at(-1))
