"""W7 and W8: shipped specs on a real instruction model, against what cannot be avoided."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from ppcheck.measure.core.check import Check
from ppcheck.measure.cost import Request
from ppcheck.measure.plan import Plan, plan
from ppcheck.measure.registry import CHECKS
from ppcheck.record.cache import Disk
from ppcheck.spec.files import found
from ppcheck.spec.load import Entry, load_spec
from ppcheck.spec.prompts.grid import Grid
from ppcheck.subject.engine.tree import Tree
from ppcheck.subject.interventions.readout import Distribution
from ppcheck.subject.load import load, resolve
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.info import Shape
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.tokenizer import Ids
from tests.benchmarks.conftest import Table
from tests.benchmarks.rivals import Plain
from tests.benchmarks.workload import Products, tolerance

ROOT = Path(__file__).parents[2]
PAPER = "specs/paper/keeling-2024.pp.yaml"
ALL = ("specs/language", PAPER, "specs/tradeoffs")
TINY = ("specs/paper/keeling-demo.pp.yaml",)
TRAINED = 5
"""Logits of a trained model are so many times larger than those of random weights."""
LONGEST = 5400
"""Seconds after which a run is given up."""


@dataclass(frozen=True)
class SpecFigures:
    """``vs_limit``: how many times slower; the other ``vs_``: how many times faster we are.

    ``seconds`` run from the loaded model to the end of the run. ``tokens_over_distinct``: tokens
    that the first block computed over distinct ones; in W8, those of all blocks over those of the
    plan. ``vs_own_forward``: the model's own forward over each distinct prompt, and with hooks over
    each changed run. ``vs_requests``: over each prompt with each of its choices, as lm_eval asks.
    """

    seconds: float
    tokens_over_distinct: float
    vs_limit: float
    vs_own_forward: float
    vs_requests: float | None
    max_abs_diff: float
    peak_mb: float


@dataclass(frozen=True)
class Ran:
    """What `watch` noted of a run; ``whole`` are all its seconds, start-up included."""

    seconds: float
    held: float
    peak: float
    tokens: list[int]
    whole: float
    cache: Path


@dataclass(frozen=True)
class Workload:
    """Specs, and folders of them, on a model."""

    model: str
    settings: Settings
    products: Products
    specs: Sequence[str]

    def run(self, folder: Path) -> Ran:
        """Run them as a person does, with nothing known."""
        notes, cache = folder / "notes.json", folder / "cache"
        options = {
            "--ppcheck-model": self.model,
            "--ppcheck-device": self.settings.device,
            "--ppcheck-dtype": self.settings.dtype,
        }
        command = [sys.executable, "-m", "pytest", *self.specs, "-q", "-p", "no:xdist"]
        command += [f"{key}={value}" for key, value in options.items()]
        command += ["-p", "tests.benchmarks.watch", "-o", f"cache_dir={cache}"]
        environment = os.environ | {"NOTES": str(notes), "PYTHONPATH": str(ROOT)}
        self.products.time()
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        whole = time.perf_counter() - started
        self.products.time()
        # A claim that does not hold is a result; one that cannot be measured stops the benchmark.
        said = done.stdout + done.stderr
        assert done.returncode in (0, 1), said
        assert not re.search(r"\d+ errors?", said.splitlines()[-1]), said
        return Ran(**json.loads(notes.read_text()), whole=whole, cache=cache)

    def entries(self) -> dict[str, Entry]:
        """Their claims that are about this model."""
        names = resolve(self.model).names
        files = [file for name in self.specs for file in found(ROOT / name)]
        specs = [load_spec(file, CHECKS) for file in files]
        return {
            f"{spec.path.name}::{entry.id}": entry
            for spec in specs
            if spec.is_about(*names)
            for entry in spec.entries
        }

    def beside(self, folder: Path) -> Beside:
        """Run them, and make ready what the run is compared with."""
        ran, subject = self.run(folder), load(resolve(self.model), self.settings)
        return Beside(ran, subject, self.planned(subject), Plain.of(self.model, self.settings))

    def planned(self, subject: Subject) -> Plan:
        claims = {name: entry.expand() for name, entry in self.entries().items()}
        made = plan(subject, cast(dict[str, tuple[Check, Grid]], claims), Memory())
        assert not made.refused
        return made


@dataclass(frozen=True, eq=False)
class Beside:
    """A run, its plan, and the model as transformers runs it."""

    ran: Ran
    subject: Subject
    planned: Plan
    plain: Plain

    @cached_property
    def prompts(self) -> list[Ids]:
        return sorted(self.planned.prompts)

    @cached_property
    def sample(self) -> list[Ids]:
        """Those on which the rivals are timed."""
        return self.plain.sample(self.prompts)

    def seconds(self, tokens: float) -> float:
        """What the model's own forward takes for so many tokens, by the sample."""
        return tokens / sum(map(len, self.sample)) * self.plain.seconds(self.sample)


