from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import search
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.spec.prompts.variable import Word

SITES = ("L0H0", "L0H1", "L1H0")


def prompt(unit: str, text: str) -> Prompt:
    return Prompt("text", (Turn((Piece(text),)),), {}, unit, {}, " ")


def in_units(labels: list[int]) -> list[Prompt]:
    return [prompt(f"unit {label}", f"text {n}") for n, label in enumerate(labels)]


def indifferent(_: Mask) -> Floats:
    return np.zeros(len(SITES))


@given(
    st.lists(st.integers(0, 6), min_size=4).filter(lambda labels: len(set(labels)) > 1),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_nothing_is_judged_on_a_unit_that_was_looked_at(labels: list[int], seed: int) -> None:
    prompts = in_units(labels)
    seen: list[Mask] = []

    def score(looked: Mask) -> Floats:
        seen.append(looked)
        return np.arange(3.0)

    judged = search(SITES, prompts, 1, seed, score).evaluation_mask(prompts)
    (looked,) = seen
    units = np.array(labels)
    assert not set(units[looked]) & set(units[judged])
    assert (looked ^ judged).all()
    halves = len(set(units[looked])), len(set(units[judged]))
    assert 0 <= halves[0] - halves[1] <= 1


def test_a_pair_is_judged_only_if_neither_of_its_prompts_was_looked_at() -> None:
    prompts = in_units([0, 1, 2, 3])
    found = search(SITES, prompts, 1, 0, indifferent)
    looked = {p.text for p in found.looked_at}
    unseen = [p for p in prompts if p.text not in looked]
    twins = [
        prompt(p.unit, twin) for p, twin in zip(unseen, ("text new", min(looked)), strict=True)
    ]
    assert found.evaluation_mask(unseen, twins).tolist() == [True, False]
    with pytest.raises(MeasurementError, match="none is left to judge on"):
        found.evaluation_mask(found.looked_at)


def test_pairs_of_some_of_the_units_fall_into_the_same_halves() -> None:
    prompts = in_units([0, 1, 2, 3, 4, 5])
    found = search(SITES, prompts, 1, 0, indifferent)
    some = prompts[:3]
    assert found.evaluation_mask(some).tolist() == found.evaluation_mask(prompts)[:3].tolist()


@given(st.permutations(range(6)))
@settings(max_examples=20, deadline=None)
def test_the_halves_do_not_depend_on_the_order_of_prompts(order: list[int]) -> None:
    prompts = in_units([0, 1, 2, 3, 4, 5])
    usual = search(SITES, prompts, 1, 0, indifferent).evaluation_mask(prompts)
    mixed = search(SITES, [prompts[n] for n in order], 1, 0, indifferent)
    assert mixed.evaluation_mask(prompts).tolist() == usual.tolist()


def test_the_best_are_kept_best_first_and_ties_in_their_order() -> None:
    def score(_: Mask) -> Floats:
        return np.array([1.0, 3.0, 1.0])

    found = search(SITES, in_units([0, 1]), 2, 0, score)
    assert found.kept == (1, 0)
    assert found.facts == Facts(searched=3, kept=("L0H1", "L0H0"), looked_at=1)
    assert found.notes == ("2 of 3 sites chosen on one half of the units, judged on the other",)


def test_without_top_every_site_is_judged_on_every_prompt() -> None:
    def never(_: Mask) -> Any:
        raise AssertionError("nothing is chosen")

    prompts = in_units([0, 0, 1])
    found = search(SITES, prompts, None, 0, never)
    assert found.kept == (0, 1, 2)
    assert found.evaluation_mask(prompts).all()
    assert found.notes == ()


def test_a_site_is_named_where_there_are_others() -> None:
    assert search(SITES, in_units([0, 1]), 1, 0, indifferent).member(2) == "L1H0"
    assert search(("L0H0",), in_units([0, 1]), 1, 0, indifferent).member(0) is None


@given(st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_both_halves_have_units_of_every_class(seed: int) -> None:
    prompts = [
        replace(one, words={"feeling": Word(one.unit, "pain" if n < 2 else "neutral")})
        for n, one in enumerate(in_units([0, 1, 2, 3, 4, 5]))
    ]
    judged = search(SITES, prompts, 1, seed, indifferent, "feeling").evaluation_mask(prompts)
    assert judged[:2].sum() == 1
    assert judged[2:].sum() == 2


def test_one_unit_cannot_be_halved() -> None:
    with pytest.raises(MeasurementError, match="at least two independent units"):
        search(SITES, in_units([0, 0]), 1, 0, indifferent)
