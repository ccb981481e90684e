"""The specs after papers: what the demo model shows, and what waits for other models."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import Spec, load_spec
from ppcheck.subject.load import load, resolve
from ppcheck.subject.subject import Subject
from tests.specs.examined import examined

pytestmark = pytest.mark.slow

PAPER = Path(__file__).parents[2] / "specs" / "paper"
CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
IN_THE_WORDS = {"the-sign-is-read-early-and-so-are-the-words"}
ABSENT = ("neutral", "steering-is-weak")
MISSED = {Verdict.FAILS, Verdict.INCONCLUSIVE}
MODELS = {
    "bianco-shiller-2026": "google/gemma-2-9b-it",
    "bianco-shiller-demo": "demo",
    "keeling-2024": "any model but demo*",
    "keeling-demo": "demo",
}


@cache
def spec(name: str) -> Spec:
    return load_spec(PAPER / f"{name}.pp.yaml", CHECKS)


def verdicts(name: str, model: str) -> set[Verdict]:
    return {record.verdict for record in examined(spec(name), load(resolve(model))).values()}


def test_every_spec_after_a_paper_is_whole_and_says_whose_design_it_is() -> None:
    assert {path.name.removesuffix(".pp.yaml") for path in PAPER.glob("*.yaml")} == MODELS.keys()
    for name, about in MODELS.items():
        assert spec(name).about == about
        assert "arXiv" in (spec(name).source or "")
        for entry in spec(name).entries:
            assert entry.error is None, entry.error
            assert entry.claim is not None
            assert entry.grid is not None
            entry.claim.expand(entry.grid)
    for name in ("bianco-shiller-2026", "keeling-2024"):
        assert "not measured here" in " ".join((spec(name).source or "").lower().split())


@pytest.mark.parametrize("name", ["bianco-shiller-demo", "keeling-demo"])
@pytest.mark.parametrize("model", ["demo@tuned", "demo@rewired"])
def test_the_scaled_designs_hold_on_benign_updates_of_the_demo(name: str, model: str) -> None:
    assert verdicts(name, model) == {Verdict.HOLDS}


@pytest.mark.parametrize("name", ["bianco-shiller-demo", "keeling-demo"])
def test_random_weights_hold_no_claim_of_them(name: str) -> None:
    assert verdicts(name, "demo@step0") <= MISSED


@pytest.mark.parametrize("name", ["bianco-shiller-2026", "keeling-2024"])
def test_claims_about_other_models_are_skipped_on_the_demo_with_the_reason(name: str) -> None:
    path = PAPER / f"{name}.pp.yaml"
    options = ("--model=demo", "-rs", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", str(path), *options]
    run = subprocess.run(command, cwd=PAPER.parents[1], capture_output=True, text=True, check=False)
    assert f"{len(spec(name).entries)} skipped" in run.stdout
    assert MODELS[name] in run.stdout


def chatty(path: Path, tokenizer: Path, depth: int) -> Subject:
    """A GPT-2 of random weights, with a real tokenizer and a chat template."""
    torch.manual_seed(0)
    words: Any = AutoTokenizer.from_pretrained(tokenizer)
    words.chat_template = CHAT
    words.save_pretrained(path)
    config = GPT2Config(vocab_size=len(words), n_positions=128, n_embd=16, n_layer=depth, n_head=1)
    GPT2LMHeadModel(config).save_pretrained(path)
    return load(resolve(str(path)))


@pytest.mark.parametrize(("name", "depth"), [("bianco-shiller-2026", 15), ("keeling-2024", 1)])
def test_they_run_on_an_instruction_model_and_random_weights_show_none_of_it(
    name: str, depth: int, shared: Path, tmp_path: Path
) -> None:
    """Only what is said to be absent holds, and what the words alone tell."""
    found = examined(spec(name), chatty(tmp_path, shared / "models" / "gpt2-tokenizer", depth))
    assert {record.verdict for record in found.values()} <= {Verdict.HOLDS, *MISSED}, found
    held = {claim for claim, record in found.items() if record.verdict is Verdict.HOLDS}
    assert held <= {claim for claim in found if claim.startswith(ABSENT)} | IN_THE_WORDS
