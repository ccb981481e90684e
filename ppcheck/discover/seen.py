"""What a claim measured on the half that is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppcheck.judge.interval import Estimate, estimated
from ppcheck.judge.methods import limits_of
from ppcheck.judge.verdict import samples
from ppcheck.measure.core.check import CheckResult, StatisticResult
from ppcheck.statistics.statistics import Statistic

TAIL = 0.025


@dataclass(frozen=True, eq=False)
class Seen:
    """The statistics of one claim, each with its interval when it is asked for."""

    result: CheckResult
    seed: int

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str | None], StatisticResult]:
        return {(s.statistic.name, s.statistic.member): s for s in self.result.statistics}

    def has(self, name: str, member: str | None = None) -> bool:
        return (name, member) in self._by_name

    def member(self, name: str) -> str | None:
        """The first member of a family."""
        return next(member for own, member in self._by_name if own == name)

    def estimate(self, name: str, member: str | None = None, tail: float = TAIL) -> Estimate:
        """With the interval that leaves ``tail`` out at either end."""
        (sampling,) = samples([self._by_name[name, member].statistic], {}, self.seed)
        return estimated(limits_of(sampling, tail), 1 - 2 * tail)

    def error(self, name: str, member: str | None = None) -> float:
        """The standard error."""
        return _point(self._by_name[name, member].statistic)[1]

    def effects(self, name: str) -> dict[str, tuple[float, float]]:
        """Estimate and standard error of each member of a family."""
        return dict(self._effects(name))

    def _effects(self, name: str) -> Iterator[tuple[str, tuple[float, float]]]:
        for (own, member), found in self._by_name.items():
            if own == name and member is not None:
                yield member, _point(found.statistic)


def _point(statistic: Statistic) -> tuple[float, float]:
    whole = np.ones((1, statistic.n_units))
    error = statistic.error(whole)
    return float(statistic.estimate(whole)[0]), 0.0 if error is None else float(error[0])
