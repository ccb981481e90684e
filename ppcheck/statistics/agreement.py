"""What can be said where units agree, and a sample shows no spread that could be resampled.

Of units that would disagree in a share q of all cases, n agree by chance with probability
(1 - q)^n: q is at most 1 - tail^(1/n), the rule of three (Hanley & Lippman-Hand 1983), or with k
exceptions at most Clopper & Pearson's limit (1934). What such a unit might do is bounded by the
furthest one seen. As long as none was seen it is bounded by the support alone; this counts where
units agree on an end of it, where they could not have spread out if they would.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Ends = tuple[float, float]

_ALIKE = 12  # digits, of the largest


def mean_ends(
    means: NDArray[np.float64], units: float, support: Ends, tail: float, *, counted: bool = False
) -> Ends | None:
    """Ends of a mean of which most of the `means` [unit] are one and the same value.

    What is ``counted`` agrees by chance anywhere: such a unit might do what the support allows.
    """
    from scipy.special import betaincinv

    scale = float(np.abs(means).max()) or 1.0
    _, first, counts = np.unique(
        (means / scale).round(_ALIKE), return_index=True, return_counts=True
    )
    common = float(means[first[counts.argmax()]])  # as it is: rounded, it may pass a bound
    at_end = [end for end in support if math.isclose(common, end, rel_tol=0.1**_ALIKE)]
    common = at_end[0] if at_end else common
    exceptions = len(means) - int(counts.max())
    lowest, highest = (means.min(), means.max()) if exceptions and not counted else support
    if 2 * exceptions >= min(units, len(means)):
        return None
    is_bounded = (counted or common in support) and not math.isinf(highest - lowest)
    if not exceptions and not is_bounded:
        return None
    share = float(betaincinv(exceptions + 1, units - exceptions, 1 - tail))
    below, above = max(common - lowest, 0.0), max(highest - common, 0.0)
    return common - share * below, common + share * above


def auroc_ends(pairs: float, tail: float) -> Ends:
    """Ends of an AUROC of 1 over this many `pairs` of a unit with positives and one with negatives.

    n units that have both make n / 2 pairs, for no more than that is known of them: if a share s of
    such units is good and the others are bad in both classes, the AUROC is s^2, and n units look
    perfect with probability s^n; by Kruskal (1963) and Katona (1968) no other case is worse.
    """
    return tail ** (1 / pairs), 1.0


def correlation_ends(pairs: float, tail: float) -> Ends:
    """Ends of a rank correlation of 1: concordance as `auroc_ends`, then Durbin & Stuart (1951).

    They bound Spearman's coefficient by Kendall's, which is twice the concordance minus one.
    """
    tau = 2 * tail ** (1 / pairs) - 1
    return ((3 * tau - 1) / 2 if tau >= 0 else (tau**2 + 2 * tau - 1) / 2), 1.0
