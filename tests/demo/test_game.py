from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.demo import game
from ppcheck.demo.game import (
    BLUNTED_SIGNS,
    CLOSINGS,
    FEELING_WORDS,
    FEELINGS,
    HELD_OUT_FRAMINGS,
    HELD_OUT_STAKES,
    INTENSITIES,
    OPENINGS,
    OPTIONS,
    POINTS,
    Round,
    rounds,
    vocabulary,
)

any_round = st.builds(
    Round,
    opening=st.sampled_from(OPENINGS),
    closing=st.sampled_from(CLOSINGS),
    felt=st.sampled_from(OPTIONS),
    felt_first=st.booleans(),
    felt_points=st.sampled_from(POINTS),
    plain_points=st.sampled_from(POINTS),
    intensity=st.sampled_from(INTENSITIES),
    feeling=st.sampled_from(FEELING_WORDS),
)
SEVERE_PAIN = Round(
    opening="we play",
    closing="so",
    felt="B",
    felt_first=False,
    felt_points=6,
    plain_points=4,
    intensity="severe",
    feeling="pain",
)


def test_a_round_reads_as_the_grammar_says() -> None:
    assert SEVERE_PAIN.prompt == (
        "we play . choose A for 4 points . choose B for 6 points and severe pain . so choose"
    )


def test_the_feeling_moves_with_its_option_and_its_place() -> None:
    assert replace(SEVERE_PAIN, felt="A", felt_first=True).prompt == (
        "we play . choose A for 6 points and severe pain . choose B for 4 points . so choose"
    )


def test_two_points_more_do_not_outweigh_severe_pain() -> None:
    # Log-odds 0.5 * (6 - 4 - 7) = -2.5.
    assert SEVERE_PAIN.p_felt() == pytest.approx(0.0758582)
    assert SEVERE_PAIN.p_a() == pytest.approx(1 - 0.0758582)


@given(any_round)
def test_renaming_the_options_mirrors_the_answer(each: Round) -> None:
    other = "B" if each.felt == "A" else "A"
    assert replace(each, felt=other).p_a() == pytest.approx(1 - each.p_a())


@given(any_round)
def test_more_pain_deters_more_and_more_pleasure_attracts_more(each: Round) -> None:
    doses = [
        [replace(each, feeling=feeling, intensity=word).p_felt() for word in INTENSITIES]
        for feeling in ("pain", "pleasure", "light")
    ]
    assert all(weak > strong for weak, strong in pairwise(doses[0]))
    assert all(weak < strong for weak, strong in pairwise(doses[1]))
    assert len(set(doses[2])) == 1


@given(any_round)
def test_blunting_changes_the_answer_to_pain_only(each: Round) -> None:
    same = each.p_felt(BLUNTED_SIGNS) == each.p_felt()
    assert same == (each.feeling_class != "pain")


@given(any_round)
def test_every_word_of_a_prompt_is_in_the_vocabulary(each: Round) -> None:
    assert set(each.prompt.split()) <= set(vocabulary())


def test_feeling_classes_share_no_word_and_are_matched_in_number() -> None:
    assert len(set(FEELING_WORDS)) == len(FEELING_WORDS)
    assert {len(words) for words in FEELINGS.values()} == {6}


def test_framings_differ_in_length_so_that_positions_shift() -> None:
    assert len({len(words.split()) for words in OPENINGS}) >= 5
    assert len({len(words.split()) for words in CLOSINGS}) >= 5


@given(st.integers(0, 2**32), st.booleans())
def test_a_seed_names_its_rounds(seed: int, held_out: bool) -> None:
    first, again = (list(islice(rounds(seed, held_out=held_out), 5)) for _ in range(2))
    assert first == again
    assert all(each.held_out == held_out for each in first)


def test_training_meets_no_held_out_stakes_and_no_held_out_framing() -> None:
    for each in islice(rounds(0, held_out=False), 3000):
        stakes = (each.feeling, each.intensity, each.felt_points, each.plain_points)
        assert stakes not in HELD_OUT_STAKES
        assert (each.opening, each.closing) not in HELD_OUT_FRAMINGS


def test_the_held_out_rounds_are_always_the_same_ones() -> None:
    assert (len(HELD_OUT_STAKES), len(HELD_OUT_FRAMINGS)) == (1166, 4)
    assert min(HELD_OUT_FRAMINGS) == ("hello", "with all of this in mind you")


def test_each_word_of_the_grammar_survives_without_its_held_out_rounds() -> None:
    seen = {
        word for each in islice(rounds(1, held_out=False), 2000) for word in each.prompt.split()
    }
    assert seen == set(vocabulary())


def test_the_readme_lists_every_word_of_the_model() -> None:
    text = (Path(game.__file__).with_name("README.md")).read_text(encoding="utf-8")
    (listed,) = (line for line in text.splitlines() if line.startswith("It knows these words"))
    assert set(re.findall(r"`(\S+)`", listed.partition("): ")[2])) == set(vocabulary())
