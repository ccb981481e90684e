"""W1, W2, W3 and W5: sweeps against TransformerLens, plain hooks, and what cannot be avoided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from tests.benchmarks.conftest import Figures, Table
from tests.benchmarks.workload import (
    ANSWERS,
    LogitDiff,
    Products,
    counted,
    hooked,
    pairs,
    peak_mb,
    prompts,
    seconds,
    unavoidable,
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

    def __init__(self, path: Path) -> None:
        self.path = path
        self.subject: LoadedSubject = load(resolve(str(path)))
        shape = self.subject.shape
        self.clean, self.corrupted = pairs(PAIRS, LENGTH, DIFFERS, shape.n_vocabulary)
        self.target = self.subject.encode(prompts(self.corrupted))
        self.source = self.subject.encode(prompts(self.clean))

    def run(self, cells: list[Cell]) -> Floats:
        return self.subject.patch(self.target, self.source, cells, LogitDiff.of(PAIRS))

    def timed(self, benchmark: Any, cells: list[Cell], products: Products) -> Timed:
        with counted(self.subject) as tokens, peak_mb() as peak:
            values: Floats = benchmark.pedantic(lambda: self.run(cells), rounds=1)
        products.time()
        return Timed(values, float(benchmark.stats.stats.total), sum(tokens), peak[0])


@pytest.fixture(scope="module")
def gpt2(gpt2_small: Path) -> Sweep:
    return Sweep(gpt2_small)


class Rivals:
    """The same model under TransformerLens and as transformers loads it, with SDPA."""

    def __init__(self, sweep: Sweep) -> None:
        from transformer_lens.model_bridge import TransformerBridge
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from ppcheck.demo import weights_path

        auto: Any = AutoModelForCausalLM
        self.plain = auto.from_pretrained(sweep.path, attn_implementation="sdpa").eval()
        tokenizer = AutoTokenizer.from_pretrained(weights_path())
        self.bridge = TransformerBridge.boot_transformers(
            str(sweep.path),
            hf_model=auto.from_pretrained(sweep.path),
            tokenizer=tokenizer,
            device="cpu",
        )
        self.clean = torch.from_numpy(sweep.clean)
        self.corrupted = torch.from_numpy(sweep.corrupted)
        with torch.inference_mode():
            _, self.cache = self.bridge.run_with_cache(self.clean)

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
        differences: Floats = found.values.double().numpy()  # noqa: PD011
        return differences


def whole_head(activation: Any, index: Sequence[int], clean: Any) -> Any:
    activation[:, :, index[1]] = clean[:, :, index[1]]
    return activation


def test_w1_all_heads_of_gpt2_small(
    benchmark: Any, gpt2: Sweep, table: Table, products: Products
) -> None:
    shape = gpt2.subject.shape
    sites = [Site(Kind.HEAD, n, h) for n in range(shape.n_layers) for h in range(shape.n_heads)]
    cells = [Cell((site,), ALL) for site in sites]
    ours = gpt2.timed(benchmark, cells, products)
    rivals = Rivals(gpt2)
    sample = sites[:: len(sites) // 6]
    theirs: list[Floats] = []
    lens = seconds(lambda: theirs.append(rivals.lens("z", _places(sample), whole_head)))
    hooks = _time_hooks(rivals, sample)
    flops = sum(
        PAIRS * unavoidable(shape, site.layer or 0, AFTER, entering=False) for site in sites
    )
    scale = len(sites) / len(sample)
    table.add(
        "W1",
        Figures(
            seconds=ours.seconds,
            vs_transformer_lens=scale * lens / ours.seconds,
            vs_hooks=scale * hooks / ours.seconds,
            vs_limit=ours.seconds / (flops / products.flops),
            max_abs_diff=_difference(ours.measured, theirs[0], sites, sample),
            peak_mb=ours.peak_mb,
            tokens=ours.tokens,
            gflops=flops / ours.seconds / 1e9,
            notes=f"rivals timed on {len(sample)} of {len(sites)} cells",
        ),
    )
    assert table.rows["W1"].max_abs_diff < 1e-4


def _time_hooks(rivals: Rivals, sample: list[Site]) -> float:
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

    return seconds(every)


def _places(sites: Sequence[Site]) -> list[tuple[int, ...]]:
    return [(site.layer or 0, site.index or 0) for site in sites]


def _difference(ours: Floats, theirs: Floats, sites: list[Site], sample: list[Site]) -> float:
    rows = [sites.index(site) for site in sample]
    return float(np.abs(ours[rows] - theirs).max())


def test_w2_residual_stream_at_every_layer_and_position(
    benchmark: Any, gpt2: Sweep, table: Table, products: Products
) -> None:
    shape = gpt2.subject.shape
    places = [(n, p) for n in range(shape.n_layers) for p in range(LENGTH)]
    cells = [Cell((Site(Kind.RESID_PRE, n),), Position("index", index=p)) for n, p in places]
    ours = gpt2.timed(benchmark, cells, products)
    rivals = Rivals(gpt2)
    sample = places[DIFFERS :: len(places) // 6]

    def write(activation: Any, index: Sequence[int], clean: Any) -> Any:
        activation[:, index[1]] = clean[:, index[1]]
        return activation

    theirs: list[Floats] = []
    lens = seconds(lambda: theirs.append(rivals.lens("resid_pre", sample, write)))
    changing = [(n, p) for n, p in places if p == DIFFERS or (n and p > DIFFERS)]
    flops = sum(PAIRS * unavoidable(shape, n, LENGTH - p, entering=True) for n, p in changing)
    rows = [places.index(place) for place in sample]
    table.add(
        "W2",
        Figures(
            seconds=ours.seconds,
            vs_transformer_lens=len(places) / len(sample) * lens / ours.seconds,
            vs_hooks=None,
            vs_limit=ours.seconds / (flops / products.flops),
            max_abs_diff=float(np.abs(ours.measured[rows] - theirs[0]).max()),
            peak_mb=ours.peak_mb,
            tokens=ours.tokens,
            gflops=flops / ours.seconds / 1e9,
            notes=f"rival timed on {len(sample)} of {len(places)} cells",
        ),
    )
    assert table.rows["W2"].max_abs_diff < 1e-4


def test_w3_neurons(benchmark: Any, gpt2: Sweep, table: Table, products: Products) -> None:
    shape = gpt2.subject.shape
    rng = np.random.default_rng(1)
    named = [(int(rng.integers(12)), int(rng.integers(shape.d_mlp))) for _ in range(50)]
    layer = [Cell((Site(Kind.NEURON, 5, n),), FINAL) for n in range(shape.d_mlp)]
    spread = [Cell((Site(Kind.NEURON, n, i),), ALL) for n, i in named]
    ours = gpt2.timed(benchmark, [*layer, *spread], products)
    rivals = Rivals(gpt2)
    sample = [0, 1000, 3000, shape.d_mlp, shape.d_mlp + 20]

    def write(activation: Any, index: Sequence[int], clean: Any) -> Any:
        tokens = slice(-1, None) if index[2] else slice(None)
        activation[:, tokens, index[1]] = clean[:, tokens, index[1]]
        return activation

    cells = [[*layer, *spread][number] for number in sample]
    places = [
        (cell.sites[0].layer or 0, cell.sites[0].index or 0, int(cell.position == FINAL))
        for cell in cells
    ]
    theirs: list[Floats] = []
    lens = seconds(lambda: theirs.append(rivals.lens("post", places, write)))
    q, kv, out, mlp = (4 * shape.d_model**2 / 2,) * 3 + (16 * shape.d_model**2,)
    down = mlp / 2
    deeper = shape.n_layers - 6
    flops = PAIRS * len(layer) * (down + deeper * (q + 2 * kv + out + mlp))
    flops += sum(
        PAIRS * (unavoidable(shape, n, AFTER, entering=False) - AFTER * (out + down))
        for n, _ in named
        if n < shape.n_layers - 1
    )
    table.add(
        "W3",
        Figures(
            seconds=ours.seconds,
            vs_transformer_lens=len([*layer, *spread]) / len(sample) * lens / ours.seconds,
            vs_hooks=None,
            vs_limit=ours.seconds / (flops / products.flops),
            max_abs_diff=float(np.abs(ours.measured[sample] - theirs[0]).max()),
            peak_mb=ours.peak_mb,
            tokens=ours.tokens,
            gflops=flops / ours.seconds / 1e9,
            notes=f"rival timed on {len(sample)} of {len([*layer, *spread])} cells",
        ),
    )
    assert table.rows["W3"].max_abs_diff < 1e-4


def test_w5_all_heads_of_a_llama(
    benchmark: Any, llama: Path, table: Table, products: Products
) -> None:
    sweep = Sweep(llama)
    shape = sweep.subject.shape
    sites = [Site(Kind.HEAD, n, h) for n in range(shape.n_layers) for h in range(shape.n_heads)]
    ours = sweep.timed(benchmark, [Cell((site,), ALL) for site in sites], products)
    rivals = Rivals(sweep)
    sample = sites[:: len(sites) // 4]
    theirs: list[Floats] = []
    lens = seconds(lambda: theirs.append(rivals.lens("z", _places(sample), whole_head)))
    flops = sum(
        PAIRS * unavoidable(shape, site.layer or 0, AFTER, entering=False) for site in sites
    )
    table.add(
        "W5",
        Figures(
            seconds=ours.seconds,
            vs_transformer_lens=len(sites) / len(sample) * lens / ours.seconds,
            vs_hooks=None,
            vs_limit=ours.seconds / (flops / products.flops),
            max_abs_diff=_difference(ours.measured, theirs[0], sites, sample),
            peak_mb=ours.peak_mb,
            tokens=ours.tokens,
            gflops=flops / ours.seconds / 1e9,
            notes=f"rival timed on {len(sample)} of {len(sites)} cells",
        ),
    )
    assert table.rows["W5"].max_abs_diff < 1e-4
