"""Directions of features, which are known: each is a row of its dictionary's decoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.selection import first_half
from ppcheck.measure.directions.direction import Direction, Directions, facts_of, learn
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site


def direction_problems(
    direction: Direction | None, prompt_set: PromptSet, position: Position, *, of_features: bool
) -> Problems:
    """What is wrong with a direction, or with there being one or none."""
    if direction is None and not of_features:
        yield Problem(
            "direction", "the key 'direction' is missing: `between` two classes, or from a `file`"
        )
    elif direction is not None and of_features:
        yield Problem(
            "direction", "a feature is steered along its row of the decoder: leave out `direction`"
        )
    elif direction is not None:
        yield from direction.problems(prompt_set, position)


def directions(
    bench: Bench,
    direction: Direction | None,
    sites: Sequence[Site],
    position: Position,
    judged_on: Selection,
) -> Directions:
    """Those of features, or as `learn` finds them; half of the units is looked at in both cases."""
    if direction is not None:
        return learn(bench, direction, sites, position, judged_on)
    encoded = bench.prompts(judged_on)
    looked_at = tuple(compress(encoded.prompts, first_half(encoded.prompts, bench.seed)))
    vectors = {site: bench.subject.written(site)[1] for site in sites}
    dictionary = bench.grid.features[sites[0].dictionary]
    source = {"dictionary": dictionary.folder, "sha256": dictionary.sha256}
    note = (
        f"the direction is the feature's row of the decoder of {dictionary.name}, at "
        f"{dictionary.writes}; half of the units is judged"
    )
    return Directions(vectors, looked_at, encoded, facts_of(source, vectors), note)


def place(bench: Bench, site: Site) -> Site:
    """Where a site's direction is added: a feature's where its dictionary writes."""
    return bench.subject.written(site)[0] if site.kind is Kind.FEATURE else site
