"""How many rows run together, and what happens where memory holds fewer than was thought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.modules.module import register_module_forward_pre_hook

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.subject import Subject

TARGET = [[3, 9, 4, 17], [30, 2, 5, 5], [6, 6, 41, 8]]
SOURCE = [[3, 1, 4, 17], [30, 7, 5, 5], [6, 2, 41, 8]]


@contextmanager
def memory_for(rows: int) -> Iterator[list[int]]:
    """Modules run out of memory with more rows than these; how often they did is counted."""
    failed: list[int] = []

    def check(_module: Any, args: tuple[Any, ...]) -> None:
        if args and isinstance(args[0], torch.Tensor) and args[0].ndim > 1 and len(args[0]) > rows:
            failed.append(len(args[0]))
            raise torch.OutOfMemoryError("all is taken")

    handle = register_module_forward_pre_hook(check)
    try:
        yield failed
    finally:
        handle.remove()


def everything(subject: Subject, prompts: Any, readout: Any) -> dict[str, list[Floats]]:
    target, source = (subject.encode(prompts(ids)) for ids in (TARGET, SOURCE))
    sites = subject.sites(Sites.parse(["L*H*", "mlp_out.L0", "resid_pre.L1"]))
    cells = [Cell((site,), place) for site in sites for place in (FINAL, Position.parse("1"))]
    width = subject.shape.d_model
    (mlp,) = subject.sites(Sites.parse("mlp_out.L0"))
    edits = [(Edit(mlp, FINAL, Operation.ADD, np.full(width, size)),) for size in (0.5, 2.0)]
    heads = subject.sites(Sites.parse("L*H*"))
    return {
        "read": [subject.read(target, readout)],
        "log_distribution": [subject.log_distribution(target)],
        "log_probs": [subject.log_probs(target, [[1, 2], [3], [4, 5]])],
        "capture": subject.capture(target, sites, [0, 3, 1]),
        "attention": [subject.attention(target, heads, [[(3, 0)], [(1, 0)], [(2, 2)]])],
        "evenness": [subject.evenness(target, heads, [[3], [1], [2, 0]])],
        "patch": [subject.patch(target, source, cells, readout)],
        "intervene": [subject.intervene(target, edits, readout)],
        "activations": subject.activations(target, sites, FINAL, edits),
        "means": subject.means(target, sites, FINAL, pooled=False),
    }


@given(st.lists(st.integers(), max_size=40), st.integers(1, 50), st.integers(1, 9))
def test_every_item_runs_once_and_in_order_however_few_fit(
    items: list[int], size: int, fit: int
) -> None:
    def run(part: Sequence[int]) -> int:
        if len(part) > fit:
            raise torch.OutOfMemoryError("all is taken")
        return sum(part)

    found = list(in_parts(items, size, run, "model"))
    assert [item for part, _ in found for item in part] == items
    assert all(result == sum(part) for part, result in found)
    assert all(len(part) <= min(size, fit) for part, _ in found)


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "bloom"])
def test_where_memory_runs_out_fewer_rows_run_together_and_give_the_same(
    tiny: Any, ids_prompts: Any, logit_diff: Any, model_type: str
) -> None:
    subject = tiny(model_type)
    assert subject.replays is (model_type != "bloom")
    whole = everything(subject, ids_prompts, logit_diff(3))
    with memory_for(1) as failed:
        halved = everything(subject, ids_prompts, logit_diff(3))
    assert failed
    for name, arrays in whole.items():
        for one, other in zip(arrays, halved[name], strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=1e-5, err_msg=name)


def test_where_not_even_one_row_fits_the_error_names_the_model(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = tiny("gpt2")
    assert subject.replays
    encoded = subject.encode(ids_prompts(TARGET))
    with memory_for(0), pytest.raises(MeasurementError, match="gpt2 does not fit the memory with"):
        subject.read(encoded, logit_diff(3))


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def run(_: Sequence[int]) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(in_parts([1, 2], 2, run, "model"))
