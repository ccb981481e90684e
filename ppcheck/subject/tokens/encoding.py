"""Prompts as tokens: which tokens a position names, and what tokens an answer is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import Position
from ppcheck.subject.tokens.tokenizer import Ids, Tokens


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

    def positions(self, position: Position) -> list[tuple[int, ...]]:
        """The token indices that ``position`` names, for each prompt.

        Empty where ``position.label`` leaves the prompt out. Raises MeasurementError for a token
        outside the prompt or the variable, and for a variable that the prompt does not show;
        ValueError for ``previous``, which only attention has.
        """
        return [self._positions(number, position) for number in range(len(self))]

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
            return (self._nth(number, position, tuple(range(length)), "the prompt"),)
        if position.kind == "variable":
            return self._of_variable(number, position)
        raise ValueError(f"{position} has a meaning only for the token that attends")

    def _of_variable(self, number: int, position: Position) -> tuple[int, ...]:
        prompt, name = self.prompts[number], position.variable or ""
        if name not in self.spans[number]:
            raise MeasurementError(f"{name!r} stands nowhere in the prompt {prompt.text!r}")
        word = prompt.words[name]
        if position.label not in (None, word.label, word.text):
            return ()
        span = self.spans[number][name]
        if position.index is None:
            return span
        return (self._nth(number, position, span, f"{name} ({word.text!r})"),)

    def _nth(self, number: int, position: Position, tokens: tuple[int, ...], whole: str) -> int:
        index = position.index or 0
        if not -len(tokens) <= index < len(tokens):
            raise MeasurementError(
                f"{position} is outside {self.prompts[number].text!r}: "
                f"{whole} has {len(tokens)} token(s)"
            )
        return tokens[index]
