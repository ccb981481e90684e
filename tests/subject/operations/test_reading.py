"""Endings of runs under cells: what is read of them is what is read of the runs themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.metrics import DivergenceReadout, VocabularyReadout
from ppcheck.spec.expectations.metric import Reading
from ppcheck.spec.sites.edge import Edge
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.interventions.readout import LastStream, Readout
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.tokens.encoding import Encoded
from tests.subject.conftest import CONFIGS

WITHOUT = {"bloom", "mamba", "deepseek_v3"}
"""They cannot be replayed, or have heads in a layout of their own."""
HEAD, MLP, STREAM = Site(Kind.HEAD, 0, 1), Site(Kind.MLP_OUT, 1), Site(Kind.RESID_POST, 1)
PLACES = [Position.parse(text) for text in ("final", "0", "all")]


def patched(subject: LoadedSubject, pair: list[Encoded], readout: Readout) -> Floats:
    cells = [Cell((site,), place) for site in (HEAD, MLP, STREAM) for place in PLACES]
    return subject.patch(pair[0], pair[1], cells, readout)


def edited(subject: LoadedSubject, pair: list[Encoded], readout: Readout) -> Floats:
    width = subject.shape.d_model
    cells = [(Edit(MLP, place, Operation.SET, np.linspace(-1, 1, width)),) for place in PLACES]
    return subject.intervene(pair[0], [(), *cells], readout)


def rewired(subject: LoadedSubject, pair: list[Encoded], readout: Readout) -> Floats:
    edges = [Edge(Site(Kind.EMBED), MLP), Edge(HEAD, None)]
    wirings = [Wiring(frozenset(edges), keeps=keeps) for keeps in (True, False)]
    return subject.rewire(pair[0], pair[1], wirings, readout)


def readouts(subject: LoadedSubject, prompts: Encoded, logit_diff: Any) -> list[Readout]:
    answers = np.tile([[3, 12]], (len(prompts), 1))
    return [
        logit_diff(len(prompts)),
        VocabularyReadout(Reading.PROB, answers, "sum"),
        VocabularyReadout(Reading.LOG_PROB, answers, "max"),
        DivergenceReadout(subject.log_distribution(prompts)),
    ]


@st.composite
def twins(draw: Any) -> list[tuple[list[int], list[int]]]:
    """Prompts of a few lengths, each with a source of its own."""
    lengths = draw(st.lists(st.integers(2, 8), min_size=1, max_size=4))
    ids = [st.lists(st.integers(0, 49), min_size=n, max_size=n) for n in lengths]
    return [(draw(each), draw(each)) for each in ids]


@pytest.mark.parametrize("model_type", sorted(CONFIGS.keys() - WITHOUT))
@given(
    both=twins(),
    run=st.sampled_from([patched, edited, rewired]),
    which=st.integers(0, 3),
    together=st.sampled_from([1, 7, 1024]),
)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_readout_of_the_last_streams_is_that_of_the_runs(
    deep: Any,
    ids_prompts: Any,
    logit_diff: Any,
    model_type: str,
    both: list[tuple[list[int], list[int]]],
    run: Callable[[LoadedSubject, list[Encoded], Readout], Floats],
    which: int,
    together: int,
) -> None:
    subject = deep(model_type)
    pair = [subject.encode(ids_prompts(ids)) for ids in zip(*both, strict=True)]
    streams = run(subject, pair, LastStream(subject.shape.d_model))
    assert streams.shape[1:] == (len(both), subject.shape.d_model)
    readout = readouts(subject, pair[0], logit_diff)[which]
    expected = run(subject, pair, readout)
    subject._engine.max_tokens = together
    try:
        found = subject.unembedded(streams, readout)
    finally:
        subject._engine.max_tokens = 1024
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_logits_that_are_not_finite_are_an_error(tiny: Any, logit_diff: Any) -> None:
    subject = tiny("gpt2")
    streams = np.full((2, 3, subject.shape.d_model), np.nan)
    with pytest.raises(MeasurementError, match="logits are not finite"):
        subject.unembedded(streams, logit_diff(3))
