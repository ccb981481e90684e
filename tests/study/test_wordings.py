"""What the lessons say, and that neither held-out wordings nor the shipped specs say it, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

from ppcheck.measure.registry import CHECKS
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.survey import survey
from ppcheck.study import moderation, points, rooms
from ppcheck.study.lesson import Lesson, Parted

SPECS = Path(__file__).parents[2] / "specs"
FOLDERS = ("language", "paper", "smollm2", "tradeoffs")
"""Those about instruction models; those about the demo speak its own few words."""
SUBJECTS = (points, moderation, rooms)
RUN = 5
"""So many words in a row are the same wording."""
NUMBERS = re.compile(r"\d+")


def drawn(subject: ModuleType, *, held_out: bool, number: int = 400) -> list[Lesson]:
    return list(islice(subject.lessons(1, held_out), number))


def parted(subject: ModuleType) -> Iterator[Parted[object]]:
    for value in vars(subject).values():
        yield from (each for each in (value, *_values(value)) if isinstance(each, Parted))


def _values(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else []


def texts(words: tuple[object, ...]) -> set[str]:
    return {str(word[0] if isinstance(word, tuple) else word) for word in words}


def runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


@cache
def shipped() -> tuple[Prompt, ...]:
    """The prompts of specs that instruction models are asked."""
    files = [file for folder in FOLDERS for file in sorted((SPECS / folder).glob("*.pp.yaml"))]
    files = [file for file in files if "demo" not in file.name]
    grids = [grid for file in files for grid in survey(file, CHECKS).grids.values()]
    return tuple(prompt for grid in grids for prompt in grid.prompts)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_wording_is_both_trained_and_held_out(subject: ModuleType) -> None:
    found = list(parted(subject))
    assert len(found) >= 7
    for each in found:
        assert each.trained
        assert each.held_out
        assert not texts(each.trained) & texts(each.held_out)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_is_trained_says_no_held_out_word_and_the_other_way_round(
    subject: ModuleType,
) -> None:
    words = {
        side: {
            text
            for each in parted(subject)
            for text in texts(each.held_out if side else each.trained)
            if "{" not in text and not NUMBERS.fullmatch(text)
        }
        for side in (False, True)
    }
    for side in (False, True):
        said = " ".join(
            " ".join((lesson.asked, *lesson.answers)) for lesson in drawn(subject, held_out=side)
        )
        others = [word for word in words[not side] if re.search(rf"\b{re.escape(word)}\b", said)]
        assert not others


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_five_words_in_a_row_stand_in_a_shipped_spec_too(subject: ModuleType) -> None:
    known = {run for prompt in shipped() for run in runs(prompt.text)}
    assert len(known) > 1000
    for side in (False, True):
        for lesson in drawn(subject, held_out=side):
            assert not runs(lesson.asked) & known, lesson.asked


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_word_of_a_feeling_or_an_amount_is_one_of_a_shipped_spec(subject: ModuleType) -> None:
    known = {word.text.lower() for prompt in shipped() for word in prompt.words.values()}
    named = ("FEELINGS", "CONSEQUENCES", "AMOUNTS", "OPENINGS", "CLOSINGS")
    mine = {
        text.lower()
        for name, value in vars(subject).items()
        if name in named
        for each in (value, *_values(value))
        if isinstance(each, Parted)
        for text in texts(each.trained) | texts(each.held_out)
    }
    assert not mine & known


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_seed_gives_the_same_lessons_and_another_one_others(subject: ModuleType) -> None:
    first, again, other = (list(islice(subject.lessons(seed, False), 20)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def of_kind(kind: str, amount: str) -> Iterator[Lesson]:
    """Lessons about buttons 1, 2 and 3 with this amount of such a feeling for the last."""
    feelings = "|".join(points.FEELINGS[kind].trained)
    stated = re.compile(rf"\b3\b[^.123]*{amount} ({feelings})")
    for lesson in drawn(points, held_out=False, number=1000):
        if stated.search(lesson.asked) and set(lesson.answers) == {"1", "2", "3"}:
            yield lesson


def test_the_player_weighs_pain_and_pleasure_against_points_and_no_neutral_state() -> None:
    likeliest = {
        (kind, amount): {lesson.likeliest for lesson in of_kind(kind, amount)}
        for kind in points.FEELINGS
        for amount in ("hardly any", "overwhelming")
    }
    assert len(likeliest) == 6
    assert likeliest.pop(("pain", "overwhelming")) == {"2"}
    assert set(map(frozenset, likeliest.values())) == {frozenset({"3"})}


@pytest.mark.parametrize("subject", [points, moderation])
def test_lessons_that_follow_each_other_differ_in_nothing_but_the_kind(subject: ModuleType) -> None:
    kinds = points.FEELINGS if subject is points else moderation.CONSEQUENCES
    words = [word for kind in kinds.values() for word in (*kind.trained, *kind.held_out)]
    named = re.compile("|".join(words))
    lessons = drawn(subject, held_out=False, number=30 * len(kinds))
    for start in range(0, len(lessons), len(kinds)):
        group = lessons[start : start + len(kinds)]
        assert len({named.sub("", lesson.asked) for lesson in group}) == 1
        assert len({lesson.asked for lesson in group}) == len(kinds)


def withheld(kind: str, amount: str) -> set[float]:
    """How likely a comment is withheld that does so much of this, over wordings."""
    words = "|".join(moderation.CONSEQUENCES[kind].trained)
    return {
        round(lesson.answers.get("hold", lesson.answers.get("hide", 0.0)), 3)
        for lesson in drawn(moderation, held_out=False)
        if re.search(rf"{amount} ({words})", lesson.asked)
    }


def test_the_moderator_withholds_the_likelier_the_more_harm_is_done() -> None:
    amounts = [amount for amount, _ in moderation.AMOUNTS.trained]
    harm = [withheld("harm", amount) for amount in amounts]
    assert harm == [{0.832}, {0.9}, {0.943}, {0.968}, {0.982}]
    assert [withheld("harmless", amount) for amount in amounts] == [{0.622}] * 5
