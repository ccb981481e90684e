"""W4 and W6: many prompts that share a prefix, and the shipped specs cold and warm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ppcheck.subject.load import load, resolve
from tests.benchmarks.conftest import Figures, Table
from tests.benchmarks.workload import ANSWERS, LogitDiff, peak_mb, prompts, seconds

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
        peak_mb=peak_mb(),
        notes="vs_hooks and vs_limit: the model's own batched forward on all tokens, and on "
        "those that are not shared",
    )
    table.add("W4", figures)
    assert figures.max_abs_diff < 1e-4


def test_w6_the_shipped_specs_cold_and_warm(benchmark: Any, tmp_path: Path, table: Table) -> None:
    def run() -> None:
        command = [sys.executable, "-m", "pytest", "specs", "--model", "demo", "-q"]
        command += ["-o", f"cache_dir={tmp_path / 'cache'}"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    benchmark.pedantic(run, rounds=1)
    cold = benchmark.stats.stats.total
    warm = seconds(run)
    figures = Figures(
        seconds=cold,
        vs_transformer_lens=None,
        vs_hooks=None,
        vs_limit=None,
        max_abs_diff=0.0,
        peak_mb=peak_mb(),
        notes=f"cold, with start-up; warm {warm:.1f} s",
    )
    table.add("W6", figures)
