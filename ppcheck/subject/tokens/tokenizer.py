"""The model's own tokenizer, asked for ids and for where in the text each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Turn, token_ids
from ppcheck.subject.tokens.chat import Frames, render

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ids = tuple[int, ...]
Spans = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class _Tokenised:
    """``offsets`` gives the characters from which each token was made, as (start, stop)."""

    ids: Ids
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Tokens:
    """Turns prompts and answers into ids of ``model``; without a tokenizer only prompts of ids."""

    model: str
    n_vocabulary: int
    n_positions: int
    tokenizer: PreTrainedTokenizerBase | None = None
    _rendered: WeakKeyDictionary[Prompt, tuple[str, tuple[int, ...]]] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False
    )
    _frames: Frames = field(default_factory=dict, init=False, repr=False)
    _encoded: WeakKeyDictionary[Prompt, tuple[Ids, Spans]] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False
    )
    _answers: WeakKeyDictionary[Prompt, dict[tuple[str, int], tuple[Ids, ...]]] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False
    )

    def encode(self, prompts: Sequence[Prompt]) -> tuple[tuple[Ids, ...], tuple[Spans, ...]]:
        """Ids and the span of every variable, for each prompt.

        Raises UnsupportedError for text without a tokenizer and for chat without a chat template;
        MeasurementError for unknown words, ids outside the vocabulary, and prompts that are empty
        or longer than the model's context. What is known of a prompt is not found out again.
        """
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._encoded]
        is_ids = all(prompt.form == "ids" for prompt in new)
        for prompt, found in zip(
            new, map(_of_ids, new) if is_ids else self._of_text(new), strict=True
        ):
            self._check(prompt, found[0])
            self._encoded[prompt] = found
        encoded = [self._encoded[prompt] for prompt in prompts]
        return tuple(ids for ids, _ in encoded), tuple(spans for _, spans in encoded)

    def pieces(self, ids: Ids) -> list[str]:
        """The text of each token, or its id where the model has no tokenizer."""
        if self.tokenizer is None:
            return [str(token) for token in ids]
        return [str(self.tokenizer.decode([token])) for token in ids]

    def text(self, ids: Sequence[int]) -> str:
        """Tokens as text, special ones written out; without a tokenizer the ids themselves."""
        if self.tokenizer is None:
            return " ".join(map(str, ids))
        asked: dict[str, Any] = {"clean_up_tokenization_spaces": False}
        return str(self.tokenizer.decode(list(ids), **asked))

    @property
    def ends(self) -> tuple[int, ...]:
        """The token, if there is one, with which the tokenizer ends a text."""
        found = None if self.tokenizer is None else self.tokenizer.eos_token_id
        return () if found is None else (int(found),)

    def answers(
        self, prompts: Sequence[Prompt], ids: Sequence[Ids], name: str
    ) -> list[tuple[Ids, ...]]:
        """The tokens of choice ``name`` after ``ids``, which each prompt is or begins with.

        See `Encoded.choices`.
        """
        for prompt in prompts:
            if name not in prompt.choices:
                raise MeasurementError(f"the prompts have no choice {name!r}")
        asked = dict(zip(prompts, ids, strict=True))
        keys = {prompt: (name, len(start)) for prompt, start in asked.items()}
        new = [p for p, key in keys.items() if key not in self._answers.get(p, {})]
        answers = self._find_answers(new, [asked[prompt] for prompt in new], name)
        for prompt, found in zip(new, answers, strict=True):
            self._answers.setdefault(prompt, {})[keys[prompt]] = found
        return [self._answers[prompt][keys[prompt]] for prompt in prompts]

    def _find_answers(
        self, prompts: Sequence[Prompt], ids: Sequence[Ids], name: str
    ) -> list[tuple[Ids, ...]]:
        if all(prompt.form == "ids" for prompt in prompts):
            return [self._id_answers(prompt, name) for prompt in prompts]
        texts = [
            start + prompt.choice_prefix + answer
            for prompt, start in zip(prompts, self._texts(prompts, ids), strict=True)
            for answer in prompt.choices[name]
        ]
        followed = iter(self._tokenise(texts, special=prompts[0].form == "text"))
        return [
            tuple(
                _continuation(prompt, start, next(followed).ids, answer)
                for answer in prompt.choices[name]
            )
            for prompt, start in zip(prompts, ids, strict=True)
        ]

    def _texts(self, prompts: Sequence[Prompt], ids: Sequence[Ids]) -> list[str]:
        """The text of ``ids``, which each prompt is or begins with."""
        texts = [self._render(prompt)[0] for prompt in prompts]
        cut = [n for n, p in enumerate(prompts) if len(ids[n]) < len(self._encoded[p][0])]
        if cut:
            special = prompts[0].form == "text"
            whole = self._tokenise([texts[number] for number in cut], special=special)
            for number, tokens in zip(cut, whole, strict=True):
                stop = tokens.offsets[len(ids[number]) - 1][1]
                texts[number] = texts[number][:stop]
        return texts

    def _of_text(self, prompts: Sequence[Prompt]) -> Iterable[tuple[Ids, Spans]]:
        rendered = [self._render(prompt) for prompt in prompts]
        tokenised = self._tokenise(
            [text for text, _ in rendered], special=prompts[0].form == "text"
        )
        for prompt, (_, starts), tokens in zip(prompts, rendered, tokenised, strict=True):
            yield tokens.ids, _spans(prompt.turns, starts, tokens.offsets)

    def _render(self, prompt: Prompt) -> tuple[str, tuple[int, ...]]:
        """The text that is tokenised, and the character at which each turn's own text starts."""
        if self.tokenizer is None:
            raise UnsupportedError(
                f"{self.model} has no tokenizer: it can be asked only with prompts of token `ids`"
            )
        if prompt.form != "chat":
            return prompt.text, (0,)
        if prompt not in self._rendered:
            found = render(prompt.turns, self.tokenizer, self.model, self._frames)
            self._rendered[prompt] = found
        return self._rendered[prompt]

    def _tokenise(self, texts: list[str], *, special: bool) -> list[_Tokenised]:
        tokenizer: Any = self.tokenizer
        if not tokenizer.is_fast:
            raise UnsupportedError(
                f"{self.model} has a slow tokenizer, which does not tell where its tokens stand: "
                "save it with a tokenizer.json"
            )
        encodings = tokenizer(
            texts,
            add_special_tokens=special,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            verbose=False,
        )
        columns = ("input_ids", "offset_mapping", "special_tokens_mask")
        return [
            self._tokenised(text, *row)
            for text, row in zip(texts, zip(*map(encodings.get, columns), strict=True), strict=True)
        ]

    def _tokenised(
        self, text: str, ids: list[int], offsets: list[tuple[int, int]], added: list[int]
    ) -> _Tokenised:
        """Drop what the tokenizer puts after the text (an end of sequence would end the prompt)."""
        while ids and added[-1] and len(ids) > 1:
            ids, offsets, added = ids[:-1], offsets[:-1], added[:-1]
        if self._unknown[0] in ids:
            self._check_known(text, ids, offsets, added)
        return _Tokenised(tuple(ids), tuple(offsets))

    def _check_known(
        self, text: str, ids: list[int], offsets: list[tuple[int, int]], added: list[int]
    ) -> None:
        unknown_id, unknown = self._unknown
        words = dict.fromkeys(
            text[start:stop].strip()
            for number, (start, stop), is_added in zip(ids, offsets, added, strict=True)
            if number == unknown_id and not is_added and text[start:stop] != unknown
        )
        if words:
            raise MeasurementError(
                f"{self.model} does not know {', '.join(map(repr, words))}: its tokenizer makes "
                f"{unknown} of {'it' if len(words) == 1 else 'each'} in {text!r}"
            )

    @cached_property
    def _unknown(self) -> tuple[int | None, str | None]:
        """The token for what the tokenizer does not know; transformers is slow to say."""
        tokenizer: Any = self.tokenizer
        return tokenizer.unk_token_id, tokenizer.unk_token

    def _id_answers(self, prompt: Prompt, name: str) -> tuple[Ids, ...]:
        try:
            answers = tuple(token_ids(text) for text in prompt.choices[name])
        except ValueError as error:
            raise MeasurementError(f"choice {name!r}: {error}") from None
        for answer in answers:
            self._check_vocabulary(answer, f"choice {name!r}")
        return answers

    def _check(self, prompt: Prompt, ids: Ids) -> None:
        if not ids:
            raise MeasurementError(f"the prompt {prompt.key!r} has no tokens")
        if len(ids) > self.n_positions:
            raise MeasurementError(
                f"the prompt {prompt.text!r} has {len(ids)} tokens "
                f"and {self.model} takes {self.n_positions}"
            )
        self._check_vocabulary(ids, f"the prompt {prompt.text!r}")

    def _check_vocabulary(self, ids: Ids, what: str) -> None:
        if max(ids) >= self.n_vocabulary:
            raise MeasurementError(
                f"{what} holds token {max(ids)}, "
                f"and the vocabulary of {self.model} is 0-{self.n_vocabulary - 1}"
            )


