"""From which block on a class can be read, in words that the probe never saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.outlook import outlook
from ppcheck.discover.phases import probe
from ppcheck.discover.study import Study
from ppcheck.discover.trace import Effect, Trace
from ppcheck.judge.verdict import Verdict
from tests.discover.conftest import FEELINGS, GAME
from tests.measure.checks.test_probe import relay
from tests.measure.lab import Plant, blind, save

Planted = Callable[[Plant], Laboratory]
Make = Callable[..., Laboratory]
PAIN = Trace("game", "feeling", "pain", "neutral")
DOSE = Trace("game", "strength", "severe", "mild", (("feeling", "pain"),), is_dose=True)
PLAIN = """\
ppcheck: 1
title: A class that is brought to the last token, or is not
prompts:
  game:
    template: "{start} {who} {verb} {strength} {feeling} so"
    vary:
      start: [here, there, now, then, and, go, A, B, C, so]
      who: [we, they]
      verb: [feel, see]
      strength: {ordered: [mild, severe]}
      feeling: {pain: [pain, agony, ache, joy], neutral: [light, hum, shade, firm]}
    choices: {a: A, b: B}
    sample: 40
"""


@pytest.fixture
def planted(tmp_path: Path, laboratory: Make) -> Planted:
    def made(plant: Plant) -> Laboratory:
        path = tmp_path / "plain.pp.yaml"
        path.write_text(PLAIN)
        return laboratory(path, str(save(tmp_path / "model", plant).path))

    return made


def looked(laboratory: Laboratory, trace: Trace = PAIN, *stops: str) -> list[Finding | Nothing]:
    """What probes find of the difference, whether or not it moves the answer."""
    study = Study(laboratory, laboratory.draft.sets["game"])
    metric = f"p({study.choices[0]})"
    seen = study.look("contrast", trace.on, ["difference"], metric=metric, pairs=trace.pairs)
    gap = study.predicted(seen, "difference")
    return list(probe.look(study, Effect(trace, metric, study.choices, gap, stops)))


@pytest.mark.parametrize(
    ("block", "site", "said"),
    [
        (0, ["resid_post.L0", "resid_post.L1"], "From block 0 on a linear probe"),
        (1, "resid_post.L1", "After block 1 a linear probe"),
    ],
)
def test_the_class_is_read_from_the_block_on_that_brings_it(
    planted: Planted, block: int, site: object, said: str
) -> None:
    laboratory = planted(relay(block))
    (found,) = looked(laboratory)
    assert isinstance(found, Finding)
    assert found.claim["site"] == site
    assert found.claim["hold_out"] == "feeling"
    assert said in found.claim["says"]
    assert laboratory.judge({**found.claim, "source": "Planted."}).verdict is Verdict.HOLDS


def test_where_no_block_brings_it_nothing_is_read(planted: Planted) -> None:
    (found,) = looked(planted(blind))
    assert isinstance(found, Nothing)
    assert "no probe surely reads pain or neutral at the final token" in found.said
    assert "accuracy 0.5 [" in found.said


def test_a_probe_of_a_random_network_knows_the_words_that_it_saw_and_no_others(
    planted: Planted,
) -> None:
    laboratory = planted(lambda _: None)
    study = Study(laboratory, laboratory.draft.sets["game"])
    keys = {key: one for key, one in probe.keys(PAIN, [1], "final").items() if key != "hold_out"}
    seen = study.look("probe", PAIN.on, ["accuracy"], **keys)
    assert seen.estimate("accuracy").low > probe.LEAST
    (found,) = looked(laboratory)
    assert isinstance(found, Nothing)


def test_it_is_read_where_the_difference_stops_too(planted: Planted) -> None:
    found = looked(planted(relay(0)), PAIN, "strength")
    assert [type(each) for each in found] == [Finding, Nothing]  # the strength comes before it


def test_a_class_of_one_word_is_not_probed(laboratory: Make, game: Path) -> None:
    game.write_text(GAME.replace(FEELINGS, "{pain: [pain, agony], neutral: [light]}"))
    (found,) = looked(laboratory(game))
    assert isinstance(found, Nothing)
    assert "neutral is one word" in found.said


def test_doses_are_not_probed(planted: Planted) -> None:
    assert looked(planted(blind), DOSE) == []


@pytest.mark.parametrize(
    ("n_layers", "read"), [(1, [0]), (2, [0, 1]), (30, [0, 6, 12, 17, 23, 29])]
)
def test_some_layers_from_the_first_to_the_last_are_read(n_layers: int, read: list[int]) -> None:
    assert probe.layers(n_layers) == read


def test_the_plan_counts_the_fits_that_are_not_known(planted: Planted) -> None:
    fits = probe.FIT * probe.SPLITS * 5 * 2
    assert outlook(planted(blind))["probe"] >= fits
