from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.sites.position import Position
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Tokens


@pytest.fixture
def encode(pieces: Any) -> Any:
    """Encodes the prompts of a set with a tokenizer that splits words into pieces."""

    def run(tokenizer: Any = pieces, **settings: Any) -> Encoded:
        grid = Grid(PromptSet.model_validate(settings), Path())
        tokens = Tokens("model", tokenizer.vocab_size, 40, tokenizer)
        prompts = grid.select(Selection("game"))
        return Encoded(prompts, *tokens.encode(prompts), tokens)

    return run


def at(encoded: Encoded, position: str | int) -> list[list[str]]:
    """The tokens at a position, as text."""
    tokenizer = encoded.tokens.tokenizer
    assert tokenizer is not None
    return [
        [str(tokenizer.decode([ids[index]])) for index in indices]
        for ids, indices in zip(
            encoded.ids, encoded.positions(Position.parse(position)), strict=True
        )
    ]


GAME = {
    "template": "pick 3 and {degree} {feeling} . pick",
    "vary": {
        "degree": ["mild", "severe"],
        "feeling": {"pain": ["pain", "agony"], "neutral": ["hum"]},
    },
}


def test_a_variable_is_its_own_tokens_however_many_come_before(encode: Any) -> None:
    encoded = encode(**GAME)
    words = [(["mild"], ["pain"]), (["mild"], ["ag", "ony"]), (["mild"], ["hum"])]
    words += [(["sev", "ere"], feeling) for _, feeling in words]
    assert at(encoded, "degree") == [[f" {w[0]}", *w[1:]] for w, _ in words]
    assert at(encoded, "feeling") == [[f" {w[0]}", *w[1:]] for _, w in words]
    assert len({len(ids) for ids in encoded.ids}) == 3


def test_one_token_of_a_variable_counts_from_either_end(encode: Any) -> None:
    encoded = encode(**GAME)
    assert at(encoded, "feeling[0]")[:3] == [[" pain"], [" ag"], [" hum"]]
    assert at(encoded, "feeling[-1]")[:3] == [[" pain"], ["ony"], [" hum"]]
    message = r"feeling\[1\] is outside 'pick 3 and mild pain \. pick': feeling \('pain'\) has 1"
    with pytest.raises(MeasurementError, match=message):
        encoded.positions(Position.parse("feeling[1]"))


def test_a_label_leaves_other_prompts_without_tokens(encode: Any) -> None:
    encoded = encode(**GAME)
    assert at(encoded, "feeling=pain")[:3] == [[" pain"], [" ag", "ony"], []]
    assert at(encoded, "feeling=agony")[:3] == [[], [" ag", "ony"], []]


def test_final_all_and_numbers_count_tokens(encode: Any) -> None:
    encoded = encode(**GAME)
    assert at(encoded, "final")[0] == [" pick"]
    assert "".join(at(encoded, "all")[1]) == "pick 3 and mild agony . pick"
    assert at(encoded, 1)[0] == at(encoded, -6)[0] == [" 3"]
    with pytest.raises(MeasurementError, match=r"-8 is outside .* has 7 token"):
        encoded.positions(Position.parse(-8))


def test_previous_belongs_to_attention(encode: Any) -> None:
    with pytest.raises(ValueError, match="only for the token that attends"):
        encode(**GAME).positions(Position.parse("previous"))


def test_single_asks_which_of_several_tokens_is_meant(encode: Any) -> None:
    encoded = encode(**GAME)
    assert encoded.single(Position.parse("feeling[-1]"))[:2] == [4, 5]
    message = r"feeling is 2 tokens in .*agony.*: write feeling\[0\] or feeling\[-1\]"
    with pytest.raises(MeasurementError, match=message):
        encoded.single(Position.parse("feeling"))
    with pytest.raises(MeasurementError, match="feeling=hum is 0 tokens"):
        encoded.single(Position.parse("feeling=hum"))


def test_a_variable_that_stands_twice_is_the_tokens_of_both_places(encode: Any) -> None:
    encoded = encode(template="{x} and {x} .", vary={"x": ["pain", "agony"]})
    assert at(encoded, "x") == [["pain", " pain"], ["ag", "ony", " ag", "ony"]]


def test_a_variable_that_no_template_shows_is_an_error(encode: Any) -> None:
    with pytest.raises(MeasurementError, match="'mood' stands nowhere in the prompt"):
        encode(**GAME).positions(Position.parse("mood"))


def test_spaces_around_a_word_are_not_its_tokens(encode: Any) -> None:
    encoded = encode(template="pick{x}and", vary={"x": [" pain "]})
    assert at(encoded, "x") == [[" pain"]]