def _of_ids(prompt: Prompt) -> tuple[Ids, Spans]:
    ids: list[int] = []
    spans: dict[str, tuple[int, ...]] = {}
    for piece in (piece for turn in prompt.turns for piece in turn.pieces):
        if piece.variable is not None:
            new = range(len(ids), len(ids) + len(piece.ids))
            spans[piece.variable] = (*spans.get(piece.variable, ()), *new)
        ids.extend(piece.ids)
    return tuple(ids), spans


def _spans(
    turns: Sequence[Turn], starts: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> Spans:
    """The tokens that hold any character of what a variable became, spaces around it aside."""
    spans: dict[str, set[int]] = {}
    for turn, start in zip(turns, starts, strict=True):
        at = start
        for piece in turn.pieces:
            text = piece.text.strip() or piece.text
            first = at + piece.text.index(text)
            last = first + len(text)
            at += len(piece.text)
            if piece.variable is not None:
                spans.setdefault(piece.variable, set()).update(
                    n for n, (low, high) in enumerate(offsets) if low < last and high > first
                )
    return {name: tuple(sorted(tokens)) for name, tokens in spans.items()}


def _continuation(prompt: Prompt, start: Ids, whole: Ids, answer: str) -> Ids:
    if whole == start:
        raise MeasurementError(f"the answer {answer!r} adds no token to the prompt {prompt.text!r}")
    if whole[: len(start)] != start:
        raise MeasurementError(
            f"the answer {answer!r} merges with the last token of the prompt {prompt.text!r}: "
            "change `choice_prefix` or the end of the template"
        )
    return whole[len(start) :]
