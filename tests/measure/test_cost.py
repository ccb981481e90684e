"""What measurements cost, counted by hand on tiny prompts and against the engine's own shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError
from ppcheck.measure.cost import Request, distinct_tokens, replayed, rewired
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.spec.sites.edge import Edge
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded
from tests.measure.lab import Model

prompts = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5).map(tuple), max_size=8)


@given(prompts)
def test_distinct_tokens_are_the_distinct_beginnings(ids: list[tuple[int, ...]]) -> None:
    assert distinct_tokens(ids) == len({row[:n] for row in ids for n in range(1, len(row) + 1)})


@pytest.fixture
def subject(tiny: Model) -> Subject:
    return tiny.subject


def encode(subject: Subject, rows: list[list[int]]) -> Encoded:
    turns = [Turn((Piece("", None, tuple(ids)),)) for ids in rows]
    return subject.encode([Prompt("ids", (turn,), {}, "", {}, "") for turn in turns])


@pytest.mark.parametrize(
    ("site", "position", "tokens"),
    [
        ("resid_pre.L0", "all", [3 + 1, 2]),  # from the first token that differs, and one each
        ("L0H0", "final", [1 + 1, 2]),
        ("L1H0", "all", [0, 2]),
        ("mlp_out.L1", "1", [0, 1]),  # the second pair is still the same there
        ("embed", "0", [0, 0]),
    ],
)
def test_what_a_patch_computes_again_starts_at_its_layer_and_where_prompts_differ(
    subject: Subject, site: str, position: str, tokens: list[int]
) -> None:
    target = encode(subject, [[1, 2, 3, 4], [1, 2, 3, 4]])
    source = encode(subject, [[1, 5, 3, 4], [1, 2, 3, 5]])
    (one,) = subject.sites(Sites.parse(site))
    cells = [Cell((one,), Position.parse(position))]
    assert replayed(subject.shape, target, source, cells).tolist() == tokens
    assert replayed(subject.shape, target, source, cells * 3).tolist() == [3 * n for n in tokens]


def test_sites_patched_together_start_at_the_lowest(subject: Subject) -> None:
    target, source = (encode(subject, [[1, 2, word]]) for word in (3, 4))
    sites = subject.sites(Sites.parse(["L1H0", "L0H1"]))
    assert replayed(subject.shape, target, source, [Cell(sites, Position("all"))]).tolist() == [
        1,
        1,
    ]


def test_pairs_that_do_not_align_are_refused(subject: Subject) -> None:
    target, source = encode(subject, [[1, 2]]), encode(subject, [[1, 2, 3]])
    cells = [Cell(subject.sites(Sites.parse("L0H0")), Position("all"))]
    with pytest.raises(MeasurementError, match="different lengths"):
        replayed(subject.shape, target, source, cells)


def test_arithmetic_is_close_to_what_a_profiler_counts(demo: Subject) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    from ppcheck.demo import weights_path

    auto: Any = AutoModelForCausalLM
    model = auto.from_pretrained(weights_path(), attn_implementation="eager")
    ids = tuple(range(1, 21))
    counter: Any = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        model(torch.tensor([ids]))
    nothing = np.zeros(demo.shape.n_layers, dtype=np.int64)
    request = Request("read", (ids,), 1, nothing, len(ids) * demo.shape.n_vocabulary)
    flops = request.flops(demo.info, demo.shape)
    assert flops == pytest.approx(counter.get_total_flops(), rel=0.1)


def test_edges_cost_a_run_of_a_layer_for_each_receiver_in_it_and_one_for_its_heads(
    subject: Subject,
) -> None:
    """Cut from a clean run they cost what comes before that layer, too."""
    embed, head = Site(Kind.EMBED), Site(Kind.HEAD, 0, 1)
    receivers = [Site(Kind.QUERY, 1, 0), Site(Kind.VALUE, 1, 0)]
    edges = frozenset(Edge(sender, to) for sender in (embed, head) for to in [*receivers, None])
    for keeps, runs in ((True, [0, 3]), (False, [3, 3])):
        assert rewired(subject.shape, [Wiring(edges, keeps=keeps)]).tolist() == runs
