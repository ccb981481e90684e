"""How evenly heads attend over all that a token can see."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import Bench, StatisticResult, statistic_result, texts, units_of
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site
from ppcheck.statistics.statistics import Mean
from ppcheck.subject.tokens.encoding import Encoded

EVENNESS = ("entropy", "from_uniform")
"""What `Subject.evenness` measures, in its order."""


def evenness_results(
    bench: Bench, encoded: Encoded, heads: Sequence[Site], query: Position
) -> Iterator[StatisticResult]:
    """Of each head the mean of both over the prompts that have the query.

    Raises MeasurementError where there is none, and where it can see no token but itself.
    """
    queries = encoded.positions(query)
    here = np.array([bool(each) for each in queries])
    if not here.any():
        raise MeasurementError(f"none of {len(encoded)} prompts has tokens at {query}")
    most = max(token for each in queries for token in each) + 1
    if most == 1:
        raise MeasurementError(f"{query} can see no token but itself: attention to it is 1")
    measured = bench.subject.evenness(encoded, heads, queries)
    steps, tops = bench.subject.rounding.evenness(most), (math.log(most), 1 - 1 / most)
    units = units_of(encoded.prompts)[here]
    names = np.array(texts(encoded.prompts), dtype=object)[here]
    for name, values, top, step in zip(EVENNESS, measured, tops, steps, strict=True):
        for slot, head in enumerate(heads):
            member = str(head) if len(heads) > 1 else None
            mean = Mean(values[here, slot], units, name, member, (0.0, top), step)
            yield statistic_result(mean, names)
