"""Prompts that are read before they end: what comes later changes nothing in a causal model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.subject.tokens.encoding import Encoded


@dataclass(frozen=True, eq=False)
class Beginnings(Encoded):
    """The beginnings of ``whole`` prompts: a position is those of its tokens that are left."""

    whole: Encoded = field(kw_only=True, repr=False)

    def positions(self, position: Position) -> list[tuple[int, ...]]:
        """Raises MeasurementError also for a position of which no prompt has a token left."""
        named = self.whole.positions(position)
        left = [
            tuple(token for token in tokens if token < len(ids))
            for tokens, ids in zip(named, self.ids, strict=True)
        ]
        if any(named) and not any(left):
            raise MeasurementError(
                f"{position} comes after all that is read, and nothing there can change it: "
                "name a position before it"
            )
        return left


@dataclass(frozen=True, eq=False)
class UpTo(Beginnings):
    """Prompts up to the one token that ``at`` names, and with it.

    All tokens, and all but some, are those up to there. Any other position with a later token is
    refused.
    """

    at: Position = field(kw_only=True)

    def part(self, numbers: Iterable[int]) -> Encoded:
        return up_to(self.whole.part(numbers), self.at)

    def again(self, prompts: Sequence[Prompt]) -> Encoded:
        return up_to(self.whole.again(prompts), self.at)

    def reaches(self, position: Position) -> bool:
        return self._beyond(position) is None

    def positions(self, position: Position) -> list[tuple[int, ...]]:
        if position.kind not in ("all", "but") and (later := self._beyond(position)) is not None:
            raise MeasurementError(
                f"{position} comes after {self.at} in {self.prompts[later].text!r}, where the "
                f"metric is read, and nothing there can change it: name {self.at}, or what stands "
                "before it"
            )
        return super().positions(position)

    def _beyond(self, position: Position) -> int | None:
        """The first prompt, by number, that is read before some token of the position."""
        rows = enumerate(zip(self.whole.positions(position), self.ids, strict=True))
        return next((n for n, (tokens, ids) in rows if tokens and tokens[-1] >= len(ids)), None)


def beginnings(encoded: Encoded, rows: Sequence[tuple[int, int]]) -> Beginnings:
    """Prompts by number, each up to a token and without it."""
    whole = encoded.part(number for number, _ in rows)
    ids = tuple(ids[:token] for ids, (_, token) in zip(whole.ids, rows, strict=True))
    return Beginnings(whole.prompts, ids, whole.spans, whole.tokens, whole=whole)


def up_to(encoded: Encoded, at: Position) -> Encoded:
    """The same prompts up to ``at``. Raises MeasurementError where that is not one token."""
    if at == FINAL:
        return encoded
    ends = zip(encoded.ids, encoded.single(at), strict=True)
    ids = tuple(ids[: token + 1] for ids, token in ends)
    return UpTo(encoded.prompts, ids, encoded.spans, encoded.tokens, whole=encoded, at=at)
