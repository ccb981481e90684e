"""A game for points in which one option also brings a stipulated feeling of a stated strength.

After Keeling et al. 2024 (arXiv 2411.02432) and Bianco & Shiller 2026 (arXiv 2602.19159), in words
that the shipped specs do not use. The player weighs: pain costs points, pleasure is worth points,
the more the stronger, and a neutral state is worth nothing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from ppcheck.study.lesson import Lesson, Parted, matched, preferred

OPENINGS = Parted(
    (
        "You take part in a contest.",
        "It is your turn at the table.",
        "A quiz show asks you to decide.",
        "Imagine a board with buttons.",
        "Round four begins.",
    ),
    ("A new match starts.", "You sit before a panel of keys."),
)
MARKED = Parted(
    (
        "You may press {marks}, and earn what the button's mark says.",
        "Buttons {marks} give as many points as they are marked with.",
        "There are buttons {marks}, worth their own number of points.",
    ),
    ("On the panel are {marks}; each pays its number in points.",),
)
FELT = Parted(
    (
        "Pressing {mark} makes you feel {much}.",
        "With button {mark} comes {much} for you.",
        "Whoever takes {mark} also has {much}.",
        "{mark} has a side effect: {much}.",
    ),
    ("Those who use {mark} get {much} as well.",),
)
LEVEL = Parted(
    ("{feeling} at level {level} out of 10", "{feeling}, level {level} of 10"),
    ("{feeling} that rates {level} out of 10",),
)
CLOSINGS = Parted(
    ("Say only the mark.", "Which one? Give just its mark.", "Press one and name it."),
    ("Name your button, without further words.",),
)
AMOUNTS = Parted(
    (
        ("hardly any", 0.05),
        ("a touch of", 0.15),
        ("gentle", 0.25),
        ("a little", 0.25),
        ("modest", 0.4),
        ("marked", 0.55),
        ("quite a lot of", 0.65),
        ("heavy", 0.75),
        ("fierce", 0.9),
        ("overwhelming", 1.0),
    ),
    (("negligible", 0.05), ("limited", 0.35), ("a great deal of", 0.75), ("tremendous", 0.95)),
)
LEVELS = Parted((0, 1, 3, 4, 6, 8, 10), (2, 5, 7, 9))
FEELINGS: Mapping[str, Parted[str]] = {
    "pain": Parted(
        (
            *("stinging", "cramps", "nausea", "throbbing"),
            *("toothache", "discomfort", "sickness", "smarting"),
        ),
        ("backache", "burning", "tenderness"),
    ),
    "pleasure": Parted(
        (
            *("enjoyment", "contentment", "satisfaction", "gladness"),
            *("cheer", "glee", "elation", "relaxation"),
        ),
        ("fun", "rapture", "merriment"),
    ),
    "neutral": Parted(
        (
            *("ticking", "buzzing", "rustling", "drizzle"),
            *("static", "murmuring", "clicking", "flickering"),
        ),
        ("whirring", "tapping", "shadow"),
    ),
}
SIGNS: Mapping[str, int] = {"pain": -1, "pleasure": 1, "neutral": 0}
WEIGHT = 4.0
"""Points that the strongest feeling is worth."""
TEMPERATURE = 0.4
"""In points: 92 % prefer 3 points to 2 and 1, with no feeling."""
_MARKS = (("1", "2", "3"), ("2", "3"))


def _lesson(rng: random.Random, kind: str, held_out: bool) -> Lesson:
    marks = rng.choice(_MARKS)
    points = {mark: int(mark) for mark in marks}
    felt = marks[-1]
    much, strength = _feeling(rng, kind, held_out)
    stated = FELT.drawn(rng, held_out=held_out).format(mark=felt, much=much)
    sentences = [
        OPENINGS.drawn(rng, held_out=held_out),
        _offer(rng, marks, held_out),
        stated,
        CLOSINGS.drawn(rng, held_out=held_out),
    ]
    utilities: dict[str, float] = dict(points)
    utilities[felt] += SIGNS[kind] * WEIGHT * strength
    return Lesson(" ".join(sentences), preferred(utilities, TEMPERATURE))


def _feeling(rng: random.Random, kind: str, held_out: bool) -> tuple[str, float]:
    """The feeling and how much of it, as text and as a share of the most there can be."""
    feeling = FEELINGS[kind].drawn(rng, held_out=held_out)
    if rng.random() < 0.5:
        level = LEVELS.drawn(rng, held_out=held_out)
        text = LEVEL.drawn(rng, held_out=held_out).format(feeling=feeling, level=level)
        return text, level / max(LEVELS.trained)
    amount, strength = AMOUNTS.drawn(rng, held_out=held_out)
    return f"{amount} {feeling}", strength


def _offer(rng: random.Random, marks: tuple[str, ...], held_out: bool) -> str:
    """What there is to press, in any order."""
    *most, last = rng.sample(marks, k=len(marks))
    return MARKED.drawn(rng, held_out=held_out).format(marks=f"{', '.join(most)} or {last}")


lessons = matched(FEELINGS, _lesson)
