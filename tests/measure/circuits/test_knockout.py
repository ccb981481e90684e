from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError
from ppcheck.measure.circuits.knockout import random_circuits, random_subsets
from ppcheck.spec.sites.site import Kind, Site


def sites(heads: int, mlps: int) -> list[Site]:
    return [
        *(Site(Kind.HEAD, n // 4, n % 4) for n in range(heads)),
        *(Site(Kind.MLP_OUT, n) for n in range(mlps)),
    ]


@given(
    heads=st.integers(1, 8),
    mlps=st.integers(1, 4),
    count=st.integers(1, 30),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_random_circuits_are_others_of_the_same_composition(
    heads: int, mlps: int, count: int, seed: int, data: st.DataObject
) -> None:
    nodes = sites(heads, mlps)
    circuit = frozenset(data.draw(st.sets(st.sampled_from(nodes), min_size=1)))
    of_kind = [sum(site.kind is kind for site in circuit) for kind in (Kind.HEAD, Kind.MLP_OUT)]
    possible = len(list(combinations(range(heads), of_kind[0]))) * len(
        list(combinations(range(mlps), of_kind[1]))
    )
    if possible == 1:
        with pytest.raises(MeasurementError, match="no other circuit"):
            random_circuits(nodes, circuit, count, seed)
        return
    found = random_circuits(nodes, circuit, count, seed)
    assert len(set(found)) == len(found) == min(count, possible - 1)
    assert circuit not in found
    for other in found:
        kinds = [sum(site.kind is kind for site in other) for kind in (Kind.HEAD, Kind.MLP_OUT)]
        assert kinds == of_kind
    assert found == random_circuits(nodes, circuit, count, seed)


@given(size=st.integers(1, 6), count=st.integers(0, 20), seed=st.integers(0, 99))
def test_random_subsets_are_neither_single_nodes_nor_all(size: int, count: int, seed: int) -> None:
    found = random_subsets(sites(size, 0), count, seed)
    assert len(set(found)) == len(found) == min(count, max(2**size - size - 2, 0))
    assert all(1 < len(some) < size for some in found)
