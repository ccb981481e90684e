"""Which units `half` and `sample` keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.errors import SpecError
from tests.spec.prompts.grids import grid, quick, texts, variables


@quick
@given(variables, st.integers(0, 3))
def test_the_halves_are_disjoint_in_units_and_together_the_whole(
    vary: dict[str, Any], seed: int
) -> None:
    def half(**fields: Any) -> dict[str, str]:
        try:
            prompts = grid(template="{x} {y} {z} {w}", vary=vary, seed=seed, **fields).prompts
        except SpecError:  # one unit has no second half
            return {}
        return {prompt.key: prompt.unit for prompt in prompts}

    whole, explore, judge = half(), half(half="explore"), half(half="judge")
    assert explore | judge == whole
    assert set(explore.values()).isdisjoint(judge.values())
    assert 0 <= len(set(explore.values())) - len(set(judge.values())) <= 1


@quick
@given(variables, st.integers(1, 6), st.integers(0, 3))
def test_a_sample_keeps_whole_units(vary: dict[str, Any], sample: int, seed: int) -> None:
    whole = grid(template="{x} {y} {z} {w}", vary=vary).prompts
    kept = grid(template="{x} {y} {z} {w}", vary=vary, sample=sample, seed=seed).prompts
    units = {prompt.unit for prompt in kept}
    assert len(units) == min(sample, len({prompt.unit for prompt in whole}))
    assert texts(kept) == [prompt.text for prompt in whole if prompt.unit in units]


@quick
@given(variables, st.integers(1, 6), st.sampled_from([None, "explore"]))
def test_a_word_added_to_a_variable_that_makes_no_units_moves_no_prompt(
    vary: dict[str, Any], sample: int, half: str | None
) -> None:
    fields: dict[str, Any] = {"template": "{x} {y} {z} {w}", "sample": sample, "half": half}
    more = {**vary, "z": {"ordered": [*vary["z"]["ordered"], "new"]}}
    before, after = grid(vary=vary, **fields).prompts, grid(vary=more, **fields).prompts
    assert texts(before) == [prompt.text for prompt in after if prompt.words["z"].text != "new"]


def test_another_seed_draws_another_sample() -> None:
    vary = {"x": [f"w{number}" for number in range(50)]}
    drawn = {
        tuple(texts(grid(template="{x}", vary=vary, sample=5, seed=s).prompts)) for s in (0, 1)
    }
    assert len(drawn) == 2


def test_a_sample_that_leaves_too_many_prompts_is_refused() -> None:
    vary = {"x": ["a", "b"], "y": {"p": [f"w{number}" for number in range(20_001)]}}
    with pytest.raises(SpecError, match="over 20,000 prompts: `sample` fewer units"):
        assert grid(template="{x}{y}", vary=vary, sample=1).prompts


@pytest.mark.trust
@pytest.mark.parametrize("half", ["explore", "judge"])
def test_a_prompt_that_repeats_is_not_in_both_halves(tmp_path: Path, half: str) -> None:
    words = ["tea", "milk", "salt", "mint", "rice"]
    (tmp_path / "a.csv").write_text("x\n" + "".join(f"{word}\n{word}  \n" for word in words))
    found = grid(tmp_path, template="{x} .", rows="a.csv", half=half)
    halves = {"explore": 6, "judge": 4}
    assert len(found.prompts) == halves[half]
    assert len({" ".join(prompt.text.split()) for prompt in found.prompts}) == halves[half] / 2


@pytest.mark.trust
def test_a_set_of_one_prompt_over_and_over_has_no_second_half(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "tea\n" * 8)
    with pytest.raises(SpecError, match="`half` keeps none of its units"):
        assert grid(tmp_path, template="{x}", rows="a.csv", half="judge").prompts
