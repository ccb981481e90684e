"""What the study says of paths, circuits and ablations, held to plain hooks: two claims each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.spec.sites.position import FINAL
from ppcheck.subject.loaded import LoadedSubject
from tests.real.conftest import Agree, Ask
from tests.real.patched import SHARE, Patched, patched, per_pair, read, untouched
from tests.real.plain import Change, Plain, put

pytestmark = pytest.mark.slow
both = pytest.mark.parametrize("number", [0, 1])


@both
def test_paths_to_the_logits_are_the_same(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    said = ask("path", number, units=3)
    claim = said.claim
    sender, metric = str(claim.sender), claim.metric.first
    assert str(claim.receiver) == "logits"
    last = f"resid_post.L{plainly.layers - 1}"
    values = []
    for pair in said.pairs(plainly):
        source, target = pair.clean, pair.corrupted
        if claim.mode == "noise":
            source, target = target, source
        (other, own) = (
            plainly.activations(plainly.text(side).ids, [sender, last]) for side in (source, target)
        )
        assert plainly.at(target, claim.position)[-1:] == plainly.at(target, FINAL)
        moved = written(plainly, sender, (other[sender] - own[sender])[-1])
        # All that lies between is frozen: the last norm reads its own stream and the change.
        with torch.inference_mode():
            stream = plainly.model.model.norm(own[last][-1] + moved)
            logits = plainly.model.lm_head(stream)[None]
        values.append(float(plainly.metric(metric, target, logits)[0]))
    sides = untouched(plainly, said.pairs(plainly), metric)
    found = Patched(claim.mode, *sides, np.array([values]))
    share = SHARE[claim.mode]
    agree(said.values(share), per_pair(found.changes[0], found.gaps))
    agree(said.estimate(share), found.shares[0])


def written(plain: Plain, sender: str, change: Tensor) -> Tensor:
    """What a change of a sender adds to the stream: a head's goes through its part of W_O."""
    spot = plain.spot(sender)
    if not spot.is_input:
        return change
    weight: Tensor = plain.model.get_submodule(spot.module).weight
    with torch.inference_mode():
        return weight[:, spot.columns] @ change


@both
def test_circuits_keep_the_same(
    ask: Ask, plainly: Plain, studied: LoadedSubject, agree: Agree, number: int
) -> None:
    said = ask("circuit", number, units=2, random=1)
    claim = said.claim
    assert claim.ablation == "corrupted"
    every = [str(site) for site in studied.sites(claim.among)]
    nodes = [str(site) for site in studied.sites(claim.nodes)]
    some = [nodes[0], nodes[-1]]
    kept = [nodes, [n for n in every if n not in nodes]]
    kept += [[n for n in nodes if n != one] for one in some]
    kept += [[n for n in every if n != one] for one in some]
    runs = [(tuple(n for n in every if n not in each), claim.position) for each in kept]
    pairs = said.pairs(plainly)
    found = patched(plainly, pairs, runs, claim.metric.first, "noise")
    own, without, *rest = found.patched
    gap = found.gaps.mean()
    agree(said.values("faithfulness"), (own - found.corrupted) / gap)
    agree(said.values("necessity"), (found.clean - without) / gap)
    for place, one in enumerate(some):
        agree(said.values("minimality", one), (own - rest[place]) / gap)
        apart = (rest[2 + place] - rest[place]) / gap
        agree(said.values("incompleteness", f"without {one}"), apart)
    agree(said.estimate("faithfulness"), 1 - found.shares[0])


@both
def test_ablations_are_the_same(ask: Ask, plainly: Plain, agree: Agree, number: int) -> None:
    said = ask("ablate", number, units=6)
    claim, prompts = said.claim, said.prompts
    assert (claim.together, claim.top) == (False, None)
    reference = said.grid.select(claim.reference) if claim.reference else prompts
    places = [plainly.at(prompt, claim.position) for prompt in (*prompts, *reference)]
    # Of one token in each prompt the mean by position is the pooled one.
    assert claim.ablation == "zero" or claim.by == "pooled" or set(map(len, places)) == {1}
    for member in said.members("drop"):
        site = member or str(claim.site)
        stands = [
            plainly.activations(plainly.text(prompt).ids, [site])[site][
                list(plainly.at(prompt, claim.position))
            ]
            for prompt in reference
        ]
        mean = torch.cat(stands).mean(dim=0)
        value: Tensor = torch.zeros_like(mean) if claim.ablation == "zero" else mean
        metric = claim.metric.first
        before = [read(plainly, metric, prompt, [[]])[0] for prompt in prompts[:3]]
        after = [
            read(plainly, metric, p, [[Change(site, plainly.at(p, claim.position), put(value))]])[0]
            for p in prompts[:3]
        ]
        agree(said.values("drop", member)[:3], np.subtract(before, after))
        agree(said.values("untouched")[:3], before)
