"""Edges that bring a clean or a corrupted prompt's word, against a forward pass of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ppcheck.errors import MeasurementError
from ppcheck.measure.circuits.edges import Graph
from ppcheck.spec.sites.edge import Edge
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.tokens.encoding import Encoded
from tests.subject.conftest import CONFIGS

CLEAN = [[3, 5, 8, 2, 9, 4], [3, 6, 8, 2, 7, 4], [1, 6, 2, 4]]
CORRUPTED = [[3, 7, 8, 1, 9, 4], [3, 2, 8, 2, 9, 4], [1, 9, 2, 4]]
# Mamba has no heads, and deepseek_v3 shows its own in another layout.
TYPES = [name for name in CONFIGS if name not in ("mamba", "deepseek_v3")]
Pair = tuple[Encoded, Encoded]


def pair_of(subject: LoadedSubject, ids_prompts: Any) -> Pair:
    clean, corrupted = (subject.encode(ids_prompts(rows)) for rows in (CLEAN, CORRUPTED))
    return clean, corrupted


def drawn(edges: Collection[Edge], count: int, seed: int) -> list[frozenset[Edge]]:
    """Sets of edges, the first of one in three, the last of nearly all."""
    random = np.random.default_rng(seed)
    shares = np.linspace(1 / 3, 0.95, count)
    return [frozenset(e for e in edges if random.random() < share) for share in shares]


@pytest.mark.parametrize("model_type", TYPES)
def test_keeping_edges_is_cutting_all_others(
    deep: Callable[[str], LoadedSubject], model_type: str, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = deep(model_type)
    clean, corrupted = pair_of(subject, ids_prompts)
    edges, reader = Graph(subject).edges, logit_diff(3)
    some = [frozenset(edges), frozenset[Edge](), *drawn(edges, 4, seed=1)]
    kept = subject.rewire(clean, corrupted, [Wiring(each, keeps=True) for each in some], reader)
    rest = [Wiring(frozenset(edges) - each, keeps=False) for each in some]
    cut = subject.rewire(clean, corrupted, rest, reader)
    np.testing.assert_allclose(kept, cut, rtol=0, atol=5e-5)
    ends = np.stack([subject.read(side, reader) for side in (clean, corrupted)])
    np.testing.assert_allclose(kept[:2], ends, rtol=0, atol=5e-5)
    apart = np.abs(kept[2:, None] - ends).max(axis=2)
    assert apart[-1].min() > 1e-4


def by_hand(model: Any, edges: Collection[Edge], clean: list[int], corrupted: list[int]) -> Tensor:
    """Final logits of a GPT-2 in double precision, each receiver with a stream of its own."""
    brings = {str(edge) for edge in edges}
    body, heads = model.transformer, model.config.n_head
    width = model.config.n_embd // heads

    def written(ids: list[int], theirs: dict[str, Tensor] | None) -> dict[str, Tensor]:
        said = {"embed": body.wte.weight[ids] + body.wpe.weight[: len(ids)]}

        def stream(receiver: str) -> Tensor:
            return sum(
                value if theirs is None or f"{name} → {receiver}" in brings else theirs[name]
                for name, value in said.items()
            )  # type: ignore[return-value]

        for layer, block in enumerate(body.h):
            new = {}
            for head in range(heads):
                name, parts = f"L{layer}H{head}", []
                for place, part in enumerate("qkv"):
                    at = place * heads * width + head * width
                    normed = block.ln_1(stream(f"{name}.{part}"))
                    columns = slice(at, at + width)
                    weight, bias = block.attn.c_attn.weight, block.attn.c_attn.bias
                    parts.append(normed @ weight[:, columns] + bias[columns])
                scores = parts[0] @ parts[1].T / width**0.5
                mask = torch.full_like(scores, -torch.inf).triu(1)
                z = (scores + mask).softmax(-1) @ parts[2]
                new[name] = z @ block.attn.c_proj.weight[head * width : (head + 1) * width]
            said |= new
            # The bias of all heads together is nobody's: it is the same in every run.
            said["embed"] = said["embed"] + block.attn.c_proj.bias
            if theirs is not None:
                theirs["embed"] = theirs["embed"] + block.attn.c_proj.bias
            said[f"mlp_out.L{layer}"] = block.mlp(block.ln_2(stream(f"mlp_out.L{layer}")))
        said["logits"] = model.lm_head(body.ln_f(stream("logits"))[-1])
        return said

    with torch.inference_mode():
        theirs = written(corrupted, None)
        final = theirs.pop("logits")
        biases = sum(block.attn.c_proj.bias for block in body.h)
        theirs["embed"] = theirs["embed"] - biases
        return written(clean, theirs)["logits"] if edges else final


@pytest.fixture(scope="module")
def gpt2(saved: Any) -> Any:
    from transformers import GPT2LMHeadModel

    model: Any = GPT2LMHeadModel.from_pretrained(saved("gpt2"))
    return model.double().eval()


@settings(deadline=None, max_examples=25)
@given(share=st.floats(0, 1), seed=st.integers(0, 2**32 - 1), keeps=st.booleans())
def test_any_edges_are_as_in_a_forward_pass_with_a_stream_for_each_receiver(
    tiny: Callable[[str], LoadedSubject],
    gpt2: Any,
    ids_prompts: Any,
    logit_diff: Any,
    share: float,
    seed: int,
    keeps: bool,
) -> None:
    subject = tiny("gpt2")
    edges, random = Graph(subject).edges, np.random.default_rng(seed)
    kept = frozenset(edge for edge in edges if random.random() < share)
    reader = logit_diff(3)
    followed = kept if keeps else frozenset(edges) - kept
    found = subject.rewire(*pair_of(subject, ids_prompts), [Wiring(followed, keeps=keeps)], reader)
    for row, (clean, corrupted) in enumerate(zip(CLEAN, CORRUPTED, strict=True)):
        logits = by_hand(gpt2, kept, clean, corrupted)
        plus, minus = reader.tokens[row]
        wanted = float(logits[plus] - logits[minus])
        assert found[0, row] == pytest.approx(wanted, abs=2e-5)


@pytest.mark.parametrize("keeps", [True, False])
def test_nothing_depends_on_how_many_wirings_are_held_at_once(
    tiny: Callable[[str], LoadedSubject],
    ids_prompts: Any,
    logit_diff: Any,
    keeps: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subject = tiny("llama")
    pair, reader = pair_of(subject, ids_prompts), logit_diff(3)
    wirings = [Wiring(each, keeps=keeps) for each in drawn(Graph(subject).edges, 5, seed=2)]
    together = subject.rewire(*pair, wirings, reader)
    monkeypatch.setattr(subject._engine, "memory", 1)
    done: list[tuple[int, int]] = []
    monkeypatch.setattr(subject, "progress", lambda _, *counts: done.append(counts))
    np.testing.assert_allclose(subject.rewire(*pair, wirings, reader), together, rtol=0, atol=2e-6)
    assert done == [(n, 5) for n in (1, 2, 3, 4, 5)]


def test_pairs_of_unequal_length_have_no_edges_in_common(
    tiny: Callable[[str], LoadedSubject], ids_prompts: Any, logit_diff: Any
) -> None:
    subject = tiny("gpt2")
    clean, corrupted = (subject.encode(ids_prompts([ids])) for ids in ([3, 5, 8], [3, 5, 8, 2]))
    with pytest.raises(MeasurementError, match="pairs tokenise to different lengths: all is"):
        subject.rewire(clean, corrupted, [Wiring(frozenset(), keeps=True)], logit_diff(1))
