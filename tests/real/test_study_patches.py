"""What the study finds by patching sites, held to plain forward hooks: two claims of each check."""

from __future__ import annotations

import numpy as np
import pytest

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.selection import first_half
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.subject.loaded import LoadedSubject
from tests.real.conftest import Agree, Ask
from tests.real.patched import SHARE, patched, per_pair
from tests.real.plain import Plain

pytestmark = pytest.mark.slow
both = pytest.mark.parametrize("number", [0, 1])


@both
def test_patches_are_the_same(ask: Ask, plainly: Plain, agree: Agree, number: int) -> None:
    said = ask("patch", number, units=3)
    claim = said.claim
    assert not claim.top
    assert not claim.together
    share = SHARE[claim.mode]
    for metric in claim.metric:
        for member in said.members(claim.metric.name(share, metric)):
            run = ((member or str(claim.site),), claim.position)
            found = patched(plainly, said.pairs(plainly), [run], metric, claim.mode)
            name, gap = (claim.metric.name(each, metric) for each in (share, "gap"))
            agree(said.values(name, member), per_pair(found.changes[0], found.gaps))
            agree(said.values(gap), found.gaps)
            agree(said.estimate(name, member), found.shares[0])


def largest_share(changes: Floats, first: Mask) -> float:
    """Which effects are positive, and which is largest, each half says of the other."""
    part = whole = 0.0
    for half in (first, ~first):
        elsewhere = changes[:, ~half].sum(axis=1)
        part += changes[elsewhere.argmax(), half].sum()
        whole += changes[elsewhere > 0][:, half].sum()
    return float(part / whole)


def participation(changes: Floats, first: Mask) -> float:
    """Squares are the effect in one half times that in the other. It may be undefined, NaN."""
    one, other = (changes[:, half].sum(axis=1) for half in (first, ~first))
    squares = (one * other).sum()
    return float(one.sum() * other.sum() / squares) if squares > 0 else np.nan


@both
def test_all_heads_of_a_localisation_have_the_same_effects(
    ask: Ask, plainly: Plain, studied: LoadedSubject, agree: Agree, number: int
) -> None:
    said = ask("localisation", number, units=2)
    claim = said.claim
    sites = [str(site) for site in studied.sites(claim.site)]
    runs = [((site,), claim.position) for site in sites]
    pairs = said.pairs(plainly)
    assert len(pairs) == len(said.values("gap"))
    found = patched(plainly, pairs, runs, claim.metric.first, claim.mode)
    # As changes of the metric: the gap that they are shares of may be next to none.
    effects = np.array([(said.result.facts.effects or {})[site] for site in sites])
    agree(effects * said.estimate("gap"), found.changes.mean(axis=1))
    agree(said.values("gap"), found.gaps)
    first = first_half([pair.clean for pair in pairs], 0)
    # Changes that are no more than rounding count as none; over all heads they add up.
    least = studied.rounding.metric(claim.metric.first)
    shown = np.where(np.abs(found.changes) <= least, 0, found.changes) * np.sign(found.gaps.sum())
    agree(said.estimate("largest_share"), largest_share(shown, first))
    own = participation(shown, first)
    assert np.isnan(own) == np.isnan(said.estimate("participation"))
    agree(np.nan_to_num(said.estimate("participation")), np.nan_to_num(own))
    if claim.named is not None:
        inside = [sites.index(str(site)) for site in studied.sites(claim.named)]
        others = np.sort(np.delete(found.shares, inside))[::-1]
        room = (claim.within or len(inside)) - len(inside)
        agree(said.estimate("margin"), found.shares[inside].min() - others[room])


@both
def test_players_of_a_role_attend_and_act_the_same(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    said = ask("role", number, units=4)
    claim = said.claim
    best = next(member for member in said.members("strength") if member)
    heads = list(dict.fromkeys([best, *map(str, said.members("played_by"))]))
    prompts = said.judged("attention", best)
    texts = {prompt.text for prompt in prompts}
    pairs = [pair for pair in said.pairs(plainly) if pair.clean.text in texts]
    runs = [((head,), claim.effect.position) for head in heads]
    metric, mode = claim.effect.metric.first, claim.effect.mode
    found = patched(plainly, pairs, runs, metric, mode)
    share = SHARE[mode]
    agree(said.values(share, best), per_pair(found.changes[0], found.gaps))
    for head, effect in zip(heads, found.shares, strict=True):
        attention = [to_keys(plainly, prompt, head, claim.attends) for prompt in prompts]
        if head == best:
            agree(said.values("attention", best), attention)
        ratios = np.mean(attention) / claim.attends.at_least, effect / claim.effect.at_least
        name = "strength" if head == best else "played_by"
        agree(said.estimate(name, head), min(ratios))


def to_keys(plain: Plain, prompt: Prompt, head: str, attends: object) -> float:
    """What a head pays from the one token that asks to all tokens of the keys."""
    (query,) = plain.at(prompt, getattr(attends, "query", FINAL))
    keys = [key for key in plain.at(prompt, getattr(attends, "to", FINAL)) if key <= query]
    return float(plain.attention(plain.text(prompt).ids, head)[query, keys].sum())


def first_layer(margins: Floats) -> int:
    """The first positive one, or one more than the last layer."""
    return int(np.argmax(margins > 0)) if (margins > 0).any() else len(margins)


@both
def test_the_stream_flows_the_same(ask: Ask, plainly: Plain, agree: Agree, number: int) -> None:
    said = ask("flow", number, units=2)
    claim = said.claim
    metric, pairs = claim.metric.first, said.pairs(plainly)
    assert len(pairs) == len(said.values("gap"))
    ((swapped, _),) = (claim.pairs or said.grid.prompt_set.pairs).items()
    origin = claim.origin or Position("variable", variable=swapped)
    curves, changes = {}, {}
    for name, end in (("from", origin), ("to", claim.to)):
        runs = [((f"resid_post.L{layer}",), end) for layer in range(plainly.layers)]
        found = patched(plainly, pairs, runs, metric, "denoise")
        curves[name], changes[name] = found.shares, found.changes.sum(axis=1)
        members = [f"L{layer}" for layer in range(claim.by_layer, plainly.layers)]
        shares = [said.estimate(f"recovery_{name}", member) for member in members]
        agree(shares, found.shares[claim.by_layer :])
    agree(said.estimate("leaves"), first_layer(claim.level - curves["from"]))
    agree(said.estimate("arrives"), first_layer(curves["to"] - claim.level))
    agree(said.estimate("handover"), first_layer(curves["to"] - curves["from"]))
    for stream in ("attn_out", "mlp_out"):
        runs = [((f"{stream}.L{layer}",), claim.to) for layer in range(0, plainly.layers, 7)]
        found = patched(plainly, pairs, runs, metric, "denoise")
        drawn = (said.result.facts.maps or {})[f"recovery of {metric} in {stream}"]
        column = drawn.columns.index(str(claim.to))
        agree([row[column] for row in drawn.values[::7]], found.shares)
