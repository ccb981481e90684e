from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import Selection
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Tokens


def encode(tokenizer: Any, n_vocabulary: int = 300, **settings: Any) -> Encoded:
    tokens = Tokens("model", n_vocabulary, 12, tokenizer)
    grid = Grid(PromptSet.model_validate(settings), Path())
    prompts = grid.select(Selection("game"))
    return Encoded(prompts, *tokens.encode(prompts), tokens)


def test_ids_need_no_tokenizer() -> None:
    encoded = encode(
        None,
        ids=[5, "{x}", 7],
        vary={"x": ["8", "9 10"]},
        choices={"a": ["1", "2 3"], "b": "{x}"},
    )
    assert encoded.ids == ((5, 8, 7), (5, 9, 10, 7))
    assert [spans["x"] for spans in encoded.spans] == [(1,), (1, 2)]
    assert encoded.choices("a") == [((1,), (2, 3))] * 2
    assert encoded.choices("b") == [((8,),), ((9, 10),)]


def test_ids_outside_the_vocabulary_are_refused() -> None:
    with pytest.raises(MeasurementError, match=r"holds token 300, and the vocabulary .* 0-299"):
        encode(None, ids=[5, 300])
    encoded = encode(None, ids=[5], choices={"a": "300"})
    with pytest.raises(MeasurementError, match="choice 'a' holds token 300"):
        encoded.choices("a")


def test_text_needs_a_tokenizer() -> None:
    with pytest.raises(UnsupportedError, match=r"model has no tokenizer.*token `ids`"):
        encode(None, template="hello")


def test_a_prompt_longer_than_the_context_is_refused(pieces: Any) -> None:
    with pytest.raises(MeasurementError, match="has 13 tokens and model takes 12"):
        encode(pieces, template="pick" + " pick" * 12)


def test_an_unknown_word_is_named(words: Any) -> None:
    with pytest.raises(MeasurementError, match=r"model does not know 'torment'.*makes <unk> of it"):
        encode(words, template="pick {x} .", vary={"x": ["pain", "torment"]})
    encoded = encode(words, template="pick", choices={"a": "torment"})
    with pytest.raises(MeasurementError, match="does not know 'torment'"):
        encoded.choices("a")


def test_all_unknown_words_of_a_prompt_are_named_at_once(words: Any) -> None:
    message = r"model does not know 'my', 'dear': its tokenizer makes <unk> of each"
    with pytest.raises(MeasurementError, match=message):
        encode(words, template="my pick dear my .")


def test_special_tokens_that_are_written_are_known(words: Any) -> None:
    assert encode(words, template="pick <unk> pain").ids == ((2, 0, 3),)


def test_what_the_tokenizer_puts_before_the_prompt_counts_and_what_it_puts_after_does_not(
    wrapped: Any,
) -> None:
    encoded = encode(wrapped, template="pick {x}", vary={"x": ["pain"]}, choices={"a": "."})
    assert wrapped("pick pain")["input_ids"] == [1, 2, 3, 1]
    assert encoded.ids == ((1, 2, 3),)
    assert encoded.spans[0]["x"] == (2,)
    assert encoded.choices("a") == [((4,),)]


def test_answers_are_tokenised_where_they_stand(pieces: Any) -> None:
    encoded = encode(
        pieces,
        template="pick {x}",
        vary={"x": ["pain", "agony"]},
        choices={"same": ["{x}"], "several": ["hum", "severe"]},
    )
    ids = {
        text: tuple(pieces(text)["input_ids"]) for text in (" pain", " agony", " hum", " severe")
    }
    assert encoded.choices("same") == [(ids[" pain"],), (ids[" agony"],)]
    assert encoded.choices("several") == [(ids[" hum"], ids[" severe"])] * 2
    assert len(ids[" severe"]) == 2


def test_an_answer_that_merges_with_the_prompt_is_refused(pieces: Any) -> None:
    spaced = encode(pieces, template="pick ag", choices={"a": "ony"})
    assert spaced.choices("a") != [(tuple(pieces("ony")["input_ids"]),)]
    glued = encode(pieces, template="pick agon", choices={"a": "y"}, choice_prefix="")
    message = "the answer 'y' merges with the last token of the prompt 'pick agon'"
    with pytest.raises(MeasurementError, match=message):
        glued.choices("a")


def test_an_answer_that_leaves_no_token_is_refused(words: Any) -> None:
    encoded = encode(words, template="pick", choices={"a": "{x}"}, vary={"x": [" "]})
    with pytest.raises(MeasurementError, match="the answer ' ' adds no token to the prompt"):
        encoded.choices("a")


def test_an_unknown_choice_is_an_error(pieces: Any) -> None:
    with pytest.raises(MeasurementError, match="no choice 'b'"):
        encode(pieces, template="pick", choices={"a": "hum"}).choices("b")


def test_what_is_known_of_a_prompt_is_not_found_out_again(words: Any) -> None:
    asked: list[list[str]] = []

    class Counting:
        is_fast, unk_token, unk_token_id = True, words.unk_token, words.unk_token_id

        def __call__(self, texts: list[str], **options: Any) -> Any:
            asked.append(texts)
            return words(texts, **options)

    tokens = Tokens("model", 300, 12, Counting())  # type: ignore[arg-type]
    settings = {"template": "pick {x}", "vary": {"x": ["pain", "."]}, "choices": {"a": "pain"}}
    prompts = Grid(PromptSet.model_validate(settings), Path()).select(Selection("game"))
    first, again = (Encoded(prompts, *tokens.encode(prompts), tokens) for _ in range(2))
    assert (first.ids, first.spans) == (again.ids, again.spans)
    assert first.choices("a") == again.choices("a") == [((3,),), ((3,),)]
    assert asked == [["pick pain", "pick ."], ["pick pain pain", "pick . pain"]]
