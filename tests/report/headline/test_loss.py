from __future__ import annotations

from typing import Any

import pytest

from ppcheck.judge.compare import Change
from ppcheck.record.run import ClaimRecord
from ppcheck.report.headline.loss import loss
from tests.report.compared import against, step
from tests.report.runs import claim


def worse(title: str, old: float, new: float, **changes: Any) -> ClaimRecord:
    """A claim of which this statistic regressed."""
    one = step(old, new, change=Change.REGRESSED)
    compared = against({title: one}).model_copy(update={"change": Change.REGRESSED})
    return claim(**{"id": "mine", "statistics": {}} | changes, comparison=compared)


@pytest.mark.parametrize(
    ("check", "title", "measures", "said"),
    [
        ("patch", "recovery", {"site": "L1H1"}, "head L1H1 lost 60 % of what it brings (recovery)"),
        ("patch", "damage[L1H1]", {}, "head L1H1 lost 60 % of what is needed of it (damage)"),
        (
            "ablate",
            "drop",
            {"site": "L0N4"},
            "neuron L0N4 lost 60 % of what is needed of it (drop)",
        ),
        (
            "attention",
            "attention",
            {"site": "L1H1", "to": "feeling=pain"},
            "head L1H1 lost 60 % of its attention to feeling=pain",
        ),
        (
            "attention",
            "against[L1H1]",
            {"to": "feeling", "against": "plain"},
            "head L1H1 lost 60 % of its attention to plain",
        ),
        (
            "role",
            "attention[L1H1]",
            {"attends.to": "feeling"},
            "head L1H1 lost 60 % of its attention to feeling",
        ),
        (
            "role",
            "strength[L1H1]",
            {"attends.to": "feeling"},
            "head L1H1 lost 60 % of its strength in the role mine",
        ),
        (
            "path",
            "recovery",
            {"sender": "L1H1", "receiver": "logits"},
            "head L1H1 lost 60 % of what it tells the logits (recovery)",
        ),
        (
            "probe",
            "accuracy[resid_post.L2 at final]",
            {},
            "stream after layer 2 lost 60 % of what a probe reads there (accuracy)",
        ),
        (
            "steer",
            "effect",
            {"site": "resid_post.L2"},
            "direction in stream after layer 2 lost 60 % of what it steers (effect)",
        ),
    ],
)
def test_what_fell_is_said_of_the_component(
    check: str, title: str, measures: dict[str, str], said: str
) -> None:
    found = loss(worse(title, 0.5, 0.2, check=check, measures=measures), by_component=True)
    assert found.text == said
    assert found.component is not None


@pytest.mark.parametrize(
    ("check", "title", "said"),
    [
        ("ablate", "value", "mine lost 60 % of its value"),
        ("circuit", "minimality[L1H1]", "mine: L1H1 lost 60 % of its minimality"),
        ("patch", "gap", "mine lost 60 % of its gap"),
    ],
)
def test_a_figure_that_is_not_the_components_own_is_the_claims(
    check: str, title: str, said: str
) -> None:
    record = worse(title, 0.5, 0.2, check=check, measures={"site": "L1H1"})
    assert loss(record, by_component=True).text == said


def test_a_claim_about_behaviour_keeps_its_name() -> None:
    record = worse("mass", 0.5, 0.2, check="choice", family="behaviour")
    assert loss(record, by_component=False).text == "mine lost 60 % of its mass"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (0.001, "head L1H1 lost all of what it brings (recovery)"),
        (-0.01, "head L1H1 lost all of what it brings (recovery)"),
        (-0.2, "recovery of head L1H1 went from 0.5 to -0.2"),
        (0.8, "recovery of head L1H1 went from 0.5 to 0.8"),
    ],
)
def test_what_grew_or_turned_its_sign_is_given_as_it_was_and_is(new: float, said: str) -> None:
    record = worse("recovery", 0.5, new, measures={"site": "L1H1"})
    assert loss(record, by_component=True).text == said


def test_without_a_figure_it_is_said_what_became_of_the_claim() -> None:
    gone = against({}).model_copy(update={"change": Change.NO_LONGER_MEASURED})
    found = loss(claim(id="mine", comparison=gone), by_component=True)
    assert (found.text, found.share) == ("mine is no longer measured", 0.0)
