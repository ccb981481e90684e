from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import units_named
from ppcheck.spec.prompts.selection import Selection
from tests.measure.lab import GAME, Model, bench, by_name, claim, game, verdict

pytestmark = pytest.mark.trust

GAMES = Selection("game")
METRIC = "logit_diff(a, b)"


def rows(folder: Path, *lines: str, **fields: Any) -> dict[str, Any]:
    """Prompts from a file of one feeling a row, with `light` as the other."""
    (folder / "rows.csv").write_text("feeling,other\n" + "\n".join(lines) + "\n")
    usual = {"template": "here we feel {feeling} so", "choices": {"a": "A", "b": "B"}}
    return {**usual, "rows": "rows.csv", "pairs": {"feeling": "other"}, **fields}


@pytest.fixture
def swallowed(tmp_path: Path) -> dict[str, Any]:
    """Forty rows that differ in spacing alone, which the tokenizer swallows."""
    return rows(tmp_path, *(f"pain{' ' * number},light" for number in range(40)))


@pytest.mark.parametrize(
    ("words", "units"),
    [(["pain"] * 40, 1), (["pain", "ache"] * 20, 2), ([f"pain{' ' * n}" for n in range(40)], 1)],
)
def test_prompts_of_equal_tokens_are_one_unit_whatever_made_them(
    tiny: Model, tmp_path: Path, words: list[str], units: int
) -> None:
    on = bench(tiny, rows(tmp_path, *(f"{word},light" for word in words)), tmp_path)
    for asked in (
        claim("choice", choice="a", expect={"rate": ">= 0.001"}),
        claim("contrast", metric=METRIC, expect={"positive": ">= 0.001"}),
        claim("patch", site="L0H0", mode="noise", metric=METRIC, expect={"gap": "> -100"}),
        claim("attention", site="L0H0", to="feeling", expect={"attention": ">= 0.001"}),
        claim("ablate", site="L0H0", ablation="zero", metric=METRIC, expect={"drop": "> -100"}),
    ):
        found = asked.measure(on)
        assert {one.statistic.n_units for one in found.statistics} == {units}, asked
        assert found.facts.prompts == 40
        assert found.facts.distinct == found.facts.units == units
        assert any("prompts repeat others token for token" in note for note in found.notes)
        assert verdict(asked, on) is Verdict.INCONCLUSIVE


def test_a_prompt_and_its_repeat_are_never_looked_at_and_judged(
    tiny: Model, tmp_path: Path
) -> None:
    words = ["pain", "ache", "agony", "joy", "hum", "shade"]
    spaced = [f"{word}{gap},light" for word in words for gap in ("", " ", "  ")]
    on = bench(tiny, rows(tmp_path, *spaced), tmp_path)
    for asked in (
        claim("patch", site="L*H*", top=1, mode="noise", metric=METRIC),
        claim("attention", site="L*H*", top=1, to="feeling"),
        claim("ablate", site="L*H*", top=1, ablation="zero", metric=METRIC),
    ):
        found = asked.measure(on)
        assert found.facts.looked_at == 9
        assert next(iter(found.statistics)).statistic.n_units == 3


def test_a_probe_never_fits_and_tests_on_one_prompt(tiny: Model, tmp_path: Path) -> None:
    words = {"pain": "pain", "light": "neutral"}
    lines = [f"{word}{' ' * n},{of}" for word, of in words.items() for n in range(10)]
    (tmp_path / "rows.csv").write_text("feeling,feeling.class\n" + "\n".join(lines) + "\n")
    prompts = {"template": "we feel {feeling} so", "rows": "rows.csv"}
    asked = claim("probe", site="resid_post.L1", separates={"feeling": ["pain", "neutral"]})
    with pytest.raises(MeasurementError, match="a class has 1 independent units, too few"):
        asked.measure(bench(tiny, prompts, tmp_path))


