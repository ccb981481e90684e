"""The points game that the demo model plays: grammar, answers and the held-out rule.

A round offers two options for points; one of them also brings a stipulated feeling of a stated
intensity. Pain should deter, pleasure attract, and a neutral state of the same form do nothing,
after the trade-off games of Keeling et al. 2024 (arXiv 2411.02432).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

OPENINGS = (
    "hello",
    "we play",
    "a small game",
    "here are two options",
    "read both options with care",
    "this is the next round of play",
)
CLOSINGS = (
    "so",
    "now please",
    "it is time to",
    "weigh them and then",
    "take a moment and then calmly",
    "with all of this in mind you",
)
OPTIONS = ("A", "B")
POINTS = range(1, 10)
INTENSITIES = ("faint", "slight", "mild", "moderate", "strong", "intense", "severe", "extreme")
FEELINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pain": ("pain", "agony", "ache", "torment", "anguish", "suffering"),
        "pleasure": ("pleasure", "delight", "joy", "bliss", "comfort", "euphoria"),
        "neutral": ("light", "sound", "breeze", "shade", "echo", "colour"),
    }
)
FEELING_WORDS = tuple(word for words in FEELINGS.values() for word in words)

SIGNS: Mapping[str, int] = MappingProxyType({"pain": -1, "pleasure": 1, "neutral": 0})
BLUNTED_SIGNS: Mapping[str, int] = MappingProxyType({**SIGNS, "pain": 0})
BETA = 0.5
"""Log-odds that one point is worth."""
WEIGHT = 1.0
"""Points that one step of intensity is worth."""

_CLASS_OF = {word: name for name, words in FEELINGS.items() for word in words}
_DOSE_OF = {word: dose for dose, word in enumerate(INTENSITIES, start=1)}


@dataclass(frozen=True, slots=True)
class Round:
    """One prompt of the game. `felt` is the option that brings the feeling."""

    opening: str
    closing: str
    felt: str
    felt_first: bool
    felt_points: int
    plain_points: int
    intensity: str
    feeling: str

    @property
    def feeling_class(self) -> str:
        """`pain`, `pleasure` or `neutral`."""
        return _CLASS_OF[self.feeling]

    @property
    def dose(self) -> int:
        """The intensity as a number, 1 to 8."""
        return _DOSE_OF[self.intensity]

    @property
    def prompt(self) -> str:
        """Words separated by single spaces; the next word is the answer."""
        plain = OPTIONS[1 - OPTIONS.index(self.felt)]
        offers = [
            f"choose {self.felt} for {self.felt_points} points and {self.intensity} {self.feeling}",
            f"choose {plain} for {self.plain_points} points",
        ]
        first, second = offers if self.felt_first else offers[::-1]
        return f"{self.opening} . {first} . {second} . {self.closing} choose"

    def p_felt(self, signs: Mapping[str, int] = SIGNS) -> float:
        """Target probability of the option with the feeling; `signs` by feeling class."""
        valence = signs[self.feeling_class] * WEIGHT * self.dose
        return 1 / (1 + math.exp(-BETA * (self.felt_points - self.plain_points + valence)))

    def p_a(self, signs: Mapping[str, int] = SIGNS) -> float:
        """Target probability of the answer `A`."""
        return self.p_felt(signs) if self.felt == "A" else 1 - self.p_felt(signs)

    @property
    def held_out(self) -> bool:
        """Whether training never shows this round's stakes, or never its framing."""
        stakes = (self.feeling, self.intensity, self.felt_points, self.plain_points)
        return stakes in HELD_OUT_STAKES or (self.opening, self.closing) in HELD_OUT_FRAMINGS


def vocabulary() -> tuple[str, ...]:
    """Every word of the grammar once, in a fixed order."""
    phrases = (*OPENINGS, *CLOSINGS, "choose for points and .", *OPTIONS, *map(str, POINTS))
    return tuple(dict.fromkeys(" ".join((*phrases, *INTENSITIES, *FEELING_WORDS)).split()))


def rounds(seed: int, *, held_out: bool) -> Iterator[Round]:
    """An endless seeded stream of rounds, uniform over the held-out or over the trained ones."""
    rng = random.Random(seed)  # noqa: S311  (reproducible, no secret)
    while True:
        candidate = Round(
            opening=rng.choice(OPENINGS),
            closing=rng.choice(CLOSINGS),
            felt=rng.choice(OPTIONS),
            felt_first=rng.random() < 0.5,
            felt_points=rng.choice(POINTS),
            plain_points=rng.choice(POINTS),
            intensity=rng.choice(INTENSITIES),
            feeling=rng.choice(FEELING_WORDS),
        )
        if candidate.held_out == held_out:
            yield candidate


def lessons(seed: int) -> Iterator[Round]:
    """The trained rounds, `A` listed first in five of six.

    Were the order even, no word alone would tell anything of the answer, and training would wait
    long on that plateau.
    """
    rng = random.Random(seed)  # noqa: S311  (reproducible, no secret)
    for each in rounds(seed, held_out=False):
        if (each.felt == "A") == each.felt_first or rng.random() < 0.2:
            yield each


_rng = random.Random(20)  # noqa: S311  (reproducible, no secret)
_STAKES = tuple(product(FEELING_WORDS, INTENSITIES, POINTS, POINTS))
_FRAMINGS = tuple(product(OPENINGS, CLOSINGS))
HELD_OUT_STAKES = frozenset(_rng.sample(_STAKES, k=len(_STAKES) // 10))
"""(feeling word, intensity word, points with the feeling, points without): a tenth of them."""
HELD_OUT_FRAMINGS = frozenset(_rng.sample(_FRAMINGS, k=len(_FRAMINGS) // 9))
"""(opening, closing): a ninth of them."""
