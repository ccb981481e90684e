"""Estimates of patches and edits, against small real ones, plain autograd, and TransformerLens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo
from ppcheck.subject.operations.gradient import slopes_of
from ppcheck.subject.store import Memory
from tests.subject.engine.test_replay import REPLAYED, supported

ALL = Position("all")
IDS = [[3, 9, 4, 17, 20], [30, 2, 11, 6, 6], [5, 5, 8]]
OTHER = [[3, 1, 4, 17, 20], [30, 2, 12, 6, 7], [5, 9, 8]]
NODES = [Site(Kind.HEAD, layer, head) for layer in (0, 1) for head in (0, 1)]
NODES += [Site(Kind.MLP_OUT, layer) for layer in (0, 1)]
SMOOTH = [*(name for name in REPLAYED if name != "opt"), "bloom"]
"""The bends of OPT's ReLUs lie closer than the least push that shows in single precision."""
WITHOUT = (Kind.PATTERN, Kind.RESID_MID)


@pytest.mark.parametrize("model_type", SMOOTH)
@given(data=st.data(), seed=st.integers(0, 99))
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_small_push_has_the_effect_that_is_estimated(
    deep: Any, ids_prompts: Any, logit_diff: Any, model_type: str, data: Any, seed: int
) -> None:
    subject = deep(model_type)
    encoded, readout = subject.encode(ids_prompts(IDS)), logit_diff(3)
    sites = [site for site in supported(subject) if site.kind not in WITHOUT]
    site = data.draw(st.sampled_from(sites))
    position = data.draw(st.sampled_from([ALL, FINAL, Position.parse("1")]))
    vector = np.random.default_rng(seed).normal(size=subject.shape.width(site.kind))
    vector *= 0.004 / np.linalg.norm(vector)  # no further than the model is straight
    there, back = ((Edit(site, position, Operation.ADD, sign * vector),) for sign in (1.0, -1.0))
    ahead, behind = subject.intervene(encoded, [there, back], readout)
    estimated = subject.estimate_edits(encoded, [there], readout)[0]
    np.testing.assert_allclose(estimated, (ahead - behind) / 2, rtol=0.02, atol=1e-5)


@pytest.fixture(scope="module")
def plain(saved: Callable[[str], Path]) -> Any:
    """The tiny GPT-2 in double precision, as transformers loads it."""
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    return auto.from_pretrained(saved("gpt2"), attn_implementation="eager").eval().double()


