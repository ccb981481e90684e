"""W4 and W6: many prompts that share a prefix, and the shipped specs cold and warm."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ppcheck.subject.load import load, resolve
from tests.benchmarks.conftest import Figures, Table
from tests.benchmarks.workload import ANSWERS, LogitDiff, counted, peak_mb, prompts, seconds

pytestmark = pytest.mark.usefixtures("as_usual")

ROOT = Path(__file__).parents[2]
PROMPTS, LENGTH, SHARED = 512, 64, 48


def test_w4_prompts_that_share_a_prefix(benchmark: Any, gpt2_small: Path, table: Table) -> None:
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    plain = auto.from_pretrained(gpt2_small, attn_implementation="sdpa").eval()
    rng = np.random.default_rng(0)
    ids = rng.integers(0, plain.config.vocab_size, (PROMPTS, LENGTH))
    ids[:, :SHARED] = ids[0, :SHARED]
    subject = load(resolve(str(gpt2_small)))
    encoded = subject.encode(prompts(ids))
    with counted(subject) as tokens, peak_mb() as peak:
        ours = benchmark.pedantic(lambda: subject.read(encoded, LogitDiff.of(PROMPTS)), rounds=1)
    took = benchmark.stats.stats.total
    theirs = []

    def forward() -> None:
        with torch.inference_mode():
            for rows in torch.split(torch.from_numpy(ids), 64):
                logits = plain(rows, use_cache=False, logits_to_keep=1).logits[:, -1]
                theirs.append((logits[:, ANSWERS[0]] - logits[:, ANSWERS[1]]).double().numpy())

    whole = seconds(forward)
    own = whole * (SHARED + PROMPTS * (LENGTH - SHARED)) / (PROMPTS * LENGTH)
    figures = Figures(
        seconds=took,
        vs_transformer_lens=None,
        vs_hooks=whole / took,
        vs_limit=took / own,
        max_abs_diff=float(np.abs(ours - np.concatenate(theirs)).max()),
        peak_mb=peak[0],
        tokens=sum(tokens),
        notes="vs_hooks and vs_limit: the model's own batched forward on all tokens, and on "
        "those that are not shared",
    )
    table.add("W4", figures)
    assert figures.max_abs_diff < 1e-4


def test_w6_the_shipped_specs_cold_and_warm(
    benchmark: Any, tmp_path: Path, table: Table, tiny: bool
) -> None:
    specs = ["specs/demo/behaviour.pp.yaml" if tiny else "specs", "--model", "demo"]
    count, record = tmp_path / "passes", tmp_path / "run.json"
    cache = ["-o", f"cache_dir={tmp_path / 'cache'}"]

    def run(*options: str) -> None:
        command = [sys.executable, "-m", "pytest", *specs, "-q", *cache, *options]
        environment = os.environ | {"PASSES": str(count), "PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=environment)

    counting = ("-p", "tests.benchmarks.passes", "--ppcheck-json", str(record))
    expected = _expected(specs)
    benchmark.pedantic(lambda: run(*counting), rounds=1)
    cold, passes = benchmark.stats.stats.total, int(count.read_text())
    measured = json.loads(record.read_text())
    warm = seconds(lambda: run(*counting))
    again = int(count.read_text())
    claims = sum(claim["seconds"] for claim in measured["claims"])
    table.add(
        "W6",
        Figures(
            seconds=cold,
            vs_transformer_lens=None,
            vs_hooks=None,
            vs_limit=None,
            max_abs_diff=0.0,
            peak_mb=measured["peak_memory_mb"],
            notes=f"cold, with start-up: {passes:,} forward passes; warm {warm:.1f} s: {again}; "
            f"`ppcheck plan` expected {expected:.1f} s where claims took {claims:.1f} s, "
            "their statistics included",
        ),
    )
    assert passes > again == 0


def _expected(specs: list[str]) -> float:
    """The seconds that `ppcheck plan` says the measurements will take."""
    command = [sys.executable, "-m", "ppcheck", "plan", *specs]
    plan = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sum(float(number) for number in re.findall(r"expected +([\d.e+]+) s", plan))
