"""Direct paths on every architecture: where nothing but them leads on, they are all there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppcheck.measure.interventions.paths import Path, patch_paths
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.subject import Subject
from tests.subject.conftest import CONFIGS

TARGET = [[3, 5, 8, 2, 9, 4], [3, 6, 8, 2, 7, 4]]
SOURCE = [[3, 7, 8, 1, 9, 4], [3, 2, 8, 2, 9, 4]]
ALL = Position("all")
PARALLEL = {"gpt_neox", "gptj", "phi"}
# Mamba has no heads, and deepseek_v3 shows its own in another layout.
TYPES = [name for name in CONFIGS if name not in ("mamba", "deepseek_v3")]


@pytest.fixture(params=TYPES)
def subject(request: pytest.FixtureRequest, tiny: Callable[[str], Subject]) -> Subject:
    return tiny(request.param)


def sites(subject: Subject, text: str) -> tuple[Site, ...]:
    return subject.sites(Sites.parse(text))


def test_the_last_blocks_outputs_act_by_their_direct_paths_alone(
    subject: Subject, ids_prompts: Any, logit_diff: Any
) -> None:
    target, source = (subject.encode(ids_prompts(rows)) for rows in (TARGET, SOURCE))
    last = subject.shape.n_layers - 1
    mlp = sites(subject, f"mlp_out.L{last}")
    heard = () if subject.is_parallel else mlp
    paths = {mlp: Path(mlp, (), logits=True)}
    for name in (f"attn_out.L{last}", f"L{last}H1"):
        sender = sites(subject, name)
        paths[sender] = Path(sender, heard, logits=True)
    reader = logit_diff(2)
    ours = patch_paths(subject, target, source, list(paths.values()), ALL, reader)
    whole = subject.patch(target, source, [Cell(sender, ALL) for sender in paths], reader)
    np.testing.assert_allclose(ours, whole, rtol=0, atol=2e-5)
    assert np.abs(ours - subject.read(target, reader)).max() > 1e-4


def test_queries_keys_and_values_together_are_the_whole_head(
    subject: Subject, ids_prompts: Any, logit_diff: Any
) -> None:
    target, source = (subject.encode(ids_prompts(rows)) for rows in (TARGET, SOURCE))
    last = subject.shape.n_layers - 1
    sender = sites(subject, "mlp_out.L0")
    parts = tuple(site for part in "qkv" for site in sites(subject, f"L{last}H*.{part}"))
    paths = [
        Path(sender, sites(subject, f"L{last}H*"), logits=False),
        Path(sender, parts, logits=False),
    ]
    heads, apart = patch_paths(subject, target, source, paths, ALL, logit_diff(2))
    np.testing.assert_allclose(heads, apart, rtol=0, atol=2e-5)
    assert np.abs(heads - subject.read(target, logit_diff(2))).max() > 1e-5


@pytest.mark.parametrize("model_type", TYPES)
def test_it_is_known_whether_an_mlp_reads_what_its_attention_writes(
    tiny: Callable[[str], Subject], model_type: str
) -> None:
    assert tiny(model_type).is_parallel == (model_type in PARALLEL)
