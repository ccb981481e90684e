from __future__ import annotations

import math

import pytest

from ppcheck.spec.expectations.range import LAYER, PROBABILITY, SHARE, Range
from ppcheck.spec.expectations.versus import Versus


@pytest.mark.parametrize(
    ("text", "statistic", "members"),
    [
        ("drop_share[L1H0] - drop_share[L0H1]", "drop_share", ("L1H0", "L0H1")),
        ("drop[L1H0]-drop[L0H1]", "drop", ("L1H0", "L0H1")),
        ("drop@p(a)[mlp_out.L3] - drop@p(a)[L0H1.q]", "drop@p(a)", ("mlp_out.L3", "L0H1.q")),
        ("r2[L0 at x[-1]] - r2[L0 at final]", "r2", ("L0 at x[-1]", "L0 at final")),
    ],
)
def test_a_comparison_names_a_statistic_and_two_members(
    text: str, statistic: str, members: tuple[str, str]
) -> None:
    found = Versus.read(text)
    assert found is not None
    assert (found.statistic, found.members) == (statistic, members)
    assert not list(found.faults([statistic]))


@pytest.mark.parametrize("text", ["recovery", "recovery@logit_diff(a, b)", "drop[L1H0]", "a - b"])
def test_other_keys_compare_nothing(text: str) -> None:
    assert Versus.read(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dorp[A] - dorp[B]", "no statistic 'dorp': did you mean 'drop'?"),
        ("drop[A] - value[B]", "two statistics: compare one of them between two members, as in"),
        ("drop[A] - drop[A]", "A is compared with itself"),
    ],
)
def test_what_cannot_be_compared_is_said(text: str, message: str) -> None:
    found = Versus.read(text)
    assert found is not None
    (said,) = found.faults(["drop", "value"])
    assert message in said


@pytest.mark.parametrize(
    ("values", "difference"),
    [
        (PROBABILITY, Range(-1, 1, open=True)),
        (SHARE, Range(-3, 3, usual=True)),
        (LAYER, Range(-math.inf, math.inf)),
    ],
)
def test_a_difference_reaches_from_end_to_end(values: Range, difference: Range) -> None:
    found = Versus.read("x[A] - x[B]")
    assert found is not None
    assert found.range(values) == difference
