"""Statistics of what is counted over a few draws, such as the share of replies with an outcome.

Where units are measured finely, agreement says that they do not differ. Counts agree by chance,
too, and anywhere: of units of which none writes `3`, one in ten may.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppcheck.statistics.agreement import Ends, mean_ends
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.statistics.statistics import Mean
from ppcheck.statistics.switch_point import SETTLED, SwitchPoint


@dataclass(frozen=True, eq=False)
class CountedMean(Mean):
    """The mean over the examples, whose `support` has ends."""

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        sizes, sums = self._sums
        many = units or self.effective_units
        return mean_ends(sums / sizes, many, self.support, tail, counted=True)


@dataclass(frozen=True, eq=False)
class CountedSwitchPoint(SwitchPoint):
    """The dose at which a share crosses one half."""

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        """Nothing is known of units that might differ where all of them agree."""
        del tail, units
        curves = self._sums / self._sums.sum(axis=0)
        return REAL_LINE if np.ptp(curves, axis=1).max() < SETTLED else None
