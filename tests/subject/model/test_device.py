"""Precision and devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ppcheck.arrays import Floats
from ppcheck.errors import ModelError
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.device import found_device, in_numpy, near
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.subject import Subject
from tests.subject.pretend import DEVICE, believed, sent_away

TARGET = [[3, 9, 4, 17], [30, 2, 5, 5], [6, 6, 41, 8]]
SOURCE = [[3, 1, 4, 17], [30, 7, 5, 5], [6, 2, 41, 8]]
SITES = ["L*H*", "L0H1.q", "L1H0.v", "resid_mid.L0", "mlp_out.L1", "L1N3", "resid_pre.L1", "embed"]
WORSE = {"float64": 2e-5, "bfloat16": 0.15, "float16": 0.02}


def everything(subject: Subject, prompts: Any, readout: Any) -> list[Floats]:
    target, source = (subject.encode(prompts(ids)) for ids in (TARGET, SOURCE))
    cells = [
        Cell((site,), place)
        for text in SITES
        for site in subject.sites(Sites.parse(text))
        for place in (FINAL, Position.parse("1"))
    ]
    some = subject.sites(Sites.parse(["L1H0", "L0N3", "resid_post.L0"]))
    heads = subject.sites(Sites.parse("L*H*"))
    return [
        subject.read(target, readout),
        subject.log_distribution(target),
        subject.log_probs(target, [[1, 2], [3], [4, 5]]),
        *subject.capture(target, some, [0, 3, 1]),
        subject.attention(target, heads, [[(3, 0), (3, 1)], [(1, 0)], [(2, 2)]]),
        *subject.evenness(target, heads, [[3, 1], [1], [2]]),
        subject.patch(target, source, cells, readout),
    ]


@pytest.mark.parametrize("dtype", WORSE)
@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_every_number_is_the_same_in_other_precisions_but_for_their_rounding(
    saved: Callable[[str], Path],
    tiny: Any,
    ids_prompts: Any,
    logit_diff: Any,
    model_type: str,
    dtype: str,
) -> None:
    subject = load(resolve(str(saved(model_type))), Settings(dtype=dtype))
    assert subject.info.dtype == dtype
    assert subject.replays
    found = everything(subject, ids_prompts, logit_diff(3))
    expected = everything(tiny(model_type), ids_prompts, logit_diff(3))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float64
        scale = max(1.0, float(np.abs(other).max()))
        np.testing.assert_allclose(one, other, rtol=0, atol=WORSE[dtype] * scale)
        assert (one != other).any()


def test_a_model_that_cannot_be_replayed_is_found_out_in_half_precision_too(
    saved: Callable[[str], Path],
) -> None:
    assert not load(resolve(str(saved("bloom"))), Settings(dtype="bfloat16")).replays


def test_a_device_is_found_or_said_to_be_missing() -> None:
    assert found_device("cpu") == torch.device("cpu")
    assert found_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ModelError, match=r"no device 'cuda:99': torch finds cpu"):
        found_device("cuda:99")
    with pytest.raises(ModelError, match="no device 'gpu': name cpu, cuda"):
        found_device("gpu")


def test_half_precision_is_read_in_double() -> None:
    values = torch.tensor([1.0, 2.5], dtype=torch.bfloat16)
    assert in_numpy(values).dtype == np.float64
    np.testing.assert_array_equal(in_numpy(values), [1, 2.5])


@pytest.mark.parametrize(
    ("dtype", "apart", "expected"),
    [
        (torch.float32, 1e-4, True),
        (torch.float32, 0.01, False),
        (torch.bfloat16, 0.01, True),
        (torch.bfloat16, 0.5, False),
    ],
)
def test_near_is_as_far_as_a_precision_rounds(
    dtype: torch.dtype, apart: float, expected: bool
) -> None:
    assert near(torch.ones(3, dtype=dtype), torch.ones(3, dtype=dtype) + apart) is expected


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "bloom", "qwen2"])
def test_all_that_meets_on_a_device_was_put_there(
    saved: Callable[[str], Path],
    tiny: Any,
    ids_prompts: Any,
    logit_diff: Any,
    monkeypatch: pytest.MonkeyPatch,
    model_type: str,
) -> None:
    """The device is one that is made believe: see `pretend`."""
    with monkeypatch.context() as patched, believed():
        patched.setattr("ppcheck.subject.model.device.found_device", lambda _: DEVICE)
        patched.setattr("ppcheck.subject.engine.engine.total_memory", lambda _: 2**30)
        patched.setattr("transformers.PreTrainedModel.to", sent_away)
        subject = load(resolve(str(saved(model_type))))
        assert subject.info.device == "cuda:0"
        assert subject.replays is (model_type != "bloom")
        found = everything(subject, ids_prompts, logit_diff(3))
    expected = everything(tiny(model_type), ids_prompts, logit_diff(3))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
