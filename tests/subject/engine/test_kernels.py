from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers.activations import NewGELUActivation
from transformers.pytorch_utils import Conv1D

from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine import kernels
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.load import load, resolve
from ppcheck.subject.operations.patching import patch
from ppcheck.subject.operations.whole_pass import patch_whole

FUSED = ["gpt2", "gpt_neo", "gpt_neox", "gptj", "opt", "phi", "llama", "gemma2", "olmo2"]

_conv1d: Any = Conv1D


class Feed(nn.Module):
    """A feed-forward layer whose activation takes what ``shift`` makes of a product."""

    def __init__(self, activation: nn.Module, shift: float = 0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.up, self.act, self.down = _conv1d(24, 16), activation, nn.Linear(24, 16)
        nn.init.normal_(self.up.bias)
        self.shift = shift
        self.device = torch.device("cpu")
        self.config = object()

    def set_attn_implementation(self, _name: str) -> None:
        pass

    def forward(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        up = self.up(torch.linspace(-3, 3, 16).expand(*input_ids.shape, 16))
        down: torch.Tensor = self.down(self.act(up + self.shift if self.shift else up))
        return down


@pytest.fixture(autouse=True)
def _small_products_are_large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(kernels, "LARGE", 1)
    monkeypatch.setattr(kernels, "ONEDNN_IS_FASTER", True)
    with torch.inference_mode():
        yield


def replaced(root: nn.Module) -> list[str]:
    return [type(module).__name__ for module in root.modules() if "forward" in vars(module)]


@pytest.mark.parametrize("packs", [True, False])
@pytest.mark.parametrize(
    ("activation", "name"),
    [(nn.SiLU, "SiLU"), (nn.ReLU, "ReLU"), (nn.Tanh, "")],
)
def test_products_and_the_activations_after_them_are_as_before(
    activation: type[nn.Module], name: str, packs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "total_memory", lambda _: 10**10 if packs else 0)
    feed, ids = Feed(activation()), torch.zeros((3, 5), dtype=torch.int64)
    expected = feed(ids)
    kernels.quicken(feed, [feed])
    assert replaced(feed) == ["Conv1D", *([name] if name else []), "Linear"]
    torch.testing.assert_close(feed(ids), expected, rtol=1e-5, atol=1e-5)


def test_an_activation_of_something_else_than_a_product_stays_by_itself() -> None:
    feed, ids = Feed(nn.SiLU(), shift=1), torch.zeros((1, 2), dtype=torch.int64)
    expected = feed(ids)
    kernels.quicken(feed, [feed])
    assert replaced(feed) == ["Conv1D", "Linear"]
    torch.testing.assert_close(feed(ids), expected, rtol=1e-5, atol=1e-5)


def test_products_are_left_alone_where_another_library_is_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernels, "ONEDNN_IS_FASTER", False)
    feed = Feed(nn.SiLU())
    kernels.quicken(feed, [feed])
    assert not replaced(feed)


def test_gelu_written_as_a_logistic_function_is_gelu() -> None:
    hidden = torch.cat([torch.linspace(-30, 30, 100_001), torch.tensor([-1e4, 1e4, 0.0])])
    exact = nn.functional.gelu(hidden.double(), approximate="tanh")
    assert (kernels.QuickGelu()(hidden) - exact).abs().max() < 1e-5 * 30
    near = hidden.abs() < 6
    assert (kernels.QuickGelu()(hidden) - exact)[near].abs().max() < 2e-6


@pytest.mark.parametrize(
    ("dtype", "kernel"), [(torch.float32, "QuickGelu"), (torch.bfloat16, "GELU")]
)
def test_half_precision_keeps_the_one_kernel_that_rounds_once(
    dtype: torch.dtype, kernel: str
) -> None:
    feed = Feed(NewGELUActivation()).to(dtype)
    kernels.quicken(feed, [])
    assert type(feed.act).__name__ == kernel


def test_products_in_other_precisions_are_left_alone() -> None:
    feed = Feed(nn.SiLU()).double()
    kernels.quicken(feed, [feed])
    assert not replaced(feed)


@pytest.mark.parametrize("model_type", [*FUSED, "qwen3_moe"])
def test_a_model_of_faster_products_equals_a_whole_pass(
    saved: Callable[[str], Path], ids_prompts: Any, logit_diff: Any, model_type: str
) -> None:
    subject = load(resolve(str(saved(model_type))))
    assert subject.replays, subject.no_replay
    engine, replay = subject._engine, subject._engine.replay
    assert replay
    fused = {*replaced(replay.blocks._root)} - {"Conv1D", "Linear"}
    assert len(fused) == (model_type != "qwen3_moe")
    sites = [Site(Kind.RESID_PRE, 1), Site(Kind.HEAD, 0, 1), Site(Kind.MLP_OUT, 0)]
    cells = [Cell((site,), Position.parse(at)) for site in sites for at in ("all", "2")]
    target, source = (
        subject.encode(ids_prompts([ids])) for ids in ([3, 9, 4, 17, 20], [3, 22, 4, 17, 28])
    )
    whole = patch_whole(engine, target, source, cells, logit_diff(1), progress=lambda *_: None)
    found = patch(engine, target, source, cells, logit_diff(1), progress=lambda *_: None)
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)
