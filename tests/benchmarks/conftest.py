"""Models, rivals and the table of the benchmarks; figures also go to `reports/bench.json`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ppcheck.plugin.options import settings_of
from ppcheck.record.files import write_whole
from ppcheck.subject.model.settings import STANDARD, Settings
from tests.benchmarks.workload import Products, save
from tests.real.smollm2 import UnreachableError, smollm2

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

REPORT = Path(__file__).parents[2] / "reports" / "bench.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("benchmarks")
    group.addoption("--before", metavar="REV", help="W10: a revision that is timed beside this one")
    group.addoption(
        "--tiny",
        action="store_true",
        help="small models and specs, to try the benchmarks themselves; no figure is kept",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The largest model comes last, since a run may be stopped."""
    items.sort(key=lambda item: "largest" in item.name)


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
    """What was measured in this run, by workload; ``suffix`` says where, if not as usual.

    Figures go to the ``report`` one by one, since a run may be stopped; those of an earlier run
    stay where this one has none.
    """

    report: Path | None
    suffix: str = ""
    rows: dict[str, DataclassInstance] = field(default_factory=dict)

    def add(self, name: str, figures: DataclassInstance, notes: str = "") -> None:
        name += self.suffix
        self.rows[name] = figures
        said = asdict(figures)
        shown = {
            key: value for key, value in (said | {"": notes}).items() if value not in (None, "")
        }
        line = ", ".join(f"{key} {_short(value)}".strip() for key, value in shown.items())
        sys.stdout.write(f"\n{name}: {line}\n")
        if self.report is not None:
            known = json.loads(self.report.read_text()) if self.report.exists() else {}
            write_whole(self.report, json.dumps(known | {name: said}, indent=1) + "\n")


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


@pytest.fixture(scope="session")
def tiny(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--tiny"))


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest) -> Settings:
    """As the options of every run say it: `--ppcheck-device`, `--ppcheck-dtype`."""
    return settings_of(request.config)


@pytest.fixture(scope="session")
def table(tiny: bool, settings: Settings) -> Table:
    usual = (settings.device, settings.dtype) == (STANDARD.device, STANDARD.dtype)
    suffix = "" if usual else f" {settings.device} {settings.dtype}"
    return Table(None if tiny else REPORT, suffix)


@pytest.fixture
def as_usual(table: Table) -> None:
    """Of tests that do not ask where models run."""
    if table.suffix:
        pytest.skip("is measured on a processor in single precision")


@pytest.fixture
def products(settings: Settings, tiny: bool) -> Products:
    """Large matrix products, timed so far before the workload alone."""
    timed = Products.on(settings, tiny=tiny)
    timed.time()
    return timed


@pytest.fixture(scope="session")
def gpt2_small(tmp_path_factory: pytest.TempPathFactory, tiny: bool) -> Path:
    """GPT-2 small's shape: 12 layers, 12 heads, d 768; random weights."""
    from transformers import GPT2Config

    config = GPT2Config()
    if tiny:
        config = GPT2Config(vocab_size=500, n_embd=64, n_layer=7, n_head=4)
    return save(config, tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory, tiny: bool) -> Path:
    """A Llama of 16 layers with grouped-query attention, d 1024; random weights."""
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=8000,
        hidden_size=64 if tiny else 1024,
        intermediate_size=176 if tiny else 2816,
        num_hidden_layers=3 if tiny else 16,
        num_attention_heads=16,
        num_key_value_heads=4,
        max_position_embeddings=256,
    )
    return save(config, tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def llama_1b(tmp_path_factory: pytest.TempPathFactory, tiny: bool) -> Path:
    """The shape of Llama 3.2 1B: 16 layers, 32 heads, d 2048, 1.2 billion parameters; random."""
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=1000 if tiny else 128_256,
        hidden_size=64 if tiny else 2048,
        intermediate_size=256 if tiny else 8192,
        num_hidden_layers=3 if tiny else 16,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    return save(config, tmp_path_factory.mktemp("llama-1b"))


@pytest.fixture(scope="session")
def instruction_model(tiny: bool) -> str:
    """SmolLM2-135M-Instruct, which `make smollm2` gets; the demo model where all is tiny."""
    if tiny:
        return "demo"
    pytest.importorskip("gguf", reason="needs the package gguf")
    try:
        return str(smollm2())
    except UnreachableError as error:
        pytest.skip(str(error))
