from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppcheck.measure.core.drawing import Drawing
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.strategy import Strategy


def drawing(**forall: dict[str, Any]) -> Drawing:
    prompts = {"template": " ".join(f"{{{name}}}" for name in forall), "choices": {"a": "A"}}
    settings = PromptSet.model_validate({**prompts, "vary": {name: ["now"] for name in forall}})
    grid = Grid(settings, Path())
    strategies = {name: Strategy.parse(value) for name, value in forall.items()}
    return Drawing(grid, grid.prompts, strategies)


def large(prompts: Sequence[Prompt]) -> list[bool]:
    return [int(prompt.text) >= 900_000 for prompt in prompts]


def test_what_an_earlier_run_found_is_tried_first(tmp_path: Path) -> None:
    numbers = drawing(n={"integers": [0, 1_000_000]})
    assert numbers.smallest(large, 1, 0, tmp_path) is None
    found = numbers.smallest(large, 100, 0, tmp_path)
    assert found is not None
    assert found.text == "900000"
    again = numbers.smallest(large, 1, 1, tmp_path)
    assert again is not None
    assert again.text == "900000"
    assert numbers.smallest(large, 1, 1, tmp_path / "another") is None
    assert numbers.smallest(large, 1, 1, None) is None


def test_draws_are_uniform_over_what_is_declared() -> None:
    some = drawing(
        n={"integers": [-1, 2]},
        word={"sampled": ["here", "now"]},
        few={"subset": ["a", "b", "c"], "at_least": 1, "at_most": 2},
        more={"filler": ["x", "y"], "at_least": 1, "at_most": 3},
    )
    drawn = some.draws(4000, seed=0)
    columns = {
        name: [prompt.words[name].text for prompt in drawn] for name in ("n", "word", "few", "more")
    }
    counts = {name: np.unique(words, return_counts=True) for name, words in columns.items()}
    assert dict(zip(*counts["n"], strict=True)).keys() == {"-1", "0", "1", "2"}
    assert all(abs(count - 1000) < 150 for count in counts["n"][1])
    assert all(abs(count - 2000) < 160 for count in counts["word"][1])
    assert set(counts["few"][0]) == {"a", "b", "c", "a b", "a c", "b c"}
    lengths = np.bincount([len(words.split()) for words in columns["more"]])
    assert lengths[0] == 0
    assert all(abs(count - 4000 / 3) < 150 for count in lengths[1:])
    assert some.draws(20, seed=1)[3].text != drawn[3].text
