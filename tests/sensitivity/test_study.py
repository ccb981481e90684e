from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ppcheck.demo import weights_path
from tests.sensitivity.changes import OF_NEURONS, Weights, benign, planted, swapped
from tests.sensitivity.page import page
from tests.sensitivity.study import baseline, chosen_neurons, study

DOCS = Path(__file__).parents[2] / "docs"
NEURONS = {claim: [(0, number) for number in range(12)] for claim in OF_NEURONS}


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "sensitivity.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def weights() -> Weights:
    return load_file(weights_path(None) / "model.safetensors")


def test_the_committed_study_has_few_false_alarms_and_catches_what_was_planted(
    committed: dict[str, Any],
) -> None:
    alarms, caught = committed["false_alarms"], committed["planted"]
    assert alarms["runs"] == 100
    assert alarms["alarms"] <= 5
    assert caught == {"runs": 50, "caught": 50}


def test_the_committed_study_is_of_the_changes_that_are_made(committed: dict[str, Any]) -> None:
    made = [*benign(), *planted(NEURONS)]
    names = [(row["sort"], row["name"]) for row in committed["rows"]]
    assert names == [(change.sort, change.name) for change in made]


def test_the_page_is_that_of_the_committed_figures(committed: dict[str, Any]) -> None:
    assert (DOCS / "sensitivity.md").read_text(encoding="utf-8") == page(committed)


def test_every_change_of_weights_changes_them_and_keeps_their_shapes(weights: Weights) -> None:
    for change in [*benign(), *planted(NEURONS)]:
        new = change.make(weights)
        assert {name: w.shape for name, w in new.items()} == {
            name: w.shape for name, w in weights.items()
        }
        same = all(torch.equal(new[name], weights[name]) for name in weights)
        assert same is (change.prompts is not None), change


def test_two_heads_swapped_twice_are_where_they_were(weights: Weights) -> None:
    once = swapped(weights, layer=1, pair=(0, 2))
    twice = swapped(once, layer=1, pair=(0, 2))
    assert all(torch.equal(twice[name], weights[name]) for name in weights)
    assert not all(torch.equal(once[name], weights[name]) for name in weights)


@pytest.mark.slow
def test_a_benign_and_a_planted_change_are_judged_again_as_in_the_committed_study(
    committed: dict[str, Any],
) -> None:
    changes = [*benign(), *planted(chosen_neurons(baseline()))]
    some = [changes[int(place)] for place in np.linspace(20, len(changes) - 1, 2)]
    found = study(some, workers=1)
    rows = {(row["sort"], row["name"]): row for row in committed["rows"]}
    for row in json.loads(json.dumps(found["rows"])):
        assert row == rows[row["sort"], row["name"]]
    assert found["false_alarms"] == {"runs": 1, "alarms": 0}
    assert found["planted"] == {"runs": 1, "caught": 1}
