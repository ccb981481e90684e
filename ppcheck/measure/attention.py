"""`attention`: how much heads attend from one position to the tokens of one class or another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from ppcheck.errors import MeasurementError
from ppcheck.measure.check import (
    Bench,
    Check,
    Measured,
    Measurement,
    measured,
    prompt_facts,
    unit_labels,
)
from ppcheck.measure.search import Search, TopField, best, exploring, keep_all
from ppcheck.measure.statistics import Floats, Mean
from ppcheck.spec.base import Model
from ppcheck.spec.position import FINAL, Position, PositionField
from ppcheck.spec.prompts import PromptSet
from ppcheck.spec.site import OF_HEADS, Kind, SitesField
from ppcheck.subject.encoding import Encoded

Links = list[list[tuple[int, int]]]


class Attention(Check):
    """Attention probability from one position, summed over the tokens it goes to.

    attention   mean attention from `from` to `to`
    against     mean attention from `from` to `against`
    difference  the first minus the second, within prompts that have both, else within units

    `to: feeling=pain` looks at the prompts in which feeling is pain; `to: previous` is the token
    before the one that attends. A query counts where it can see one of the keys.
    """

    model_config = ConfigDict(**Model.model_config, populate_by_name=True)

    family: ClassVar[str] = "attention"
    check: Literal["attention"]
    site: SitesField
    query: PositionField = Field(FINAL, alias="from", description="The position that attends.")
    to: PositionField = Field(description="The tokens that are attended to.")
    against: PositionField | None = Field(None, description="The tokens to compare with.")
    top: TopField = None

    def statistic_names(self) -> tuple[str, ...]:
        return ("attention",) if self.against is None else ("attention", "against", "difference")

    def problems(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        yield from super().problems(prompt_set)
        if any(pattern.kind not in OF_HEADS for pattern in self.site):
            yield "site", f"only heads attend, such as L2H1; got {self.site}"
        if self.query.kind == "previous":
            yield "from", "`previous` says what is attended to, not what attends"

    def measure(self, bench: Bench) -> Measurement:
        heads = bench.subject.sites(self.site)
        if any(head.kind not in (Kind.HEAD, Kind.PATTERN) for head in heads):
            raise MeasurementError(f"attention has no queries, keys or values: {self.site}")
        encoded = bench.prompts(self.on)
        names = [prompt.unit for prompt in encoded.prompts]
        reads = [self.to] if self.against is None else [self.to, self.against]
        # [read, prompt, head], NaN where a prompt has no such tokens
        seen = np.stack(
            [
                bench.subject.attention(encoded, heads, links(encoded, self.query, keys))
                for keys in reads
            ]
        )
        for keys, attention in zip(reads, seen, strict=True):
            if np.isnan(attention).all():
                raise MeasurementError(f"no prompt of `{self.on}` has tokens at {keys}")
        search = keep_all(len(heads), len(names))
        if self.top is not None:
            explored = exploring(names, bench.seed)
            scores = [_score(seen[:, explored, head]) for head in range(len(heads))]
            search = best(np.array(scores), self.top, explored)
        results: list[Measured] = []
        for head in search.kept:
            member = str(heads[head]) if len(heads) > 1 else None
            results += _statistics(seen[:, :, head], encoded, search, member)
        facts = prompt_facts(encoded.prompts) | {
            "from": str(self.query),
            "to": str(self.to),
            "searched": len(heads),
            "kept": [str(heads[head]) for head in search.kept],
            "effects": {str(head): _score(seen[:, :, number]) for number, head in enumerate(heads)},
        }
        return Measurement(tuple(results), facts, search.notes(len(heads)))


def links(encoded: Encoded, query: Position, keys: Position) -> Links:
    """For each prompt the (query, key) token pairs whose attention counts."""
    queries = encoded.positions(query)
    if keys.kind == "previous":
        return [[(q, q - 1) for q in row if q > 0] for row in queries]
    return [
        [(q, k) for q in row for k in seen if k <= q]
        for row, seen in zip(queries, encoded.positions(keys), strict=True)
    ]


def _score(seen: Floats) -> float:
    means = [float(np.nanmean(row)) if np.isfinite(row).any() else 0.0 for row in seen]
    return means[0] - sum(means[1:])


def _statistics(
    seen: Floats, encoded: Encoded, search: Search, member: str | None
) -> Iterator[Measured]:
    """The statistics of one head; ``seen`` is [read, prompt]."""
    prompts = encoded.prompts
    units = unit_labels([prompt.unit for prompt in prompts])
    texts = np.array([prompt.text for prompt in prompts], dtype=object)
    present = np.isfinite(seen) & search.judged
    for name, row, here in zip(("attention", "against"), seen, present, strict=False):
        statistic = Mean(row[here], units[here], name, member, support=(0.0, 1.0))
        yield measured(statistic, texts[here])
    if len(seen) == 1:
        return
    both = present[0] & present[1]
    if both.any():
        gaps = seen[0, both] - seen[1, both]
        yield measured(
            Mean(gaps, units[both], "difference", member, support=(-1.0, 1.0)), texts[both]
        )
        return
    gaps, owners = _within_units(seen, present, units)
    unit_names = [prompts[int(np.argmax(units == owner))].unit for owner in owners]
    yield measured(Mean(gaps, owners, "difference", member, support=(-1.0, 1.0)), unit_names)


def _within_units(
    seen: Floats, present: NDArray[np.bool_], units: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.int64]]:
    """The difference of the two reads' means in every unit that has both, and those units."""
    owners: Sequence[int] = [
        unit
        for unit in np.unique(units)
        if (present[0] & (units == unit)).any() and (present[1] & (units == unit)).any()
    ]
    if not owners:
        raise MeasurementError("no independent unit has both kinds of token to compare")
    gaps = [
        seen[0, present[0] & (units == unit)].mean() - seen[1, present[1] & (units == unit)].mean()
        for unit in owners
    ]
    return np.array(gaps), np.array(owners, dtype=np.int64)
