"""Which neurons carry a difference, together and alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.phases import contrast, neurons
from ppcheck.discover.study import Study
from ppcheck.discover.trace import Carrier, Effect, Trace, class_traces, doses

Make = Callable[..., Laboratory]


@pytest.fixture
def study(laboratory: Make, game: Path) -> Study:
    on = laboratory(game)
    return Study(on, on.draft.sets["game"])


def found(study: Study, trace: Trace) -> Iterator[Finding | Nothing]:
    """Of the first block's MLP, which reads the feeling and its intensity in the demo."""
    effect = contrast.effect(study, trace)
    assert isinstance(effect, Effect)
    mlp = Carrier("mlp_out.L0", "feeling", effect.gap)
    return neurons.look(study, replace(effect, mlp=mlp))


def test_the_neuron_that_carries_most_of_an_intensity_is_named(study: Study) -> None:
    pain = next(trace for trace, _ in doses("game", study.prompts.prompt_set))
    _, alone = found(study, pain)
    assert isinstance(alone, Finding)
    assert alone.id == "intensity-pain-neuron-l0n35"
    assert "together" not in alone.claim


def test_where_many_neurons_carry_a_little_none_is_named_alone(study: Study) -> None:
    (pain,) = class_traces("game", study.prompts.prompt_set)
    together, alone = found(study, pain)
    assert isinstance(together, Finding)
    assert isinstance(alone, Nothing)
