"""`ppcheck discover`: from prompts to a spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.cli import main
from tests.discover.conftest import GAME, UNFIT
from tests.measure.lab import save


@pytest.fixture
def game(tmp_path: Path) -> Path:
    path = tmp_path / "game.pp.yaml"
    path.write_text(GAME)
    return path


@pytest.mark.slow
def test_what_is_found_is_told_written_and_valid(
    game: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = game.with_name("found.pp.yaml")
    assert main(["discover", str(game), "-o", str(out), "--most", "6"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("plan: about ")
    assert "6 of 6 claims hold on the other half of the prompts\n" in told.out
    assert f"wrote {out}: 6 claims\n" in told.out
    assert "heads: pain in place of neutral\n" in told.err
    assert main(["validate", str(out)]) == 0
    assert f"{out}: 6 claims, no problem" in capsys.readouterr().out


def test_where_nothing_is_found_it_says_so_and_writes_nothing(
    tmp_path: Path, game: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = 'choices: {felt: "{felt}", plain: "{plain}"}'
    assert answers in GAME
    game.write_text(GAME.replace(answers, "choices: {felt: hello, plain: light}"))
    assert main(["discover", str(game), "--ppcheck-no-cache"]) == 0
    said = capsys.readouterr().out
    assert "nothing found inside the model" in said
    assert said.endswith("nothing found\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["game.pp.yaml"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "found.yaml"], "pytest collects files that end in .pp.yaml"),
        (["--prompts", "gane"], "did you mean 'game'"),
        (["--only", "answers,haeds"], "there is no phase 'haeds': did you mean 'heads'?"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_measured(
    game: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", str(game), *arguments]) == 1
    assert said in capsys.readouterr().out


def test_prompts_about_other_models_are_refused(
    game: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    game.write_text(GAME.replace("prompts:", "models: [demo]\nprompts:", 1))
    assert main(["discover", str(game), "--model", str(save(tmp_path / "other").path)]) == 1
    assert "is about demo, not" in capsys.readouterr().out


def test_a_file_in_which_nothing_can_be_looked_at_is_an_error(
    game: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    game.write_text(UNFIT)
    assert main(["discover", str(game)]) == 1
    assert "game.pp.yaml:4: no prompts to look at" in capsys.readouterr().out
