"""The edges of a model: which there are, which a claim names, and random routes along them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError
from ppcheck.measure.circuits.edges import EMBED, Graph
from ppcheck.spec.sites.edge import Edge, Edges
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.info import Shape
from tests.measure.lab import Model

GPT2_SMALL = Shape(12, 12, 12, 768, 64, 3072, 50257, 1024)


def shaped(subject: LoadedSubject, shape: Shape) -> LoadedSubject:
    """The model as if it had another shape."""
    return LoadedSubject(subject.info, shape, subject._tokens, subject._engine)


@pytest.fixture
def graph(tiny: Model) -> Graph:
    return Graph(tiny.subject)


def names(edges: Collection[Edge]) -> list[str]:
    return [str(edge) for edge in edges]


def named(graph: Graph, *edges: str) -> list[str]:
    return names(graph.named(Edges.parse(list(edges))))


def test_gpt2_small_has_the_edges_that_others_count(tiny: Model) -> None:
    """32,491, as of edge attribution patching with split q, k and v."""
    assert len(Graph(shaped(tiny.subject, GPT2_SMALL)).edges) == 32_491


def test_an_edge_goes_from_what_is_written_earlier_to_what_reads_later(graph: Graph) -> None:
    """2 layers of 2 heads: 7 receive from the embedding, one more after each MLP, and so on."""
    found = names(graph.edges)
    assert len(found) == 6 * 1 + 3 + 6 * 4 + 6 + 7
    assert found[:2] == ["embed → L0H0.q", "embed → L0H1.q"]
    assert found[-7:] == [
        f"{sender} → logits"
        for sender in ("embed", "L0H0", "L0H1", "mlp_out.L0", "L1H0", "L1H1", "mlp_out.L1")
    ]
    assert "L0H1 → mlp_out.L0" in found
    assert not {"L0H0 → L0H1.q", "L1H0 → mlp_out.L0", "mlp_out.L0 → mlp_out.L0"} & {*found}


def test_a_head_is_told_something_by_its_query_key_and_value(graph: Graph) -> None:
    assert named(graph, "embed -> L0H1", "L0H1 -> L1H0", "L1H0 -> logits") == [
        *("embed → L0H1.q", "embed → L0H1.k", "embed → L0H1.v"),
        *("L0H1 → L1H0.q", "L0H1 → L1H0.k", "L0H1 → L1H0.v"),
        "L1H0 → logits",
    ]


def test_a_pattern_names_every_edge_that_goes_forward(graph: Graph) -> None:
    found = named(graph, "embed -> L*H*.v", "L*H* -> L*H*.v")
    assert len(found) == 4 + 4


def test_query_heads_share_keys_and_values(tiny: Model) -> None:
    shape = replace(tiny.subject.shape, n_heads=4, n_key_value_heads=2)
    inputs = Graph(shaped(tiny.subject, shape)).inputs(Site(Kind.HEAD, 1, 3))
    assert [str(site) for site in inputs] == ["L1H3.q", "L1H1.k", "L1H1.v"]


def test_what_is_no_edge_of_the_model_is_said(graph: Graph) -> None:
    with pytest.raises(MeasurementError, match=r"L1H0 → L0H1\.v is not an edge: the rec"):
        named(graph, "embed -> L1H0", "L1H0 -> L0H1.v")
    with pytest.raises(
        MeasurementError, match=r"L0H1 of L0H1 → logits has no input in the circuit"
    ):
        named(graph, "embed -> L0H0", "L0H1 -> logits")


@settings(deadline=None)
@given(size=st.integers(1, 45), count=st.integers(1, 8), seed=st.integers(0, 99))
def test_random_circuits_are_routes_to_the_logits(
    tiny: Model, size: int, count: int, seed: int
) -> None:
    graph = Graph(tiny.subject)
    circuit = frozenset(graph.edges[:size])
    found = graph.random(circuit, count, seed)
    assert found == graph.random(circuit, count, seed)
    assert 0 < len(found) <= count
    assert len(set(found)) == len(found)
    for other in found:
        assert other != circuit
        assert len(other) == size
        assert other <= frozenset(graph.edges)
        assert any(edge.receiver is None for edge in other)


def test_most_edges_of_a_random_circuit_lead_somewhere(graph: Graph) -> None:
    circuit = frozenset(graph.edges[:12])
    for other in graph.random(circuit, 20, seed=3):
        told = {edge.receiver for edge in other}
        idle = [
            edge
            for edge in other
            if edge.sender != EMBED and not told & {*graph.inputs(edge.sender)}
        ]
        assert len(idle) <= 1
