"""W1, W2, W3, W5: sweeps against TransformerLens, plain hooks, and what cannot be avoided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.arrays import Floats
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.model.settings import Settings
from tests.benchmarks.conftest import Figures, Table
from tests.benchmarks.sweep import (
    AFTER,
    ALL,
    DIFFERS,
    LENGTH,
    PAIRS,
    Rivals,
    Sweep,
    Timed,
    time_hooks,
    whole_head,
)
from tests.benchmarks.workload import Products, tolerance, unavoidable


@pytest.fixture(scope="module")
def gpt2(gpt2_small: Path, settings: Settings) -> Sweep:
    return Sweep(gpt2_small, settings)


@dataclass(frozen=True)
class Timer:
    """What a test needs to time a sweep and write its row."""

    benchmark: Any
    table: Table
    products: Products

    def cells(self, sweep: Sweep, cells: list[Cell]) -> Timed:
        return sweep.timed(self.benchmark, cells, self.products)

    def add(
        self,
        name: str,
        ours: Timed,
        flops: float,
        difference: float,
        *,
        lens: float,
        hooks: float | None = None,
        notes: str,
    ) -> None:
        """``flops`` cannot be avoided; ``lens`` and ``hooks`` are the rivals' seconds."""
        figures = Figures(
            seconds=ours.seconds,
            vs_transformer_lens=lens / ours.seconds,
            vs_hooks=None if hooks is None else hooks / ours.seconds,
            vs_limit=ours.seconds / (flops / self.products.flops),
            max_abs_diff=difference,
            peak_mb=ours.peak_mb,
            tokens=ours.tokens,
            gflops=flops / ours.seconds / 1e9,
            notes=notes,
        )
        self.table.add(name, figures)
        assert difference < tolerance(self.products.dtype)


@pytest.fixture
def timer(benchmark: Any, table: Table, products: Products) -> Timer:
    return Timer(benchmark, table, products)


def test_w1_all_heads_of_gpt2_small(timer: Timer, gpt2: Sweep) -> None:
    _all_heads("W1", timer, gpt2, sampled=6, hooked_too=True)


def test_w5_all_heads_of_a_llama(timer: Timer, llama: Path, settings: Settings) -> None:
    _all_heads("W5", timer, Sweep(llama, settings), sampled=4)


def test_largest_all_heads_of_a_llama_of_a_billion(
    timer: Timer, request: pytest.FixtureRequest, settings: Settings, tiny: bool
) -> None:
    if settings.device == "cpu" and not tiny:
        pytest.skip("a processor takes half an hour: name a GPU by --ppcheck-device")
    sweep = Sweep(request.getfixturevalue("llama_1b"), settings)
    _all_heads("largest", timer, sweep, sampled=4)


def _all_heads(
    name: str, timer: Timer, sweep: Sweep, sampled: int, *, hooked_too: bool = False
) -> None:
    shape = sweep.subject.shape
    sites = [Site(Kind.HEAD, n, h) for n in range(shape.n_layers) for h in range(shape.n_heads)]
    ours = timer.cells(sweep, [Cell((site,), ALL) for site in sites])
    rivals = Rivals(sweep)
    sample = sites[:: len(sites) // sampled]
    scale = len(sites) / len(sample)
    theirs: list[Floats] = []
    lens = rivals.seconds(lambda: theirs.append(rivals.lens("z", _places(sample), whole_head)))
    flops = sum(
        PAIRS * unavoidable(shape, site.layer or 0, AFTER, entering=False) for site in sites
    )
    timer.add(
        name,
        ours,
        flops,
        _difference(ours.measured, theirs[0], sites, sample),
        lens=scale * lens,
        hooks=scale * time_hooks(rivals, sample) if hooked_too else None,
        notes=f"rivals timed on {len(sample)} of {len(sites)} cells",
    )


def _places(sites: Sequence[Site]) -> list[tuple[int, ...]]:
    return [(site.layer or 0, site.index or 0) for site in sites]


def _difference(ours: Floats, theirs: Floats, sites: list[Site], sample: list[Site]) -> float:
    rows = [sites.index(site) for site in sample]
    return float(np.abs(ours[rows] - theirs).max())


def test_w2_residual_stream_at_every_layer_and_position(timer: Timer, gpt2: Sweep) -> None:
    shape = gpt2.subject.shape
    places = [(n, p) for n in range(shape.n_layers) for p in range(LENGTH)]
    cells = [Cell((Site(Kind.RESID_PRE, n),), Position("index", index=p)) for n, p in places]
    ours = timer.cells(gpt2, cells)
    rivals = Rivals(gpt2)
    sample = places[DIFFERS :: len(places) // 6]

    def write(activation: Any, index: Sequence[int], clean: Any) -> Any:
        activation[:, index[1]] = clean[:, index[1]]
        return activation

    theirs: list[Floats] = []
    lens = rivals.seconds(lambda: theirs.append(rivals.lens("resid_pre", sample, write)))
    changing = [(n, p) for n, p in places if p == DIFFERS or (n and p > DIFFERS)]
    flops = sum(PAIRS * unavoidable(shape, n, LENGTH - p, entering=True) for n, p in changing)
    rows = [places.index(place) for place in sample]
    timer.add(
        "W2",
        ours,
        flops,
        float(np.abs(ours.measured[rows] - theirs[0]).max()),
        lens=len(places) / len(sample) * lens,
        notes=f"rival timed on {len(sample)} of {len(places)} cells",
    )


def test_w3_neurons(timer: Timer, gpt2: Sweep) -> None:
    shape = gpt2.subject.shape
    rng = np.random.default_rng(1)
    named = [(int(rng.integers(shape.n_layers)), int(rng.integers(shape.d_mlp))) for _ in range(50)]
    layer = [Cell((Site(Kind.NEURON, 5, n),), FINAL) for n in range(shape.d_mlp)]
    spread = [Cell((Site(Kind.NEURON, n, i),), ALL) for n, i in named]
    cells = [*layer, *spread]
    ours = timer.cells(gpt2, cells)
    rivals = Rivals(gpt2)
    sample = [0, shape.d_mlp // 3, shape.d_mlp - 1, shape.d_mlp, shape.d_mlp + 20]

    def write(activation: Any, index: Sequence[int], clean: Any) -> Any:
        tokens = slice(-1, None) if index[2] else slice(None)
        activation[:, tokens, index[1]] = clean[:, tokens, index[1]]
        return activation

    places = [
        (cell.sites[0].layer or 0, cell.sites[0].index or 0, int(cell.position == FINAL))
        for cell in (cells[number] for number in sample)
    ]
    theirs: list[Floats] = []
    lens = rivals.seconds(lambda: theirs.append(rivals.lens("post", places, write)))
    q, kv, out, mlp = (4 * shape.d_model**2 / 2,) * 3 + (16 * shape.d_model**2,)
    down = mlp / 2
    deeper = shape.n_layers - 6
    flops = PAIRS * len(layer) * (down + deeper * (q + 2 * kv + out + mlp))
    flops += sum(
        PAIRS * (unavoidable(shape, n, AFTER, entering=False) - AFTER * (out + down))
        for n, _ in named
        if n < shape.n_layers - 1
    )
    timer.add(
        "W3",
        ours,
        flops,
        float(np.abs(ours.measured[sample] - theirs[0]).max()),
        lens=len(cells) / len(sample) * lens,
        notes=f"rival timed on {len(sample)} of {len(cells)} cells",
    )