def seen(plain: Any, embedded: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logit 7 minus logit 11, and each block's attention (before W_O) and MLP output."""
    kept: list[torch.Tensor] = []
    handles = []
    for block in plain.transformer.h:
        into = block.attn.c_proj.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
        out = block.mlp.register_forward_hook(lambda _, __, output: kept.append(output))
        handles += [into, out]
    logits = plain(inputs_embeds=embedded).logits[0, -1]
    for handle in handles:
        handle.remove()
    return logits[7] - logits[11], kept


def by_autograd(plain: Any, ids: list[int], other: list[int], steps: int) -> Floats:
    """What each of `NODES` is estimated to do, by (other - own) times gradient, [node]."""
    own, start = (plain.transformer.wte(torch.tensor([row])).detach() for row in (ids, other))
    shares = [(step + 0.5) / steps for step in range(steps)] or [1.0]
    totals: list[Any] = [0, 0, 0, 0]
    for share in shares:
        mixed = (share * own + (1 - share) * start).requires_grad_()
        metric, kept = seen(plain, mixed)
        found = torch.autograd.grad(metric, kept)
        totals = [total + slope / len(shares) for total, slope in zip(totals, found, strict=True)]
    with torch.no_grad():
        (_, here), (_, there) = seen(plain, own), seen(plain, start)
    gained = [((b - a) * g)[0] for a, b, g in zip(here, there, totals, strict=True)]
    heads = [gained[place][:, 8 * head : 8 * head + 8] for place in (0, 2) for head in (0, 1)]
    return np.array([float(part.sum()) for part in (*heads, gained[1], gained[3])])


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_an_estimated_patch_is_the_gradient_of_the_plain_model_times_the_difference(
    tiny: Any, plain: Any, ids_prompts: Any, logit_diff: Any, steps: int
) -> None:
    subject = tiny("gpt2")
    target, source = (subject.encode(ids_prompts(rows)) for rows in (IDS, OTHER))
    cells = [Cell((site,), ALL) for site in NODES]
    found = subject.estimate_patch(target, source, cells, logit_diff(3), steps)
    pairs = zip(IDS, OTHER, strict=True)
    expected = np.stack([by_autograd(plain, *pair, steps) for pair in pairs], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert np.abs(expected).max() > 0.01


def test_nodes_are_scored_as_by_transformer_lens(
    saved: Callable[[str], Path], ids_prompts: Any, logit_diff: Any
) -> None:
    """Its target is the corrupted prompt, on which its gradient is taken."""
    from transformer_lens.tools.analysis.attribution_patching import attribution_patch

    subject = load(resolve(str(saved("gpt2"))))
    target, source = (subject.encode(ids_prompts(rows[:1])) for rows in (IDS, OTHER))
    cells = [Cell((Site(Kind.MLP_OUT, layer),), ALL) for layer in (0, 1)]
    found = subject.estimate_patch(target, source, cells, logit_diff(1))[:, 0]
    bridge = subject._engine.hooks.bridge.booted
    bridge.requires_grad_(requires_grad=True)  # it takes them by the weights, too
    towards, own = (torch.tensor(rows[:1]) for rows in (OTHER, IDS))
    result = attribution_patch(
        bridge, towards, own, lambda logits: logits[0, -1, 7] - logits[0, -1, 11]
    )
    expected = [
        sum(
            float(score)
            for node, score in result.node_scores.items()
            if node.kind == "mlp_out" and node.layer == layer
        )
        for layer in (0, 1)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("model_type", ["gpt2", "opt", "llama", "gemma2", "bloom"])
def test_integrated_gradients_of_the_input_add_up_to_the_whole_difference(
    deep: Any, ids_prompts: Any, logit_diff: Any, model_type: str
) -> None:
    """Completeness (Sundararajan et al. 2017); one gradient misses it by far."""
    subject: LoadedSubject = deep(model_type)
    target, source = (subject.encode(ids_prompts(rows)) for rows in (IDS, OTHER))
    readout, cells = logit_diff(3), [Cell((Site(Kind.EMBED),), ALL)]
    whole = subject.read(source, readout) - subject.read(target, readout)
    many, one = (subject.estimate_patch(target, source, cells, readout, n)[0] for n in (60, 0))
    np.testing.assert_allclose(many, whole, atol=0.05)
    assert np.abs(one - whole).max() > 0.1


def test_estimates_of_sites_together_add_up_and_no_batch_changes_them(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject = tiny("llama")
    target, source = (subject.encode(ids_prompts(rows)) for rows in (IDS, OTHER))
    cells = [Cell((site,), ALL) for site in NODES] + [Cell(tuple(NODES), ALL)]
    found = subject.estimate_patch(target, source, cells, logit_diff(3))
    np.testing.assert_allclose(found[:-1].sum(axis=0), found[-1], atol=1e-6)
    alone = [
        subject.estimate_patch(
            *(subject.encode(ids_prompts(rows[n : n + 1])) for rows in (IDS, OTHER)),
            cells,
            logit_diff(1),
        )[:, 0]
        for n in range(3)
    ]
    np.testing.assert_allclose(found, np.stack(alone, axis=1), atol=1e-5)


def test_estimates_are_kept_and_not_taken_for_measurements(
    tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    subject, store = tiny("gpt2"), Memory()
    target, source = (subject.encode(ids_prompts(rows)) for rows in (IDS, OTHER))
    cells, readout = [Cell((site,), ALL) for site in NODES], logit_diff(3)

    def known(ask: Callable[[Memo], Any]) -> tuple[Any, int]:
        memo = Memo(subject, store)
        return ask(memo), memo.known

    first, before = known(lambda memo: memo.estimate_patch(target, source, cells, readout))
    again, after = known(lambda memo: memo.estimate_patch(target, source, cells, readout))
    np.testing.assert_array_equal(again, first)
    assert (before, after) == (0, len(NODES))
    assert known(lambda memo: memo.estimate_patch(target, source, cells, readout, 2))[1] == 0
    assert known(lambda memo: memo.patch(target, source, cells, readout))[1] == 0
    zero = [
        (Edit(site, ALL, Operation.SET, np.zeros(subject.shape.width(site.kind))),)
        for site in NODES
    ]
    edited, before = known(lambda memo: memo.estimate_edits(target, zero, readout))
    again, after = known(lambda memo: memo.estimate_edits(target, zero, readout))
    np.testing.assert_array_equal(again, edited)
    assert (before, after) == (0, len(NODES))


def test_what_has_no_gradient_is_refused(tiny: Any, ids_prompts: Any, logit_diff: Any) -> None:
    subject = tiny("gpt2")
    target, source = (subject.encode(ids_prompts(rows)) for rows in (IDS, OTHER))
    for kind in WITHOUT:
        site = Site(kind, 0, 0 if kind is Kind.PATTERN else None)
        with pytest.raises(UnsupportedError, match="no gradient is taken by"):
            subject.estimate_patch(target, source, [Cell((site,), ALL)], logit_diff(3))
    everything = logit_diff(3).__class__(None)
    with pytest.raises(UnsupportedError, match="use logit_diff, p or log_p"):
        subject.estimate_patch(target, source, [Cell((NODES[0],), ALL)], everything)
    short = subject.encode(ids_prompts([row[:-1] for row in OTHER]))
    with pytest.raises(MeasurementError, match="different lengths"):
        subject.estimate_patch(target, short, [Cell((NODES[0],), FINAL)], logit_diff(3), 3)
    assert subject.estimate_patch(target, short, [Cell((NODES[0],), FINAL)], logit_diff(3)).any()


def test_the_slope_of_a_readout_is_that_of_its_formula() -> None:
    class Share:
        tokens = None

        def values(self, logits: Floats, rows: Any) -> Floats:  # noqa: ARG002
            return 1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))

    logits = np.array([[0.3, -1.0, 4.0], [2.0, 2.5, 0.0]])
    share = Share().values(logits, None)
    expected = np.stack([share * (1 - share), -share * (1 - share), 0 * share], axis=1)
    np.testing.assert_allclose(slopes_of(Share(), logits, np.arange(2)), expected, atol=1e-9)
