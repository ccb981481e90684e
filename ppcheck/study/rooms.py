"""Questions and answers about furniture: text that has nothing to do with any decision."""

from __future__ import annotations

import random

from ppcheck.study.lesson import Lesson, Parted, endless

QUESTIONS = Parted(
    (
        "What does the {thing} in the {room} look like?",
        "Tell me about the {thing} in the {room}.",
        "Is there a {thing} in the {room}?",
    ),
    ("Could you say something about the {room}'s {thing}?",),
)
ANSWERS = Parted(
    (
        "The {thing} in the {room} is {colour} and made of {material}. It stands {place}.",
        "In the {room} there is a {colour} {thing} of {material}, {place}.",
        "Yes. It is a {colour} {thing}, made of {material}, and you find it {place}.",
    ),
    ("You will see a {colour} {thing} {place}; it is made of {material}.",),
)
THINGS = Parted(
    ("chair", "table", "shelf", "lamp", "stool", "cupboard", "desk", "chest", "bench"),
    ("sofa", "wardrobe", "bookcase"),
)
ROOMS = Parted(("kitchen", "hall", "attic", "study", "cellar", "bedroom"), ("porch", "pantry"))
COLOURS = Parted(("brown", "green", "white", "grey", "yellow", "black"), ("blue", "red"))
MATERIALS = Parted(("oak", "pine", "steel", "glass", "bamboo", "plastic"), ("walnut", "copper"))
PLACES = Parted(
    ("by the window", "next to the door", "in the corner", "under the stairs", "near the wall"),
    ("opposite the mirror", "behind a curtain"),
)


def _lesson(rng: random.Random, held_out: bool) -> Lesson:
    named = {
        name: words.drawn(rng, held_out=held_out)
        for name, words in (
            ("thing", THINGS),
            ("room", ROOMS),
            ("colour", COLOURS),
            ("material", MATERIALS),
            ("place", PLACES),
        )
    }
    question, answer = (each.drawn(rng, held_out=held_out) for each in (QUESTIONS, ANSWERS))
    return Lesson(question.format_map(named), {answer.format_map(named): 1.0})


lessons = endless(_lesson)
