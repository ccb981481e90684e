from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from ppcheck.subject.subject import Subject
from tests.measure.hooks import always, courier, difference, put, seen
from tests.measure.lab import (
    DEMO,
    GAME,
    Model,
    Plant,
    bench,
    blind,
    by_name,
    claim,
    estimates,
    game,
    ids,
    last,
    problems,
    read_back,
    sides_of,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"
FEW = game(vary={**GAME["vary"], "start": ["here"], "strength": ["mild", "severe"]})


H = "transformer.h"
FROZEN = [f"{H}.{n}.{part}.c_proj" for n in (0, 1) for part in ("attn", "mlp")]
HEADS = {"q": (0,), "k": (16,), "v": (32,), "z": (0, 16, 32)}


def by_freezing(
    model: Model, into: str, since: str, sender: str, receiver: str, tokens: slice = slice(None)
) -> float:
    """A minus B by Wang et al.'s recipe, in double precision: freeze all else, then run the rest.

    `sender` is ``0.1`` (a head of layer 0) or ``mlp``; `receiver` is ``1.q``, ``mlp.1`` or so.
    """
    if sender == "mlp":
        place, columns, layer = f"{H}.0.mlp.c_proj", slice(None), 0
    else:
        layer, head = map(int, sender.split("."))
        place, columns = f"{H}.{layer}.attn.c_proj<", slice(8 * head, 8 * head + 8)
    sent = put(columns, seen(model, since, {}, place)[place], tokens)
    usual = seen(model, into, {}, *FROZEN)
    frozen = {name: always(usual[name]) for name in FROZEN if name != place.removesuffix("<")}
    if receiver == "logits":
        return float(difference(seen(model, into, {**frozen, place: sent})["logits"].numpy()))
    which, _, part = receiver.partition(".")
    if which == "mlp":
        to, spans = f"{H}.{part}.mlp.c_proj", [slice(None)]
        frozen.pop(to, None)
    else:
        to = f"{H}.1.attn.c_attn"
        spans = [slice(at + 8 * int(which), at + 8 * int(which) + 8) for at in HEADS[part]]
    heard = seen(model, into, {**frozen, place: sent}, to)[to]

    def hear(now: Tensor) -> Tensor:
        for span in spans:
            now = put(span, heard, slice(None))(now)
        return now

    return float(difference(seen(model, into, {to: hear})["logits"].numpy()))


SENDERS = {"L0H0": "0.0", "L0H1": "0.1", "mlp_out.L0": "mlp"}
RECEIVERS = {
    **{f"L1H{head}.{part}": f"{head}.{part}" for head in (0, 1) for part in "qkv"},
    "L1H0": "0.z",
    "L1H1": "1.z",
    "mlp_out.L1": "mlp.1",
    "logits": "logits",
}


@pytest.mark.parametrize(("position", "tokens"), [("all", slice(None)), ("feeling", slice(4, 5))])
@pytest.mark.parametrize("mode", ["denoise", "noise"])
def test_every_path_is_as_by_freezing_all_else_on_the_plain_model(
    tiny: Model, mode: str, position: str, tokens: slice
) -> None:
    wanted = claim(
        "path",
        sender=list(SENDERS),
        receiver=list(RECEIVERS),
        position=position,
        mode=mode,
        metric=METRIC,
    ).measure(bench(tiny, FEW))
    found, share = estimates(wanted), "recovery" if mode == "denoise" else "damage"
    pairs = [sides_of(pair) for pair in by_name(wanted)["gap"].examples]
    clean, corrupted = (difference(last(tiny, side)) for side in zip(*pairs, strict=True))
    gap = (clean - corrupted).sum()
    for (sender, one), (receiver, other) in product(SENDERS.items(), RECEIVERS.items()):
        runs = [
            by_freezing(tiny, *(pair[::-1] if mode == "denoise" else pair), one, other, tokens)
            for pair in pairs
        ]
        change = np.array(runs) - corrupted if mode == "denoise" else clean - np.array(runs)
        name = f"{share} {sender} → {receiver}"
        assert found[name] == pytest.approx(change.sum() / gap, abs=2e-5), name
    assert len(found) == len(SENDERS) * len(RECEIVERS) + 1
    effects = [value for value in found.values() if abs(value) > 1e-3]
    assert len(effects) > 8  # so that equal zeros are not what agrees


def test_a_head_is_heard_by_the_mlp_of_its_own_block(tiny: Model) -> None:
    wanted = claim(
        "path", sender="L0H1", receiver="mlp_out.L0", mode="denoise", metric=METRIC
    ).measure(bench(tiny, FEW))
    found = estimates(wanted)
    pairs = [sides_of(pair) for pair in by_name(wanted)["gap"].examples]
    clean, corrupted = (difference(last(tiny, side)) for side in zip(*pairs, strict=True))
    runs = [by_freezing(tiny, two, one, "0.1", "mlp.0") for one, two in pairs]
    change = (np.array(runs) - corrupted).sum() / (clean - corrupted).sum()
    assert abs(change) > 1e-3
    assert found["recovery"] == pytest.approx(change, abs=2e-5)


@pytest.mark.parametrize("part", ["q", "k", "v"])
def test_paths_between_heads_are_as_transformer_lens_patches_them(tiny: Model, part: Any) -> None:
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.patching import get_act_patch_direct_path
    from transformers import AutoTokenizer, GPT2LMHeadModel

    fast: Any = AutoTokenizer
    bridge = TransformerBridge.boot_transformers(
        str(tiny.path),
        hf_model=GPT2LMHeadModel.from_pretrained(tiny.path),
        tokenizer=fast.from_pretrained(tiny.path),
        device="cpu",
    )
    wanted = claim("path", sender="L0H*", receiver=f"L1H*.{part}", mode="denoise", metric=METRIC)
    found = wanted.measure(bench(tiny, FEW))
    pairs = [sides_of(pair) for pair in by_name(found)["gap"].examples]
    clean, corrupted = (
        torch.cat([ids(text) for text in side]) for side in zip(*pairs, strict=True)
    )
    with torch.no_grad():
        (before, own), (after, theirs) = map(bridge.run_with_cache, (corrupted, clean))

        def metric(logits: Tensor) -> Tensor:
            return (logits[:, -1, token("A")] - logits[:, -1, token("B")]).mean()

        for head in (0, 1):
            runs = get_act_patch_direct_path(
                bridge, corrupted, theirs, own, metric, 0, head, component=part, verbose=False
            )
            shares = (runs[1] - metric(before)) / (metric(after) - metric(before))
            for other in (0, 1):
                name = f"recovery L0H{head} → L1H{other}.{part}"
                assert estimates(found)[name] == pytest.approx(float(shares[other]), abs=1e-4)


@pytest.fixture
def told(planted: Callable[[Plant], Model]) -> Bench:
    return bench(planted(courier))


@pytest.mark.parametrize(("mode", "share"), [("denoise", "recovery"), ("noise", "damage")])
def test_a_planted_message_takes_the_two_paths_that_were_planted(
    told: Bench, mode: str, share: str
) -> None:
    wanted = claim(
        "path",
        sender=["L0H*", "mlp_out.L0"],
        receiver=["L1H*.q", "L1H*.k", "L1H*.v", "mlp_out.L1", "logits"],
        mode=mode,
        metric=METRIC,
    ).measure(told)
    found = estimates(wanted)
    assert found.pop("gap") > 0.1
    assert found.pop(f"{share} L0H0 → L1H1.v") == pytest.approx(0.75, abs=0.01)
    assert found.pop(f"{share} L0H0 → logits") == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose(list(found.values()), 0, atol=1e-3)
    (title,) = wanted.facts.maps
    assert title == f"{share} of {METRIC}"
    assert wanted.facts.maps[title].rows == ("L0H0", "L0H1", "mlp_out.L0")
    assert wanted.facts.maps[title].columns[-1] == "logits"
    assert read_back(wanted.facts) == wanted.facts


def test_both_paths_together_carry_all_of_it(told: Bench) -> None:
    wanted = claim(
        "path",
        sender="L0H*",
        receiver=["L1H*.v", "logits"],
        together=True,
        mode="denoise",
        metric=METRIC,
        expect={"recovery": "0.99..1.01"},
    )
    assert verdict(wanted, told) == Verdict.HOLDS
    assert wanted.measure(told).facts.effects.keys() == {"L0H* → [L1H*.v, logits]"}


def test_the_path_is_found_on_one_half_and_judged_on_the_other(told: Bench) -> None:
    wanted = claim(
        "path", sender="L0H*", receiver="L1H*.v", top=1, mode="denoise", metric=[METRIC, "p(a)"]
    )
    found = wanted.measure(told)
    assert found.facts.kept == ("L0H0 → L1H1.v",)
    assert by_name(found)["recovery L0H0 → L1H1.v"].statistic.n_units == 3
    assert estimates(found)["recovery@p(a) L0H0 → L1H1.v"] == pytest.approx(0.75, abs=0.05)


def test_heads_that_write_nothing_tell_nothing(planted: Callable[[Plant], Model]) -> None:
    prompts = game(template="{start} we feel {strength} {feeling}")
    wanted = claim(
        "path",
        sender="L0H*",
        receiver=["L1H*", "logits"],
        mode="denoise",
        metric=METRIC,
        expect={"recovery": ">= 0.01"},
    )
    on = bench(planted(blind), prompts)
    assert verdict(wanted, on) == Verdict.FAILS
    found = estimates(wanted.measure(on))
    assert found.pop("gap") != 0
    np.testing.assert_allclose(list(found.values()), 0, atol=1e-6)


def test_paths_that_lead_backwards_are_left_out(tiny: Model) -> None:
    wanted = claim("path", sender="L*H*", receiver="L*H*.q", mode="noise", metric=METRIC)
    names = wanted.measure(bench(tiny, FEW)).facts.effects
    assert list(names) == [f"L0H{a} → L1H{b}.q" for a in (0, 1) for b in (0, 1)]
    wanted = claim("path", sender="L1H*", receiver="L*H*.q", mode="noise", metric=METRIC)
    with pytest.raises(MeasurementError, match=r"no L\*H\*\.q comes after L1H\*: there is no path"):
        wanted.measure(bench(tiny, FEW))


def test_pairs_of_unequal_length_have_paths_where_both_have_tokens(tiny: Model) -> None:
    feeling = {"pain": ["pain", "agony"], "neutral": ["light and hum", "hum and light"]}
    on = bench(tiny, game(vary={**FEW["vary"], "feeling": feeling}))
    fields = {"sender": "L0H0", "receiver": "L1H*", "mode": "denoise", "metric": METRIC}
    with pytest.raises(MeasurementError, match="pairs tokenise to different lengths: all is"):
        claim("path", **fields).measure(on)
    assert estimates(claim("path", position="final", **fields).measure(on))["gap"]


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"sender": "L0H0.q"}, "sender", "L0H0.q writes nothing to the stream: name a head"),
        ({"sender": "resid_post.L0"}, "sender", "writes nothing to the stream"),
        ({"sender": "L1H0"}, "receiver", "L1H1.q comes before L1H0 in every model"),
        ({"sender": "L[2-3]H0", "receiver": ["L1H0", "mlp_out.L1"]}, "receiver", "comes before"),
        ({"sender": "mlp_out.L0", "receiver": "mlp_out.L0"}, "receiver", "comes before"),
        ({"position": "previous"}, "position", "attention only"),
        ({"together": True, "top": 1}, "top", "leave out `together`"),
        ({"pairs": {"felling": ["pain", "neutral"]}}, "pairs", "did you mean 'feeling'?"),
        ({"position": "felling"}, "position", "did you mean 'feeling'?"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    usual = {"sender": "L0H0", "receiver": "L1H1.q", "mode": "denoise", "metric": METRIC}
    assert message in problems(claim("path", **{**usual, **fields}))[key]


@pytest.mark.parametrize(
    "fields",
    [
        {"receiver": "logits"},
        {"sender": "L1H0", "receiver": ["L1H1.q", "logits"]},
        {"receiver": "mlp_out.L0"},
    ],
)
def test_what_is_told_later_is_no_problem(fields: dict[str, Any]) -> None:
    usual = {"sender": "L0H0", "mode": "denoise", "metric": METRIC, "expect": {"gap": "> 0"}}
    assert not problems(claim("path", **{**usual, **fields}))


@pytest.mark.parametrize(
    "receiver", [[], 3, "L1H0.pattern", "blocks.1.attn.hook_result[0]", "resid_post.L1", "logit"]
)
def test_what_reads_no_stream_is_no_receiver(receiver: object) -> None:
    with pytest.raises(ValueError, match=r"receiver|is not a site"):
        claim("path", sender="L0H0", receiver=receiver, mode="denoise", metric=METRIC)


def test_the_demo_models_first_mlp_tells_the_pain_head(demo: Subject) -> None:
    wanted = claim(
        "path",
        sender="mlp_out.L0",
        receiver="L1H1",
        position="feeling",
        mode="denoise",
        metric="logit_diff(without, with)",
        expect={"recovery": "> 0.02", "gap": "> 0.2"},
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
