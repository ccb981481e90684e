"""Where a head may look from a token, and what stands there to the token that looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from ppcheck.measure.core.check import Bench
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.sites.position import Position
from ppcheck.subject.tokens.encoding import Encoded


class Kind(Enum):
    """What a place is to the token that looks."""

    INDUCTION = "induction"
    DUPLICATE = "duplicate"
    ANSWER = "answer"
    PREVIOUS = "previous"
    FIRST = "first"
    PLAIN = "plain"


WHAT = {
    Kind.INDUCTION: "which followed the same word before",
    Kind.DUPLICATE: "where the same word stood before",
    Kind.ANSWER: "which is the answer",
}
HEAD = {Kind.INDUCTION: "an induction head", Kind.DUPLICATE: "a duplicate-token head"}
"""What a head is called that looks at such a place and brings what it finds."""


@dataclass(frozen=True)
class Place:
    """Tokens that can be seen, as a claim names them and in words."""

    name: str
    words: str
    kind: Kind = Kind.PLAIN

    @property
    def said(self) -> str:
        return f"{self.words}, {WHAT[self.kind]}" if self.kind in WHAT else self.words


def places(bench: Bench, on: str, position: str, answer: str) -> list[Place]:
    """All that the token at ``position`` can look at; ``answer`` is the choice that it may be."""
    view = _view(bench, on, position)
    found = [*view.variables(answer), Place(position, "itself")]
    kinds = {each.kind for each in found}
    if Kind.FIRST not in kinds:
        found.append(Place("0", "the first token", Kind.FIRST))
    if Kind.PREVIOUS not in kinds:
        found.append(Place("previous", "the token before", Kind.PREVIOUS))
    return found


def repeats(bench: Bench, on: str, position: str) -> bool:
    """Whether the word at ``position`` stands earlier in each prompt, too."""
    view = _view(bench, on, position)
    return view.is_single and all(view.before)


def is_final(bench: Bench, on: str, position: str) -> bool:
    """Whether the prompts end with the token at ``position``."""
    view = _view(bench, on, position)
    return all(len(ids) - 1 == at for ids, at in zip(view.encoded.ids, view.looking, strict=True))


def _view(bench: Bench, on: str, position: str) -> _View:
    encoded = bench.prompts(Selection.parse(on))
    return _View(encoded, encoded.positions(Position.parse(position)))


@dataclass(frozen=True, eq=False)
class _View:
    """Prompts, and the tokens of each that look."""

    encoded: Encoded
    tokens: list[tuple[int, ...]]

    @property
    def looking(self) -> list[int]:
        return [tokens[-1] for tokens in self.tokens]

    @property
    def is_single(self) -> bool:
        return all(len(tokens) == 1 for tokens in self.tokens)

    @cached_property
    def before(self) -> list[set[int]]:
        """Where the token that looks stood before.

        Nowhere if all prompts look from the same word: it may be looked at for its place alone.
        """
        rows = list(zip(self.encoded.ids, self.looking, strict=True))
        if len({ids[at] for ids, at in rows}) == 1:
            return [set() for _ in rows]
        return [{t for t in range(at) if ids[t] == ids[at]} for ids, at in rows]

    def variables(self, answer: str) -> Iterator[Place]:
        """Each variable that is seen in every prompt, in equally many tokens or whole."""
        for name in self.encoded.spans[0]:
            seen = [self._seen(number, name) for number in range(len(self.encoded))]
            if not all(seen):
                continue
            kind = self._kind(name, seen, answer)
            counts = set(map(len, seen))
            whole = all(
                span.get(name) == tokens
                for span, tokens in zip(self.encoded.spans, seen, strict=True)
            )
            if not (whole or len(counts) == 1):
                continue
            last = max(counts) - 1
            part = "" if whole else "[0]" if last == 0 else f"[0..{last}]"
            yield Place(f"{name}{part}", f"the {name}" if whole else f"the first {name}", kind)

    def _seen(self, number: int, name: str) -> tuple[int, ...]:
        at = self.looking[number]
        return tuple(t for t in self.encoded.spans[number].get(name, ()) if t < at)

    def _kind(self, name: str, seen: list[tuple[int, ...]], answer: str) -> Kind:
        if not self.is_single:
            return Kind.PLAIN
        rows = list(zip(seen, self.looking, self.before, strict=True))
        words = [(prompt.words[name].text, prompt) for prompt in self.encoded.prompts]
        kinds = {
            Kind.PREVIOUS: all(tokens == (at - 1,) for tokens, at, _ in rows),
            Kind.INDUCTION: all(tokens[0] - 1 in before for tokens, _, before in rows),
            Kind.DUPLICATE: all(tokens[-1] in before for tokens, _, before in rows),
            Kind.FIRST: all(tokens == (0,) for tokens, _, _ in rows),
            Kind.ANSWER: all(word in prompt.choices[answer] for word, prompt in words),
        }
        return next((kind for kind, is_so in kinds.items() if is_so), Kind.PLAIN)
