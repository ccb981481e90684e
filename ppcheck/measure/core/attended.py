"""What heads pay to some tokens in some prompts, and how far two such means are apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.attention import links, uniform
from ppcheck.measure.core.check import (
    Bench,
    StatisticResult,
    statistic_result,
    texts,
    unit_labels,
    units_of,
)
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site
from ppcheck.statistics.means_apart import MeansApart
from ppcheck.statistics.statistics import Mean
from ppcheck.subject.tokens.encoding import Encoded


@dataclass(frozen=True, eq=False)
class Attended:
    """Attention to ``keys``, [prompt, head]: NaN in prompts that do not have them.

    ``even`` [prompt] is what a head pays that looks at all tokens alike. Rounding may move each
    value by ``step``.
    """

    keys: Position
    prompts: tuple[Prompt, ...]
    attention: Floats
    even: Floats
    step: float

    @property
    def present(self) -> Mask:
        return np.asarray(np.isfinite(self.attention).all(axis=1))

    def means(self, looked: Mask) -> Floats:
        """The mean over some of the prompts, [head]."""
        means: Floats = self.attention[self.present_in(looked)].mean(axis=0)
        return means

    def mean(self, name: str, head: int, judged: Mask, member: str | None) -> StatisticResult:
        here = self.present_in(judged)
        units = units_of(self.prompts)[here]
        paid = self.attention[here, head]
        statistic = Mean(paid, units, name, member, (0.0, 1.0), self.step)
        return statistic_result(statistic, np.array(texts(self.prompts), dtype=object)[here])

    def present_in(self, mask: Mask) -> Mask:
        here: Mask = mask & self.present
        if not here.any():
            raise MeasurementError(
                f"none of {mask.sum()} prompts has tokens at {self.keys} that the query can see"
            )
        return here


def attended(
    bench: Bench,
    encoded: Encoded,
    heads: Sequence[Site],
    ends: tuple[Position, Position],
    among: Mask,
) -> Attended:
    """What heads pay from the first of the ``ends`` to the second, in some of the prompts.

    ``among`` [prompt] says in which. Raises MeasurementError where the keys are all tokens that the
    query can see.
    """
    (query, keys), here = ends, np.flatnonzero(among)
    some = encoded.part(here.tolist())
    pairs = links(some, query, keys)
    even = uniform(pairs)
    if (even[np.isfinite(even)] == 1).all() and np.isfinite(even).any():
        raise MeasurementError(
            f"{keys} is all that {query} can see: attention to it is 1 by definition"
        )
    paid = np.full((len(encoded), len(heads)), np.nan)
    paid[here] = bench.subject.attention(some, heads, pairs)
    whole = np.full(len(encoded), np.nan)
    whole[here] = even
    return Attended(keys, encoded.prompts, paid, whole, bench.subject.rounding.attention)


def difference(
    to: Attended, against: Attended, head: int, judged: Mask, member: str | None
) -> StatisticResult:
    """The gap within each prompt that has both or, where none has, between each unit's means."""
    within_prompts = bool((to.present & against.present).any())
    groups: dict[str, list[int]] = defaultdict(list)
    for number in np.flatnonzero(judged).tolist():
        prompt = to.prompts[number]
        groups[f"{number}" if within_prompts else prompt.unit].append(number)
    gaps, units, names = [], [], []
    for rows in groups.values():
        mine, other = ([n for n in rows if side.present[n]] for side in (to, against))
        if mine and other:
            gaps.append(to.attention[mine, head].mean() - against.attention[other, head].mean())
            prompt = to.prompts[rows[0]]
            units.append(prompt.unit)
            names.append(prompt.text if within_prompts else prompt.unit)
    if not gaps:
        raise MeasurementError(
            f"no prompt and no unit has both {to.keys} and {against.keys}: let `unit` name what "
            "prompts to be compared have in common, or name the others in `against_on`"
        )
    labels, support = unit_labels(units), (-1.0, 1.0)
    statistic = Mean(np.array(gaps), labels, "difference", member, support, to.step)
    return statistic_result(statistic, names)


def difference_apart(
    to: Attended, against: Attended, head: int, judged: Mask, member: str | None
) -> StatisticResult:
    """The gap between the means over two groups of prompts, of which none is any other's twin.

    Each prompt contributes its own gap to the mean of the other group.
    """
    first, other = to.present_in(judged), against.present_in(judged)
    either = first | other
    paid = np.where(first, to.attention[:, head], against.attention[:, head])[either]
    units, group = units_of(to.prompts)[either], first[either]
    statistic = MeansApart(paid, group, units, "difference", member, (0.0, 1.0), to.step)
    pull = np.where(group, paid - paid[~group].mean(), paid[group].mean() - paid)
    names = np.array(texts(to.prompts), dtype=object)[either]
    return statistic_result(statistic, names, pull)
