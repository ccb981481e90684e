"""Who leads where a claim looks for somebody, and which statistics are of the same thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, StatisticRecord
from ppcheck.spec.expectations.versus import Versus

NAMED = 4
"""So many of those that differ are named; of more their number is."""


@dataclass(frozen=True)
class Paired:
    """Each statistic's name now with its name then, and what one of the two records lacks.

    ``only_then`` was expected then and has no counterpart now; ``only_now`` the other way round.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    only_then: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()


def paired(new: ClaimRecord, old: ClaimRecord) -> Paired:
    """What is expected now or was then, by name; what was chosen by looking by its rank, too.

    The claim is about whoever comes first, so that the strength of the one who led then is compared
    with that of the one who leads now.
    """
    then, now = _expected(old, new), _expected(new, old)
    names = {name: name for name in now if name in then}
    if _looked(old) and _looked(new):
        names |= _by_rank(
            [name for name in now if name not in names],
            [name for name in then if name not in names],
            (new, old),
        )
    names = {one: other for one, other in names.items() if _alike(now[one], then[other])}
    return Paired(
        names,
        tuple(name for name in then if name not in names.values()),
        tuple(name for name in now if name not in names),
    )


def moved(new: ClaimRecord, old: ClaimRecord) -> tuple[str, str] | None:
    """Who played a role or was chosen and no longer is, and who does instead.

    A role has moved where its own verdict says so, or nobody of those who played it still does; a
    choice among many sites has where half or more of them are others.
    """
    if new.facts.players is not None:
        then, now = (record.facts.players or () for record in (old, new))
        most = len(then) if new.verdict is Verdict.MOVED else 0
    else:
        then, now = (_chosen(record) for record in (old, new))
        most = len(then) // 2
    gone, came = (
        [each for each in one if each not in other] for one, other in ((then, now), (now, then))
    )
    if not gone or not now or len(then) - len(gone) > most:
        return None
    return listed(gone), listed(came or now)


def led(new: ClaimRecord, old: ClaimRecord) -> tuple[str, str] | None:
    """Who came first then and who does now, where these are not the same."""
    then, now = _leader(old), _leader(new)
    return None if then is None or now is None or then == now else (then, now)


def left(new: ClaimRecord, old: ClaimRecord) -> frozenset[str]:
    """Those who played the role then and do not now."""
    return frozenset(old.facts.players or ()) - frozenset(new.facts.players or ())


def statistic_of(name: str) -> str:
    """The key of `expect` that a record's statistic has: ``recovery`` of ``recovery[L1H1]``.

    The difference between two members is a statistic of its own.
    """
    return name if Versus.read(name) else name.partition("[")[0]


def member_of(name: str) -> str | None:
    """``L1H1`` of ``recovery[L1H1]``; the difference between two members has none."""
    _, bracket, member = name.partition("[")
    return member.removesuffix("]") if bracket and statistic_of(name) != name else None


def listed(names: Sequence[str], between: str = ", ") -> str:
    """The first of them, and how many more there are."""
    more = len(names) - NAMED
    return between.join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _expected(record: ClaimRecord, other: ClaimRecord) -> dict[str, StatisticRecord]:
    """The statistics that have a bound in this record, or have one in the other."""
    bounded = {name for name, one in other.statistics.items() if one.bound is not None}
    return {
        name: one
        for name, one in record.statistics.items()
        if one.bound is not None or name in bounded
    }


def _looked(record: ClaimRecord) -> bool:
    return bool(record.facts.looked_at)


def _by_rank(
    now: Sequence[str], then: Sequence[str], records: tuple[ClaimRecord, ClaimRecord]
) -> dict[str, str]:
    """Of each family those left over, the first with the first."""
    found: dict[str, str] = {}
    for family in dict.fromkeys(map(statistic_of, now)):
        ours, theirs = (
            _ranked([name for name in side if statistic_of(name) == family], record)
            for side, record in zip((now, then), records, strict=True)
        )
        found |= dict(zip(ours, theirs, strict=False))
    return found


def _ranked(names: Sequence[str], record: ClaimRecord) -> list[str]:
    """In the order in which their members were kept."""
    kept = record.facts.kept

    def place(name: str) -> int:
        member = member_of(name)
        return kept.index(member) if member in kept else len(kept)

    return sorted(names, key=place)


def _alike(one: StatisticRecord, other: StatisticRecord) -> bool:
    """Whether they can be paired unit by unit."""
    return one.n == other.n and len(one.units) == len(other.units) > 0


def _chosen(record: ClaimRecord) -> tuple[str, ...]:
    """What was chosen by looking, the best first."""
    return record.facts.kept if _looked(record) else record.facts.set_


def _leader(record: ClaimRecord) -> str | None:
    order = _chosen(record) or record.facts.ranking
    return order[0] if order else None
