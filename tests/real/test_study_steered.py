"""What the study finds along directions, held to plain hooks: two claims of either check.

Directions are differences of class means over one half of the units; effects are of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.grid import Prompt
from tests.real.claims import Said, claims_of
from tests.real.conftest import Agree, Ask
from tests.real.plain import Change, Plain

pytestmark = pytest.mark.slow
both = pytest.mark.parametrize("number", [0, 1])
DRAWS = 1
"""Random directions are not compared: which are drawn is ppcheck's own affair."""


def direction(said: Said, plain: Plain, sites: Sequence[str], judged: list[Prompt]) -> list[Tensor]:
    """Mean of the first class minus mean of the second, over units of which none is judged."""
    learned = said.claim.direction
    assert (learned.by, learned.on, learned.at) == ("means", None, None)
    ((variable, classes),) = learned.between.items()
    units = {prompt.unit for prompt in judged}
    looked = [prompt for prompt in said.grid.prompts if prompt.unit not in units]
    means = []
    for label in classes:
        rows: dict[str, list[Tensor]] = {site: [] for site in sites}
        for prompt in looked:
            if prompt.words[variable].label == label:
                at = list(plain.at(prompt, said.claim.position))
                for site, found in plain.activations(plain.text(prompt).ids, sites).items():
                    rows[site].append(found[at])
        means.append([torch.cat(rows[site]).mean(dim=0) for site in sites])
    return [one - other for one, other in zip(*means, strict=True)]


def changed(
    plain: Plain,
    said: Said,
    prompt: Prompt,
    site: str,
    makes: Sequence[Callable[[Tensor], Tensor]],
    metric: Metric,
) -> Floats:
    """The metric of an untouched run, and of one for each way to change the site, [1 + run]."""
    ids, at = plain.text(prompt).ids, plain.at(prompt, said.claim.position)
    runs = [[Change(site, at, make)] for make in makes]
    logits = torch.cat([plain.logits(ids, every=True)[-1:], plain.logits(ids, runs)])
    return np.asarray(plain.metric(metric, prompt, logits))


def add(vector: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda now: now + vector


def remove(vector: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda now: now - (now @ vector)[:, None] * vector / (vector @ vector)


@both
def test_steps_along_a_direction_have_the_same_effect(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    said = ask("steer", number, units=4, draws=DRAWS)
    claim, judged = said.claim, said.judged("untouched")
    assert claim.scale == "length"
    sites = [member or str(claim.largest or claim.site) for member in said.members("effect")]
    vectors = direction(said, plainly, sites, judged)
    steps = sorted(claim.eps)
    moves = np.array([0.0, *steps])
    for metric in claim.metric:
        for place, member in enumerate(said.members("effect")):
            makes = [add(eps * vectors[place]) for eps in steps]
            rows = [
                changed(plainly, said, prompt, sites[place], makes, metric) for prompt in judged[:3]
            ]
            found = np.array(rows)
            effect, slope, before = (
                claim.metric.name(name, metric) for name in ("effect", "slope", "untouched")
            )
            agree(said.values(before)[:3], found[:, 0])
            agree(said.values(effect, member)[:3], found[:, -1] - found[:, 1])
            slopes = [np.polyfit(moves, row, 1)[0] for row in found]
            agree(said.values(slope, member)[:3], slopes)


def test_the_leading_site_is_as_far_ahead(ask: Ask, plainly: Plain, agree: Agree) -> None:
    leading = [number for number, (_, claim) in enumerate(claims_of("steer")) if "largest" in claim]
    said = ask("steer", leading[0], units=4, draws=DRAWS)
    claim, judged = said.claim, said.judged("untouched")
    others = [str(member) for member in said.members("ahead")][-2:]
    sites = [str(claim.largest), *others]
    vectors = direction(said, plainly, sites, judged)
    units = {prompt.unit for prompt in judged}
    looked = [prompt for prompt in said.prompts if prompt.unit not in units]
    ends = min(claim.eps), max(claim.eps)
    sizes = []
    for site, vector in zip(sites, vectors, strict=True):
        makes = [add(eps * vector) for eps in ends]
        effects = [
            float(found[2] - found[1])
            for prompt in (*looked, *judged)
            for found in [changed(plainly, said, prompt, site, makes, claim.metric.first)]
        ]
        sign = np.sign(np.mean(effects[: len(looked)]))
        sizes.append(sign * np.array(effects[len(looked) :]))
    for site, size in zip(others, sizes[1:], strict=True):
        agree(said.values("ahead", site), sizes[0] - size)


@both
def test_without_a_direction_as_much_is_lost(
    ask: Ask, plainly: Plain, agree: Agree, number: int
) -> None:
    said = ask("direction_ablation", number, units=4, draws=DRAWS)
    claim, judged = said.claim, said.judged("untouched")
    assert not claim.together
    sites = [member or str(claim.site) for member in said.members("drop")]
    vectors = direction(said, plainly, sites, judged)
    metric = claim.metric.first
    for member, site, vector in zip(said.members("drop"), sites, vectors, strict=True):
        rows = [
            changed(plainly, said, prompt, site, [remove(vector)], metric) for prompt in judged[:3]
        ]
        before, after = np.array(rows).T
        agree(said.values("untouched")[:3], before)
        agree(said.values("drop", member)[:3], before - after)
