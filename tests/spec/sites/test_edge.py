from __future__ import annotations

from typing import Any

import pytest

from ppcheck.spec.sites.edge import Edge, Edges
from ppcheck.spec.sites.site import Kind, Site


def test_an_edge_has_a_sender_and_a_receiver() -> None:
    (pattern,) = Edges.parse("L0H2 -> L1H1.v")
    assert (str(pattern.senders), str(pattern.receivers)) == ("L0H2", "L1H1.v")
    assert not pattern.receivers.logits


def test_edges_are_written_with_either_arrow_and_shown_with_one() -> None:
    edges = Edges.parse(["embed->L0H*", " mlp_out.L0 → logits "])
    assert str(edges) == "[embed → L0H*, mlp_out.L0 → logits]"
    assert edges.patterns[1].receivers.logits
    assert str(Edges.parse("L0H1 -> mlp_out.L1")) == "L0H1 → mlp_out.L1"


def test_one_edge_of_a_model_is_named_as_it_is_written() -> None:
    assert str(Edge(Site(Kind.EMBED), Site(Kind.KEY, 0, 3))) == "embed → L0H3.k"
    assert str(Edge(Site(Kind.HEAD, 1, 1), None)) == "L1H1 → logits"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("L0H1", "an edge is sender -> receiver: .*; got 'L0H1'"),
        ("L0H1 -> L1H1 -> logits", "an edge is sender -> receiver"),
        (7, "an edge is sender -> receiver: .*; got 7"),
        ([["L0H1", "L1H1"]], "an edge is sender -> receiver"),
        ([], "name at least one edge"),
        ("L0H1.q -> L1H1", "L0H1.q is not a sender: write embed, a head such as L0H2, or mlp_out"),
        ("attn_out.L0 -> L1H1", "attn_out.L0 is not a sender"),
        ("L0H1 -> resid_mid.L1", "resid_mid.L1 is not a receiver"),
        ("logits -> L1H1", "'logits' is not a site"),
        ("L0H1 -> L1X1", "'L1X1' is not a site"),
    ],
)
def test_what_is_no_edge_is_refused_with_what_would_be_one(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Edges.parse(value)
