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
from ppcheck.spec.prompts.variable import Word
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


def at(encoded: Encoded, position: Any) -> list[list[str]]:
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


LENGTH = 8
SPANS = {"x": (2, 3, 5), "y": (6,)}
"""The tokens that two variables became in a prompt of eight; `x` stands twice."""


def numbered(name: str, tokens: tuple[int, ...]) -> st.SearchStrategy[tuple[str, set[int]]]:
    """A number or a range among some tokens, as written, and the tokens that it is."""
    count = len(tokens)
    place = st.integers(0, count - 1)
    either = st.tuples(place, st.booleans()).map(lambda p: (p[0], p[0] - count * p[1]))
    one = either.map(lambda p: (name.format(p[1]), {tokens[p[0]]}))
    both = st.tuples(either, either).filter(lambda pair: pair[0][0] <= pair[1][0])
    ranged = both.map(
        lambda pair: (
            name.format(f"{pair[0][1]}..{pair[1][1]}"),
            {token for n, token in enumerate(tokens) if pair[0][0] <= n <= pair[1][0]},
        )
    )
    return one | ranged


atoms = st.one_of(
    st.just(("final", {LENGTH - 1})),
    numbered("{}", tuple(range(LENGTH))),
    st.sampled_from([(name, set(span)) for name, span in SPANS.items()]),
    numbered("x[{}]", SPANS["x"]),
)
lists = st.lists(atoms, min_size=1, max_size=4, unique_by=lambda atom: Position.parse(atom[0]))


def one_prompt() -> Encoded:
    words = {name: Word(name, name) for name in SPANS}
    prompt = Prompt("ids", (), words, "", {}, "")
    return Encoded((prompt,), (tuple(range(LENGTH)),), (SPANS,), Tokens("model", 9, 40, None))


@given(lists)
def test_a_list_is_the_union_of_its_parts_and_a_complement_all_other_tokens(
    some: list[tuple[str, set[int]]],
) -> None:
    texts = [text for text, _ in some]
    union = set().union(*(tokens for _, tokens in some))
    encoded = one_prompt()
    assert encoded.positions(Position.parse(texts)) == [tuple(sorted(union))]
    rest = Position.parse(f"all but [{', '.join(texts)}]")
    if left := set(range(LENGTH)) - union:
        assert encoded.positions(rest) == [tuple(sorted(left))]
    else:
        with pytest.raises(MeasurementError, match="is not a token of"):
            encoded.positions(rest)


@given(lists)
def test_a_layout_puts_each_part_where_its_tokens_are(some: list[tuple[str, set[int]]]) -> None:
    texts = [text for text, _ in some]
    encoded, position = one_prompt(), Position.parse(texts)
    (tokens,), (layout,) = encoded.positions(position), encoded.layouts(position)
    assert [{tokens[place] for place in part} for part in layout] == [part for _, part in some]


def test_ranges_lists_and_complements_follow_each_prompts_own_tokens(encode: Any) -> None:
    encoded = encode(**GAME)
    assert at(encoded, "1..2")[:2] == [[" 3", " and"]] * 2
    assert at(encoded, "-2..-1")[:2] == [[" .", " pick"]] * 2
    assert at(encoded, ["feeling", "final"])[:2] == [[" pain", " pick"], [" ag", "ony", " pick"]]
    assert at(encoded, "all but [0..3, feeling]")[:2] == [[" .", " pick"]] * 2
    assert at(encoded, ["feeling=pain", "final"])[2] == [" pick"]


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ("5..8", r"5\.\.8 is outside 'pick 3 and mild pain \. pick': the prompt has 7 token"),
        ("feeling[0..1]", r"feeling\[0\.\.1\] is outside .*: feeling \('pain'\) has 1 token"),
        ("5..-6", r"5\.\.-6 ends before it starts in .*: the prompt has 7 token"),
        ("all but 0..-1", r"all but 0\.\.-1 is not a token of 'pick 3"),
    ],
)
def test_what_a_prompt_does_not_have_is_an_error(encode: Any, position: str, message: str) -> None:
    with pytest.raises(MeasurementError, match=message):
        encode(**GAME).positions(Position.parse(position))


def test_single_refuses_a_list_that_is_several_tokens(encode: Any) -> None:
    with pytest.raises(MeasurementError, match=r"^\[0, final\] is 2 tokens .* one is needed$"):
        encode(**GAME).single(Position.parse([0, "final"]))