def test_units_that_share_a_prompt_are_one_in_every_statistic_of_a_claim(
    tiny: Model, tmp_path: Path
) -> None:
    """A claim that reads prompts and pairs halves both by the same units."""
    spaced = [f"{word}{gap},light" for word in ("pain", "ache", "joy", "hum") for gap in ("", " ")]
    on = bench(tiny, rows(tmp_path, *spaced), tmp_path)
    encoded = on.prompts(GAMES)
    clean, corrupted = on.pairs(GAMES, None, encoded)
    assert units_named(clean.prompts) == units_named(encoded.prompts)
    assert units_named(corrupted.prompts) == units_named(clean.prompts)
    assert len(set(units_named(clean.prompts))) == 4


def test_a_pair_is_the_same_as_another_only_if_both_its_prompts_are(
    tiny: Model, tmp_path: Path
) -> None:
    some = rows(tmp_path, "pain,light", "pain,hum", "pain ,hum ", "ache,hum")
    clean, _ = bench(tiny, some, tmp_path).pairs(GAMES, None)
    assert units_named(clean.prompts) == ["row=1", "row=2", "row=2", "row=4"]


def test_twins_of_equal_tokens_are_no_pair(tiny: Model, tmp_path: Path) -> None:
    """Else any model would do the same on both sides of most pairs."""
    lines = [f"pain{' ' * n},pain{' ' * (n + 1)}" for n in range(30)]
    on = bench(tiny, rows(tmp_path, *lines, "ache,light"), tmp_path)
    found = claim("contrast", metric="p(a)").measure(on)
    assert {len(one.examples) for one in found.statistics} == {1}
    assert any("30 of 31 pairs are left out" in note for note in found.notes)
    with pytest.raises(MeasurementError, match="clean and corrupted are the same tokens"):
        bench(tiny, rows(tmp_path, *lines), tmp_path).pairs(GAMES, None)


def test_an_edit_that_changes_no_token_shows_nothing(tiny: Model) -> None:
    """Spaces that the tokenizer swallows cannot matter to any model."""
    vary = {**GAME["vary"], "start": ["here", "here ", "here  "]}
    asked = claim("invariance", over="start", metric="p(a)", expect={"size": "<= 0.01"})
    with pytest.raises(MeasurementError, match="no edit of start changes a token"):
        asked.measure(bench(tiny, game(vary=vary)))
    mixed = {**GAME["vary"], "start": ["here", "here ", "now"]}
    found = asked.measure(bench(tiny, game(vary=mixed)))
    assert any("16 of 32 edits change no token" in note for note in found.notes)


def test_curves_that_share_a_prompt_are_one_unit(tiny: Model) -> None:
    vary = {**GAME["vary"], "start": ["here", "here ", "now"]}
    asked = claim("dose_response", metric="p(a)", dose="strength")
    found = asked.measure(bench(tiny, game(vary=vary, unit=[])))
    spearman = by_name(found)["spearman"].statistic
    assert (len(spearman.values()), spearman.n_units) == (12, 8)


def test_what_is_not_repeated_is_as_it_was(tiny: Model) -> None:
    on = bench(tiny)
    encoded = on.prompts(GAMES)
    assert encoded.prompts == on.grid.prompts
    found = claim("choice", choice="a").measure(on)
    assert found.facts.distinct == found.facts.prompts == 96
    assert not any("repeat" in note for note in found.notes)


def test_directions_are_not_learned_from_what_they_are_judged_on(tiny: Model) -> None:
    """Each opening has another that is the same to the tokenizer."""
    starts = ["here", "there", "now", "then", "they", "on"]
    vary = {**GAME["vary"], "start": [f"{word}{gap}" for word in starts for gap in ("", " ")]}
    on = bench(tiny, game(vary=vary))
    known, encoded = on.together(GAMES, Selection.parse("game[feeling=pain]"))
    assert len(set(units_named(known.prompts))) == 6
    assert set(units_named(encoded.prompts)) == set(units_named(known.prompts))
    asked = claim(
        "steer",
        site="resid_pre.L1",
        direction={"between": {"feeling": ["pain", "neutral"]}},
        position="feeling",
        draws=1,
        metric=METRIC,
    )
    found = asked.measure(on)
    assert found.facts.looked_at == 96
    assert by_name(found)["effect"].statistic.n_units == 3
