"""Models, rivals and the table of the benchmarks; figures also go to `reports/bench.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ppcheck.record.files import write_whole
from tests.benchmarks.workload import Products, save

REPORT = Path(__file__).parents[2] / "reports" / "bench.json"


@dataclass(frozen=True)
class Figures:
    """``vs_transformer_lens`` and ``vs_hooks``: how many times faster; ``vs_limit``: slower.

    ``tokens`` counts tokens times blocks that computed them, ``gflops`` 10^9 operations a second.
    """

    seconds: float
    vs_transformer_lens: float | None
    vs_hooks: float | None
    vs_limit: float | None
    max_abs_diff: float
    peak_mb: float
    tokens: int | None = None
    gflops: float | None = None
    notes: str = ""


@dataclass
class Table:
    """What was measured in this run, by workload."""

    rows: dict[str, Figures] = field(default_factory=dict)

    def add(self, name: str, figures: Figures) -> None:
        self.rows[name] = figures
        shown = {key: value for key, value in asdict(figures).items() if value not in (None, "")}
        sys.stdout.write(f"\n{name}: {', '.join(f'{k} {_short(v)}' for k, v in shown.items())}\n")


def _short(value: Any) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else str(value)
        if isinstance(value, str)
        else f"{value:.3g}"
    )


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """Figures of an earlier run stay where this run has none."""
    results = Table()
    yield results
    known = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    new = {name: asdict(figures) for name, figures in results.rows.items()}
    if new:
        write_whole(REPORT, json.dumps(known | new, indent=1) + "\n")


@pytest.fixture
def products() -> Products:
    """Large matrix products, timed so far before the workload alone."""
    timed = Products()
    timed.time()
    return timed


@pytest.fixture(scope="session")
def gpt2_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GPT-2 small's shape: 12 layers, 12 heads, d 768; random weights."""
    from transformers import GPT2Config

    return save(GPT2Config(), tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 16 layers with grouped-query attention, d 1024; random weights."""
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=8000,
        hidden_size=1024,
        intermediate_size=2816,
        num_hidden_layers=16,
        num_attention_heads=16,
        num_key_value_heads=4,
        max_position_embeddings=256,
    )
    return save(config, tmp_path_factory.mktemp("llama"))
