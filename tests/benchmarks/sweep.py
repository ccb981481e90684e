"""A sweep of patches by ppcheck, by TransformerLens, and by plain hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.device import found_device
from ppcheck.subject.model.settings import Settings
from tests.benchmarks.workload import (
    ANSWERS,
    LogitDiff,
    Products,
    counted,
    hooked,
    pairs,
    peak_mb,
    prompts,
    steady,
)

PAIRS, LENGTH, DIFFERS = 16, 40, 25
AFTER = LENGTH - DIFFERS
ALL = Position("all")
Setter = Callable[[Any, Sequence[int], Any], Any]


@dataclass(frozen=True)
class Timed:
    """``measured`` [cell, pair]; ``tokens`` times blocks that computed them."""

    measured: Floats
    seconds: float
    tokens: int
    peak_mb: float


class Sweep:
    """One model with its pairs: denoising, so that clean activations go into corrupted runs."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.subject: LoadedSubject = load(resolve(str(path)), settings)
        self.device = found_device(settings.device)
        self.dtype: torch.dtype = getattr(torch, settings.dtype)
        shape = self.subject.shape
        self.clean, self.corrupted = pairs(PAIRS, LENGTH, DIFFERS, shape.n_vocabulary)
        self.target = self.subject.encode(prompts(self.corrupted))
        self.source = self.subject.encode(prompts(self.clean))

    def run(self, cells: list[Cell]) -> Floats:
        return self.subject.patch(self.target, self.source, cells, LogitDiff.of(PAIRS))

    def timed(self, benchmark: Any, cells: list[Cell], products: Products) -> Timed:
        if self.device.type != "cpu":
            self.run(cells)  # it loads kernels
        with counted(self.subject) as tokens, peak_mb(self.device) as peak:
            values: Floats = benchmark.pedantic(lambda: self.run(cells), rounds=1)
        products.time()
        return Timed(values, float(benchmark.stats.stats.total), sum(tokens), peak[0])


class Rivals:
    """The same model under TransformerLens and as transformers loads it, with SDPA."""

    def __init__(self, sweep: Sweep) -> None:
        from transformer_lens.model_bridge import TransformerBridge
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from ppcheck.demo import weights_path

        auto: Any = AutoModelForCausalLM
        self.device = device = sweep.device
        loaded = {"pretrained_model_name_or_path": sweep.path, "dtype": sweep.dtype}
        self.plain = auto.from_pretrained(**loaded, attn_implementation="sdpa").eval().to(device)
        tokenizer = AutoTokenizer.from_pretrained(weights_path())
        self.bridge = TransformerBridge.boot_transformers(
            str(sweep.path),
            hf_model=auto.from_pretrained(**loaded).to(device),
            tokenizer=tokenizer,
            device=device,
            dtype=sweep.dtype,
        )
        self.clean = torch.from_numpy(sweep.clean).to(device)
        self.corrupted = torch.from_numpy(sweep.corrupted).to(device)
        with torch.inference_mode():
            _, self.cache = self.bridge.run_with_cache(self.clean)

    def seconds(self, run: Callable[[], object]) -> float:
        return steady(run, self.device)

    def lens(self, name: str, places: Sequence[tuple[int, ...]], setter: Setter) -> Floats:
        """What ``transformer_lens.patching`` measures of some cells, [cell, pair].

        Gradients are off, as its own demos have them; with them on it takes longer.
        """
        import pandas as pd
        from transformer_lens.patching import generic_activation_patch

        def metric(logits: Tensor) -> Tensor:
            return logits[:, -1, ANSWERS[0]] - logits[:, -1, ANSWERS[1]]

        with torch.no_grad():
            found = generic_activation_patch(
                self.bridge,
                self.corrupted,
                self.cache,
                metric,
                setter,
                name,
                index_df=pd.DataFrame(places),
                reduce="none",
            )
        differences: Floats = found.values.double().cpu().numpy()  # noqa: PD011
        return differences


def whole_head(activation: Any, index: Sequence[int], clean: Any) -> Any:
    activation[:, :, index[1]] = clean[:, :, index[1]]
    return activation


def time_hooks(rivals: Rivals, sample: list[Site]) -> float:
    """Plain PyTorch hooks before each output projection, clean values from one clean pass."""
    blocks = rivals.plain.transformer.h
    kept: dict[int, Any] = {}

    def keep(layer: int) -> Callable[..., None]:
        def hook(_module: Any, args: Any) -> None:
            kept[layer] = args[0].clone()

        return hook

    hooked(rivals.plain, rivals.clean, [(b.attn.c_proj, keep(n)) for n, b in enumerate(blocks)])
    width = kept[0].shape[-1] // len(blocks)

    def cell(site: Site) -> None:
        columns = slice((site.index or 0) * width, ((site.index or 0) + 1) * width)

        def write(_module: Any, args: Any) -> Any:
            changed = args[0].clone()
            changed[..., columns] = kept[site.layer or 0][..., columns]
            return (changed, *args[1:])

        hooked(rivals.plain, rivals.corrupted, [(blocks[site.layer or 0].attn.c_proj, write)])

    def every() -> None:
        for site in sample:
            cell(site)

    return rivals.seconds(every)
