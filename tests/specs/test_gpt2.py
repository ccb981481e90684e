"""The specs for GPT-2 small on a model of its shape, with its tokenizer and random weights."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.record.run import ClaimRecord
from ppcheck.spec.load import load_spec
from ppcheck.subject.load import load, resolve
from tests.specs.examined import examined

pytestmark = pytest.mark.slow

SPECS = sorted((Path(__file__).parents[2] / "specs" / "gpt2").glob("*.pp.yaml"))


@pytest.fixture(scope="module")
def gpt2(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the name by which the specs know the model."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    path = tmp_path_factory.mktemp("random") / "gpt2"
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(path)
    for file in (shared / "models" / "gpt2-tokenizer").iterdir():
        shutil.copy(file, path)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def records(gpt2: Path) -> dict[str, ClaimRecord]:
    subject = load(resolve(str(gpt2)))
    specs = [load_spec(path, CHECKS) for path in SPECS]
    assert all(spec.is_about(*resolve(str(gpt2)).names) for spec in specs)
    return {claim: record for spec in specs for claim, record in examined(spec, subject).items()}


def test_they_are_about_this_model_and_run_to_their_end(records: dict[str, ClaimRecord]) -> None:
    assert len(records) >= 20
    verdicts = {record.verdict for record in records.values()}
    assert verdicts <= {Verdict.HOLDS, Verdict.FAILS, Verdict.INCONCLUSIVE}


def test_no_claim_about_what_is_inside_holds_on_random_weights(
    records: dict[str, ClaimRecord],
) -> None:
    inside = {claim: record for claim, record in records.items() if record.family != "behaviour"}
    assert len(inside) >= 15
    assert [claim for claim, record in inside.items() if record.verdict is Verdict.HOLDS] == []


def test_every_claim_says_that_its_figures_are_published_and_not_measured_here() -> None:
    for path in SPECS:
        spec = load_spec(path, CHECKS)
        for entry in spec.entries:
            assert entry.claim is not None
            source = entry.claim.source or spec.source or ""
            assert source.startswith("Published, not measured here"), entry.id
