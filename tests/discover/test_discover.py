"""From prompts to a spec, on models of which it is known what is in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ppcheck.discover.choose import TELLING
from ppcheck.discover.discover import Discovery, discover, written
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.only import Only
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import load_spec
from ppcheck.subject.store import Memory
from tests.discover.conftest import GAME
from tests.measure.lab import GAME as PLAIN
from tests.measure.lab import save

Make = Callable[..., Laboratory]


def silent(_: str) -> None:
    """Say nothing of how far it is."""


@pytest.fixture
def found(laboratory: Make, game: Path) -> Discovery:
    return discover(laboratory(game), 20, silent)


@pytest.mark.slow
def test_the_demo_s_mover_of_pain_is_found_and_most_claims_hold_on_the_other_half(
    found: Discovery,
) -> None:
    heads = {str(each.claim.get("site")) for each in found.findings if each.phase == "heads"}
    assert "L1H1" in heads
    assert found.holding >= 0.9 * len(found.findings) >= 9


@pytest.mark.slow
def test_what_is_written_is_a_valid_spec_of_the_claims_that_hold(
    found: Discovery, laboratory: Make, game: Path
) -> None:
    out = game.with_name("found.pp.yaml")
    out.write_text(written(found, laboratory(game), keep_failed=False))
    spec = load_spec(out, CHECKS)
    assert [entry.error for entry in spec.entries if entry.error] == []
    for entry in spec.entries:
        entry.expand()
    assert [entry.id for entry in spec.entries] == [
        each.id for each in found.findings if found.judged[each.id].holds
    ]
    assert "# all mean the same" in out.read_text()


@pytest.mark.slow
def test_on_an_update_with_rewired_heads_the_moved_ones_are_found(
    laboratory: Make, game: Path
) -> None:
    found = discover(laboratory(game, "demo@rewired"), 20, silent)
    heads = [str(each.claim.get("site")) for each in found.findings if each.phase == "heads"]
    assert heads
    assert "L1H1" not in heads


@pytest.mark.slow
def test_a_search_that_is_repeated_finds_the_same(
    found: Discovery, laboratory: Make, game: Path
) -> None:
    again = discover(laboratory(game), 20, silent)
    assert [each.claim for each in again.findings] == [each.claim for each in found.findings]


def test_in_a_random_model_nothing_is_found_inside(laboratory: Make, tmp_path: Path) -> None:
    path = tmp_path / "random.pp.yaml"
    path.write_text(
        GAME.partition("prompts:")[0] + "prompts:\n  game:\n    template: "
        '"{start} we feel {strength} {feeling} so"\n    vary:\n'
        "      start: [here, there, now, then, they, and, see, go, feel, so]\n"
        f"      strength: {{ordered: {PLAIN['vary']['strength']['ordered']}}}\n"
        "      feeling: {pain: [pain, agony, ache], neutral: [light, hum, shade]}\n"
        "    choices: {a: A, b: B}\n"
    )
    for seed in range(3):
        model = str(save(tmp_path / f"model{seed}", seed=seed).path)
        assert not discover(laboratory(path, model), 20, silent).inside


def test_without_time_nothing_is_measured_and_a_comment_says_so(
    laboratory: Make, game: Path
) -> None:
    known = laboratory(game)
    fresh = Laboratory(replace(known.model, store=Memory()), known.draft, seconds=0.0)
    found = discover(fresh, 20, silent)
    said = [absent.said for part in found.parts for absent in part.absent]
    assert not found.findings
    assert said
    assert all("0 s are left" in each for each in said)


def test_what_is_not_asked_for_is_neither_claimed_nor_written(laboratory: Make, game: Path) -> None:
    known = laboratory(game)
    said: list[str] = []
    found = discover(known, 20, said.append, Only.parse(["contrast"], TELLING))
    assert {each.phase for each in found.findings} == {"contrast"}
    assert not any(each.startswith(("dose", "flow", "heads")) for each in said)
    text = written(found, known, keep_failed=False)
    assert "Looked for alone: contrast." in " ".join(text.replace("#", "").split())
    assert found.only.asks("contrast")


@pytest.mark.slow
def test_what_is_found_by_itself_is_what_is_found_among_all(
    found: Discovery, laboratory: Make, game: Path
) -> None:
    alone = discover(laboratory(game), 20, silent, Only.parse(["heads"], TELLING))
    among = [each.claim for each in found.findings if each.phase == "heads"]
    assert {each.phase for each in alone.findings} == {"heads"}
    assert among
    assert all(claim in [each.claim for each in alone.findings] for claim in among)
