"""Records as data frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ppcheck.record.leading import member_of, statistic_of
from ppcheck.record.run import ClaimRecord, StatisticRecord
from ppcheck.report.claims import most_telling
from ppcheck.report.summary import outcome

if TYPE_CHECKING:
    import pandas as pd

_FIGURES = ("estimate", "low", "high", "n", "confidence", "method", "bound")
_CLAIM = ("model", "spec", "claim", "check", "family", "verdict", "outcome", "change", "says")
_BY_CLAIM = (*_CLAIM, "statistic", *_FIGURES, "reason", "seconds")
_BY_STATISTIC = (
    *("model", "spec", "claim", "check", "statistic", "member", "verdict"),
    *(*_FIGURES, "p", "family_size"),
)


def claims_frame(claims: Sequence[ClaimRecord]) -> pd.DataFrame:
    """A row for each claim, with the statistic that decided it.

    Columns of a claim that was not measured are missing from ``statistic`` to ``bound``; an end
    that an interval does not have is infinite.
    """
    return _frame((_claim(claim) for claim in claims), _BY_CLAIM)


def statistics_frame(claims: Sequence[ClaimRecord]) -> pd.DataFrame:
    """A row for each statistic of each claim that was measured.

    ``member`` is the head, neuron or site that it is of, where the claim is about several, and
    ``verdict`` the statistic's own, missing where nothing was expected of it.
    """
    rows = (
        _of_claim(claim)
        | {"statistic": statistic_of(name), "member": member_of(name)}
        | _figures(statistic)
        | {"verdict": None if statistic.verdict is None else str(statistic.verdict)}
        | {"p": statistic.p, "family_size": statistic.family}
        for claim in claims
        for name, statistic in claim.statistics.items()
    )
    return _frame(rows, _BY_STATISTIC)


def _claim(claim: ClaimRecord) -> dict[str, Any]:
    name, statistic = most_telling(claim) or (None, None)
    return _of_claim(claim) | {
        "family": claim.family,
        "verdict": str(claim.verdict),
        "outcome": str(outcome(claim)),
        "change": None if claim.comparison is None else str(claim.comparison.change),
        "says": claim.says,
        "statistic": name,
        **({} if statistic is None else _figures(statistic)),
        "reason": claim.reason,
        "seconds": claim.seconds,
    }


def _of_claim(claim: ClaimRecord) -> dict[str, Any]:
    return {"model": claim.model, "spec": claim.spec, "claim": claim.id, "check": claim.check}


def _figures(statistic: StatisticRecord) -> dict[str, Any]:
    return {
        "estimate": statistic.estimate,
        "low": -math.inf if statistic.low is None else statistic.low,
        "high": math.inf if statistic.high is None else statistic.high,
        "n": statistic.n,
        "confidence": statistic.confidence,
        "method": statistic.method,
        "bound": statistic.bound,
    }


def _frame(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("to_pandas needs pandas: pip install 'ppcheck[pandas]'") from None
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype({"n": "Int64"})