@pytest.fixture
def specs(request: pytest.FixtureRequest, tiny: bool) -> Sequence[str]:
    return TINY if tiny else request.param


@pytest.fixture
def workload(
    specs: Sequence[str], instruction_model: str, settings: Settings, products: Products
) -> Workload:
    return Workload(instruction_model, settings, products, specs)


@pytest.mark.parametrize("specs", [(PAPER,)], indirect=True, ids=["keeling-2024"])
def test_w7_one_paper_on_a_real_model(workload: Workload, table: Table, tmp_path: Path) -> None:
    beside = workload.beside(tmp_path)
    ran, plain, prompts, sample = beside.ran, beside.plain, beside.prompts, beside.sample
    tokens = sum(map(len, prompts))
    answers = _answers(beside.subject, workload.entries().values())
    requests = plain.seconds_of_requests({ids: answers[ids] for ids in sample})
    limit = _flops(plain, beside.subject.shape, prompts) / workload.products.flops
    figures = SpecFigures(
        seconds=ran.seconds,
        tokens_over_distinct=ran.tokens[0] / beside.planned.distinct_tokens,
        vs_limit=ran.seconds / limit,
        vs_own_forward=beside.seconds(tokens) / ran.seconds,
        vs_requests=tokens / sum(map(len, sample)) * requests / ran.seconds,
        max_abs_diff=_difference(beside),
        peak_mb=ran.peak,
    )
    table.add("W7", figures, _notes(beside, workload))
    assert figures.max_abs_diff < TRAINED * tolerance(workload.products.dtype)


@pytest.mark.parametrize("specs", [ALL], indirect=True, ids=["instruction"])
def test_w8_all_specs_for_instruction_models(
    workload: Workload, table: Table, tmp_path: Path
) -> None:
    beside = workload.beside(tmp_path)
    ran, planned = beside.ran, beside.planned
    passes = sum(map(len, beside.prompts)) + sum(map(_rerun, planned.requests))
    untouched = beside.subject.shape.n_layers * planned.distinct_tokens
    figures = SpecFigures(
        seconds=ran.seconds,
        tokens_over_distinct=sum(ran.tokens) / (untouched + int(planned.replayed.sum())),
        vs_limit=ran.seconds * workload.products.flops / planned.flops,
        vs_own_forward=beside.seconds(passes) / ran.seconds,
        vs_requests=None,
        max_abs_diff=_difference(beside),
        peak_mb=ran.peak,
    )
    table.add("W8", figures, _notes(beside, workload))
    assert figures.max_abs_diff < TRAINED * tolerance(workload.products.dtype)


def _flops(plain: Plain, shape: Shape, prompts: Sequence[Ids]) -> float:
    """What distinct tokens cannot avoid: two a parameter, and attention to all before them."""
    tree = Tree.of(prompts)
    keys = int((tree.depths + 1).sum())
    attention = 4.0 * shape.n_layers * shape.n_heads * shape.d_head * keys
    return len(tree) * plain.flops_a_token + attention


def _rerun(request: Request) -> float:
    """Tokens of the whole passes that a request's interventions take with hooks."""
    return request.runs * float(np.mean([len(ids) for ids in request.prompts] or [0]))


def _answers(subject: Subject, entries: Iterable[Entry]) -> dict[Ids, list[Ids]]:
    """The choices of each prompt, as they follow it."""
    grids = {id(entry.grid): entry.grid for entry in entries if entry.grid is not None}
    answers: dict[Ids, list[Ids]] = {}
    for grid in grids.values():
        encoded = subject.encode(grid.prompts)
        columns = [encoded.choices(name) for name in encoded.prompts[0].choices]
        for ids, *spelled in zip(encoded.ids, *columns, strict=True):
            answers[ids] = [each[0] for each in spelled]
    return answers


def _difference(beside: Beside) -> float:
    """The largest of log-probabilities between what the run has kept and the model's own."""
    memo = Memo(beside.subject, Memory(Disk(beside.ran.cache / "d" / "ppcheck")))
    own = beside.plain.distributions(beside.sample)
    kept = memo.read_after(beside.sample, Distribution())
    pairs = zip(beside.sample, kept, strict=True)
    return max(float(np.abs(row - own[ids]).max()) for ids, row in pairs)


def _notes(beside: Beside, workload: Workload) -> str:
    ran, planned = beside.ran, beside.planned
    return (
        f"{planned.claims} claims, {len(planned.prompts):,} prompts, {planned.distinct_tokens:,} "
        f"distinct tokens, {planned.flops / 1e12:.3g} TFLOP planned, products at "
        f"{workload.products.flops / 1e9:.0f} GFLOP/s; {ran.whole:.0f} s with start-up; "
        f"{ran.peak - ran.held:.0f} MB beyond the loaded model; rivals timed on "
        f"{len(beside.sample)} prompts"
    )
