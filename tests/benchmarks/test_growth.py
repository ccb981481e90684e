"""How the cost of a sweep grows, and what it costs to keep within a tenth of the memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.memory import row_size
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.load import load, resolve
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.settings import Budget, Settings
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.benchmarks.conftest import Figures, Table
from tests.benchmarks.workload import LogitDiff, pairs, peak_mb, prompts, save, seconds

pytestmark = pytest.mark.usefixtures("as_usual")

ALL = Position("all")
SMALL = {"prompts": 16, "tokens": 40, "layers": 4, "claims": 1}
GROWN = {
    "prompts": (16, 32, 64),
    "tokens": (40, 80, 160),
    "layers": (4, 8, 16),
    "claims": (1, 4, 16),
}


def swept(subject: Subject, count: int, length: int, layers: range) -> np.ndarray[Any, Any]:
    """All heads of some layers, over pairs that differ from five eighths of their length on."""
    clean, corrupted = pairs(count, length, 5 * length // 8, subject.shape.n_vocabulary)
    target, source = subject.encode(prompts(corrupted)), subject.encode(prompts(clean))
    heads = [Site(Kind.HEAD, n, h) for n in layers for h in range(subject.shape.n_heads)]
    cells = [Cell((site,), ALL) for site in heads]
    return subject.patch(target, source, cells, LogitDiff.of(count))


@pytest.mark.parametrize("axis", GROWN)
def test_w6_growth_of_a_sweep_of_all_heads(
    axis: str, tmp_path: Path, table: Table, benchmark: Any
) -> None:
    from transformers import GPT2Config

    took = {}
    for size in GROWN[axis]:
        at = SMALL | {axis: size}
        config = GPT2Config(n_embd=256, n_head=4, n_layer=at["layers"], vocab_size=1000)
        subject = load(resolve(str(save(config, tmp_path / str(size)))))
        assert subject.replays
        layers = range(at["layers"])
        swept(subject, 2, at["tokens"], range(1))

        def run(subject: Subject = subject, at: dict[str, int] = at, layers: Any = layers) -> None:
            store = Memory()
            for _ in range(at["claims"]):
                swept(Memo(subject, store), at["prompts"], at["tokens"], layers)

        took[size] = min(seconds(run) for _ in range(3))
    benchmark.pedantic(lambda: None, rounds=1)
    first = took[GROWN[axis][0]]
    series = ", ".join(f"{size} {axis}: {t:.2f} s ({t / first:.1f}x)" for size, t in took.items())
    table.add(
        f"W6 growth with {axis}",
        Figures(took[size], None, None, None, 0.0, 0.0, None, None, series),
    )


def test_memory_a_sweep_in_a_tenth_of_what_it_would_take_whole(
    gpt2_small: Path, table: Table, benchmark: Any
) -> None:
    subject = load(resolve(str(gpt2_small)))
    rows = 2 * subject.shape.n_heads * 16
    whole = 4 * rows * row_size(subject.shape, 15, 40, 2 * subject.shape.d_model)
    found = {}
    for budget in (10 * whole, whole / 10):
        command = [sys.executable, "-m", "tests.benchmarks.test_growth", str(gpt2_small)]
        output = subprocess.run(
            [*command, str(budget)], check=True, capture_output=True, text=True
        ).stdout
        found[budget] = [float(number) for number in output.split()]
    (free, _), (took, peak) = found.values()
    benchmark.pedantic(lambda: None, rounds=1)
    figures = Figures(
        took, None, None, None, 0.0, peak,
        notes=f"{whole / 1e6:.0f} MB if stacked whole, budget {whole / 1e7:.0f} MB; peak_mb beyond "
        f"the loaded model; {took / free:.2f} x as long as without a budget ({free:.1f} s)",
    )  # fmt: skip
    table.add("memory", figures)
    assert peak * 1e6 < whole / 10


def main(path: str, budget: str) -> None:
    """Print the seconds of a sweep and the megabytes that it takes beyond the loaded model."""
    subject = load(resolve(path), Settings(memory=Budget(float(budget))))
    with peak_mb() as loaded:
        swept(subject, 1, 40, range(11, 12))
    with peak_mb() as peak:
        took = seconds(lambda: swept(subject, 16, 40, range(6, 8)))
    sys.stdout.write(f"{took} {peak[0] - loaded[0]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
