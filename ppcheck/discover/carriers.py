"""Which of many sites bring a difference to a position: gradients order them, patches decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ppcheck.discover.predict import kept
from ppcheck.discover.seen import Seen
from ppcheck.discover.study import Study
from ppcheck.discover.trace import Carrier, Effect
from ppcheck.errors import UnsupportedError
from ppcheck.measure.interventions.effect import OF_GAP, Mode, patch_effect
from ppcheck.measure.interventions.estimate import Estimated
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.interventions.cell import Cell

ALL = 32
"""Sites up to which each is patched exactly."""
BEST = 8
"""Of more so many by the gradients' estimate, and as many others at random."""
_FAR = 2.58

Shares = Mapping[str, tuple[float, float]]
"""Estimate and standard error by name."""


@dataclass(frozen=True)
class Search:
    """Which sites were tried at a position, and how many there are.

    ``found`` are those that bring more than every control and at least what was asked, the most
    first; ``best`` is what the largest of all brings.
    """

    found: tuple[Carrier, ...]
    best: Carrier
    ceiling: float
    tried: int
    sites: int


def search(
    study: Study, effect: Effect, sites: str, position: str, least: float, mode: Mode = "denoise"
) -> Search:
    """Raises as `Laboratory.look`."""
    names = [str(site) for site in study.laboratory.model.subject.sites(Sites.parse(sites))]
    leading, control = tried(study, effect, names, position, mode)
    name, both = OF_GAP[mode], [*leading, *control]
    seen = patched(study, effect, both, position, mode)
    shares = seen.effects(name)
    if not control:
        leading, control = halved(shares)
    ceiling = reached(shares[site] for site in control)
    carriers = list(_carriers(study, seen, name, leading, position, shares))
    found = tuple(one for one in carriers if one.share.low > max(ceiling, least))
    return Search(found, carriers[0], ceiling, len(both), len(names))


def halved(shares: Shares) -> tuple[list[str], list[str]]:
    """Where all were tried: those that bring least are what the others are held to."""
    ordered = sorted(shares, key=lambda name: -shares[name][0])
    most = max(1, len(ordered) // 2)
    return ordered[:most], ordered[most:]


def reached(control: Iterable[tuple[float, float]]) -> float:
    """What some at random may bring, at 99 %, from estimates and errors."""
    return max((share + _FAR * error for share, error in control), default=0.0)


def patched(study: Study, effect: Effect, sites: Sequence[str], position: str, mode: Mode) -> Seen:
    keys = {"pairs": effect.trace.pairs, "site": list(sites), "position": position, "mode": mode}
    return study.look("patch", effect.trace.on, [OF_GAP[mode]], **keys, metric=effect.metric)


def _carriers(
    study: Study,
    seen: Seen,
    name: str,
    sites: Sequence[str],
    position: str,
    shares: Shares,
) -> Iterator[Carrier]:
    """The sites, the largest effect first, shrunk as one of all that were measured."""
    for site in sorted(sites, key=lambda site: -shares[site][0]):
        shrink = kept(shares.values(), shares[site][1])
        yield Carrier(site, position, study.predicted(seen, name, site, shrink))


def tried(
    study: Study, effect: Effect, names: list[str], position: str, mode: Mode, best: int = BEST
) -> tuple[list[str], list[str]]:
    """The ``best`` sites, and as many others to compare with; all and none where they are few."""
    if len(names) <= ALL:
        return names, []
    estimates = estimated(study, effect, names, position, mode)
    if estimates is None:
        return names, []
    ordered = sorted(names, key=lambda name: -estimates[name])
    return ordered[:best], sorted(ordered[best:], key=lot)[:best]


def estimated(
    study: Study, effect: Effect, names: Sequence[str], position: str, mode: Mode
) -> dict[str, float] | None:
    """What patching each would do, to first order; None where no gradient can be taken."""
    bench, trace = study.laboratory.bench(study.name), effect.trace
    labels = trace.corrupted if trace.column else (trace.clean, trace.corrupted)
    pairs = bench.pairs(Selection.parse(trace.on), {trace.variable: labels})
    at = Position.parse(position)
    cells = [Cell((site,), at) for site in bench.subject.sites(Sites.parse(list(names)))]
    metric, under = Metric.parse(effect.metric), Estimated(bench.subject)
    try:
        found = patch_effect(bench, pairs, cells, metric, mode, under)
    except UnsupportedError:
        return None
    sums = found.changes.sum(axis=1) / found.gaps.sum()
    return dict(zip(names, sums.tolist(), strict=True))


def lot(name: str) -> str:
    """An order that has nothing to do with what sites do."""
    return sha256(name.encode()).hexdigest()
