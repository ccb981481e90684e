from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.versus import with_differences
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    answering,
    bench,
    claim,
    estimate,
    game,
    problems,
    verdict,
)

VALUES = {"here": 0.1, "there": 0.2, "now": 0.3, "then": 0.4, "they": 0.5, "on": 0.6}
LAST = game(template="we feel {strength} {feeling} {start}")
SHARE = "drop_share[L0H0] - drop_share[L0H1]"
DROP = "drop[L0H0] - drop[L0H1]"


def adding(first: float, second: float) -> Plant:
    """Heads L0H0 and L0H1 add these to the last word's value, whatever the prompt."""

    def plant(model: Any) -> None:
        answering(VALUES)(model)
        attention = model.transformer.h[0].attn
        attention.c_attn.weight.zero_()
        attention.c_attn.bias.fill_(1)
        for row, added in ((0, first), (8, second)):
            attention.c_proj.weight[row, 2], attention.c_proj.weight[row, 3] = added, -added

    return plant


def metric(value: Floats) -> Floats:
    """The logit difference that `answering` gives a value: its part of the final norm."""
    return np.asarray(4 * value / np.sqrt((2 + 2 * value**2) / 16 + 1e-5))


def asked(expect: dict[str, str], site: str = "L0H*", **fields: Any) -> Any:
    usual = {"site": site, "ablation": "zero", "metric": "logit_diff(a, b)"}
    return claim("ablate", **usual | fields, expect=expect)


def differences(on: Bench, *names: str) -> list[float]:
    measurement = asked(dict.fromkeys(names, "> 0")).measure(on)
    found = with_differences(measurement.statistics, names)
    assert found[: -len(names)] == measurement.statistics
    return [estimate(one) for one in found[-len(names) :]]


def test_a_difference_between_heads_is_as_computed_by_hand(
    planted: Callable[[Plant], Model],
) -> None:
    values = np.array(list(VALUES.values()))
    without_first, without_second = metric(values + 0.2), metric(values + 0.6)
    drop = (without_second - without_first).mean()
    share = (without_second - without_first).sum() / metric(values + 0.8).sum()
    found = differences(bench(planted(adding(0.6, 0.2)), LAST), DROP, SHARE)
    assert found == pytest.approx([drop, share], rel=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0.6, 0.2, Verdict.HOLDS),
        (0.2, 0.6, Verdict.FAILS),
        (0.4, 0.4, Verdict.INCONCLUSIVE),  # neither matters more
    ],
)
def test_a_head_matters_more_where_it_does_more(
    planted: Callable[[Plant], Model], first: float, second: float, expected: Verdict
) -> None:
    on = bench(planted(adding(first, second)), LAST)
    assert verdict(asked({SHARE: "> 0"}), on) is expected


def test_its_examples_are_the_prompts_and_what_each_adds(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(adding(0.6, 0.2)), LAST)
    (*_, found) = with_differences(asked({DROP: "> 0"}).measure(on).statistics, [DROP])
    assert found.examples[0] == "we feel mild pain here"
    assert found.contributions == pytest.approx(found.statistic.values())
    assert found.contributions[0] == pytest.approx(metric(np.array(0.7)) - metric(np.array(0.3)))


def test_a_member_that_was_not_measured_is_an_error(tiny: Model) -> None:
    found = asked({DROP: "> 0"}).measure(bench(tiny)).statistics
    with pytest.raises(MeasurementError, match="nothing was measured of 'L0H9': did you mean"):
        with_differences(found, ["drop[L0H9] - drop[L0H1]"])
    alone = asked({DROP: "> 0"}, site="L0H0").measure(bench(tiny)).statistics
    with pytest.raises(MeasurementError, match="there is only one"):
        with_differences(alone, [DROP])


@pytest.mark.parametrize(
    ("key", "fields", "message"),
    [
        ("drop[L0H0] - drop[L1H0]", {}, "L1H0 is not one of the sites of this claim, L0H*"),
        ("drop[L0H0] - drop[L0H*]", {}, "L0H* may be several sites"),
        ("drop[L0H0] - drop[L0H1.z]", {}, "write L0H1"),
        ("drop[L0H0] - drop[blocks.0.attn.hook_z[1]]", {}, "write L0H1"),
        ("drop[L0H0] - value[L0H1]", {}, "two statistics"),
        (DROP, {"top": 2}, "`top` may leave out either of the two"),
        (DROP, {"together": True}, "`together` makes one of all sites"),
    ],
)
def test_what_cannot_be_compared_is_seen_without_a_model(
    key: str, fields: dict[str, Any], message: str
) -> None:
    assert message in problems(asked({key: "> 0"}, **fields))[f"expect.{key}"]


def test_a_bound_that_any_difference_meets_is_an_error() -> None:
    key = "value[L0H0] - value[L0H1]"
    for text, wrong in (("> -1", True), ("> 0", False)):
        found = problems(asked({key: text}, metric="p(a)"), GAME)
        assert (f"expect.{key}" in found) is wrong
