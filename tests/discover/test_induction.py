"""Heads that are known from the literature, in a model in which it is known which they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.discover.discover import Discovery, discover
from ppcheck.discover.laboratory import Laboratory
from tests.discover.planted import prompts, repeating

Make = Callable[..., Laboratory]


def found(make: Make, path: Path, model: str) -> dict[str, Any]:
    """The claims that hold on the other half, by id."""
    discovery = discover(make(path, model), 40, lambda _: None)
    return {each.id: each.claim for each in discovery.findings if holds(discovery, each.id)}


def holds(discovery: Discovery, id_: str) -> bool:
    return discovery.judged[id_].holds


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    return prompts(tmp_path)


def test_the_induction_head_is_named_with_the_head_that_it_needs(
    laboratory: Make, lists: Path
) -> None:
    claims = found(laboratory, lists, str(repeating(lists.parent / "model").path))
    role = claims["again-not-d-induction-l1h1"]
    assert role["attends"]["to"] == "target"
    assert "It is L1H1, an induction head." in role["says"]
    assert claims["again-not-d-l0h0-looks-back"]["to"] == "previous"
    assert claims["again-not-d-needs-l0h0-at-target"]["check"] == "ablate"


def test_where_the_word_that_comes_again_differs_its_way_is_followed(
    laboratory: Make, lists: Path
) -> None:
    lists.write_text(lists.read_text().replace("{again: d}", "{cue: d}"))
    claims = found(laboratory, lists, str(repeating(lists.parent / "model").path))
    assert claims["cue-not-d-l0h0-tells-l1h1-k-at-target"]["receiver"] == "L1H1.k"
    assert "a previous-token head" in claims["cue-not-d-l0h0-looks-at-the-token-before"]["says"]


def test_no_induction_head_is_named_in_a_model_without_one(laboratory: Make, lists: Path) -> None:
    model = repeating(lists.parent / "model", looks_back=False)
    ids = " ".join(found(laboratory, lists, str(model.path)))
    assert "induction" not in ids
    assert "looks" not in ids
