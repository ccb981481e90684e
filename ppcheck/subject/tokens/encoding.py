"""Prompts as tokens: which tokens a position names, and what tokens an answer is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.target import is_of
from ppcheck.spec.sites.position import Position
from ppcheck.subject.tokens.tokenizer import Ids, Tokens

Layout = tuple[Sequence[int], ...]
"""Where the tokens of each part stand among those of the position. All but a list is one part."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Prompts, their token ids, and the tokens that each of their variables became.

    ``spans`` maps a variable to token indices in rising order; a variable that stands in a template
    more than once has the tokens of all its places.
    """

    prompts: tuple[Prompt, ...]
    ids: tuple[Ids, ...]
    spans: tuple[Mapping[str, tuple[int, ...]], ...]
    tokens: Tokens = field(repr=False)
    _choices: dict[str, list[tuple[Ids, ...]]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.prompts)

    def part(self, numbers: Iterable[int]) -> Encoded:
        """The prompts of these numbers, in their order and as often as they come."""
        rows = [(self.prompts[n], self.ids[n], self.spans[n]) for n in numbers]
        prompts, ids, spans = zip(*rows, strict=True) if rows else ((), (), ())
        return Encoded(prompts, ids, spans, self.tokens)

    def again(self, prompts: Sequence[Prompt]) -> Encoded:
        """Other prompts, tokenised as these are. Raises as `Tokens.encode` does."""
        return Encoded(tuple(prompts), *self.tokens.encode(prompts), self.tokens)

    def reaches(self, position: Position) -> bool:
        """Whether these prompts have all the tokens of a position that their whole texts have."""
        del position
        return True

    def positions(self, position: Position) -> list[tuple[int, ...]]:
        """The token indices that ``position`` names, for each prompt.

        They are in rising order. Empty where ``position.label`` leaves the prompt out.
        Raises MeasurementError for a token outside the prompt or the variable, for a variable that
        the prompt does not show, and where a complement leaves no token; ValueError for
        ``previous``, which only attention has.
        """
        return [self._positions(number, position) for number in range(len(self))]

    def layouts(self, position: Position) -> list[Layout]:
        """How the parts of ``position`` make up its tokens, for each prompt.

        Tokens of two prompts stand for each other, one by one, where the layouts are equal.
        """
        found = self.positions(position)
        if position.kind != "list":
            return [(range(len(tokens)),) for tokens in found]
        of_parts = zip(*map(self.positions, position.parts), strict=True)
        return [
            tuple(tuple(map(tokens.index, part)) for part in parts)
            for tokens, parts in zip(found, of_parts, strict=True)
        ]

    def single(self, position: Position) -> list[int]:
        """One token index for each prompt. Raises MeasurementError unless there is just one."""
        indices = []
        for prompt, tokens in zip(self.prompts, self.positions(position), strict=True):
            if len(tokens) != 1:
                name = position.variable
                advice = f": write {name}[0] or {name}[-1]" if name and len(tokens) > 1 else ""
                raise MeasurementError(
                    f"{position} is {len(tokens)} tokens in {prompt.text!r}, "
                    f"and one is needed{advice}"
                )
            indices.append(tokens[0])
        return indices

    def check_mean(self, position: Position, *, pooled: bool) -> None:
        """Raises MeasurementError where activations at a position have no mean over prompts.

        Not ``pooled`` over the tokens too, it is of prompts that have equally many.
        """
        counts = set(map(len, self.positions(position)))
        if not pooled and len(counts) > 1:
            raise MeasurementError(
                f"{position} is {min(counts)} to {max(counts)} tokens: prompts of different "
                "lengths have a mean only pooled over their tokens"
            )
        if not any(counts):
            raise MeasurementError(f"no prompt has a token at {position} to take the mean of")

    def pieces(self, number: int) -> list[str]:
        """The text of each token of a prompt, or its id where the model has no tokenizer."""
        return self.tokens.pieces(self.ids[number])

    def choices(self, name: str) -> list[tuple[Ids, ...]]:
        """The tokens of each synonym of choice ``name``, for each prompt, as they follow it.

        Raises MeasurementError where an answer's first token would swallow the prompt's last.
        """
        if name not in self._choices:
            self._choices[name] = self.tokens.answers(self.prompts, self.ids, name)
        return self._choices[name]

    def _positions(self, number: int, position: Position) -> tuple[int, ...]:
        length = len(self.ids[number])
        if position.kind == "final":
            return (length - 1,)
        if position.kind == "all":
            return tuple(range(length))
        if position.kind == "index":
            return self._nth(number, position, tuple(range(length)), "the prompt")
        if position.kind == "variable":
            return self._of_variable(number, position)
        if position.kind == "previous":
            raise ValueError(f"{position} has a meaning only for the token that attends")
        named = {t for part in position.parts for t in self._positions(number, part)}
        if position.kind == "list":
            return tuple(sorted(named))
        if not (rest := tuple(t for t in range(length) if t not in named)):
            raise MeasurementError(f"{position} is not a token of {self.prompts[number].text!r}")
        return rest

    def _of_variable(self, number: int, position: Position) -> tuple[int, ...]:
        prompt, name = self.prompts[number], position.variable or ""
        if name not in self.spans[number]:
            raise MeasurementError(f"{name!r} stands nowhere in the prompt {prompt.text!r}")
        if position.label is not None and not is_of(name, position.label, prompt.words):
            return ()
        span = self.spans[number][name]
        if position.index is None:
            return span
        return self._nth(number, position, span, f"{name} ({prompt.words[name].text!r})")

    def _nth(
        self, number: int, position: Position, tokens: tuple[int, ...], whole: str
    ) -> tuple[int, ...]:
        """The token, or the range of tokens, that the position's numbers name among these."""
        first, count = position.index or 0, len(tokens)
        last = first if position.last is None else position.last
        text = self.prompts[number].text
        if not all(-count <= end < count for end in (first, last)):
            raise MeasurementError(f"{position} is outside {text!r}: {whole} has {count} token(s)")
        if not (named := tokens[first % count : last % count + 1]):
            raise MeasurementError(
                f"{position} ends before it starts in {text!r}: {whole} has {count} token(s)"
            )
        return named
