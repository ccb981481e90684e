"""The file that a search starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.discover.draft import read_draft
from ppcheck.errors import SpecError
from tests.discover.conftest import GAME, UNFIT


def test_a_file_without_claims_has_two_halves_of_each_set(game: Path) -> None:
    prompts = read_draft(game).sets["game"]
    looked, judged = (
        {prompt.unit for prompt in grid.prompts} for grid in (prompts.explore, prompts.judge)
    )
    assert len(looked) == len(judged) == 20
    assert not looked & judged
    assert prompts.ratio == 1


def test_a_half_that_a_set_names_already_changes_nothing(game: Path) -> None:
    before = read_draft(game).sets["game"]
    game.write_text(GAME + "    half: judge\n")
    after = read_draft(game).sets["game"]
    for half in ("explore", "judge"):
        texts = [[prompt.text for prompt in one.grid(half).prompts] for one in (before, after)]
        assert texts[0] == texts[1]


def test_claims_are_not_read(game: Path) -> None:
    game.write_text(GAME + "claims: [{id: no claim at all}]\n")
    assert list(read_draft(game).sets) == ["game"]


def test_sets_that_cannot_be_judged_are_left_out_with_the_reason(game: Path) -> None:
    game.write_text(GAME + UNFIT.partition("prompts:\n")[2])
    draft = read_draft(game)
    assert list(draft.sets) == ["game"]
    assert "no other half" in draft.left_out["table"]
    assert "choices: {yes" in draft.left_out["mute"]
    assert "needs 5" in draft.left_out["few"]


def test_where_nothing_can_be_looked_at_the_error_says_why_and_where(tmp_path: Path) -> None:
    path = tmp_path / "unfit.pp.yaml"
    path.write_text(UNFIT)
    with pytest.raises(SpecError, match=r"unfit\.pp\.yaml:4: no prompts to look at: .*fixed"):
        read_draft(path)


def test_one_set_can_be_asked_for(game: Path) -> None:
    with pytest.raises(SpecError, match="there are no prompts 'gane': did you mean 'game'"):
        read_draft(game, ["gane"])
    assert list(read_draft(game, ["game"]).sets) == ["game"]
