from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from ppcheck.statistics.ranks import ranks, spearman

numbers = st.integers(-3, 3) | st.floats(-1e6, 1e6)
columns = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*(st.lists(numbers, min_size=n, max_size=n) for _ in range(2)))
)


@given(st.lists(numbers))
def test_ranks_are_those_of_scipy(values: list[float]) -> None:
    assert ranks(np.array(values, dtype=float)).tolist() == rankdata(values).tolist()


@given(columns)
def test_spearmans_correlation_is_that_of_scipy(columns: tuple[list[float], list[float]]) -> None:
    one, other = (np.array(column, dtype=float) for column in columns)
    assume(len(set(one)) > 1 < len(set(other)))
    assert spearman(one, other) == spearmanr(one, other).statistic
