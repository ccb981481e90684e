"""What became of behaviour and of mechanism since the baseline, and what broke where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ppcheck.judge.compare import WORSE, Change
from ppcheck.record.leading import statistic_of
from ppcheck.record.run import ClaimRecord
from ppcheck.report.gate import WORST_FIRST, telling
from ppcheck.report.headline.component import short
from ppcheck.report.headline.loss import Loss, loss, lost
from ppcheck.report.text import counted, printable

PHRASES = 3
"""So many things are told; of more their number is."""
_UNSAID = (Change.NEW, Change.GONE)
"""What says nothing of a model: there is nothing to compare with."""


@dataclass(frozen=True)
class _Move:
    """``now`` is in the place of ``then``; ``leads`` where each is one that comes first."""

    then: str
    now: str
    leads: bool


@dataclass(frozen=True)
class _News:
    """All that is said of one component, or of one claim that is about none."""

    losses: list[Loss] = field(default_factory=list)
    moves: dict[_Move, list[ClaimRecord]] = field(default_factory=dict)

    @property
    def claims(self) -> Iterator[ClaimRecord]:
        yield from (each.claim for each in self.losses)
        for some in self.moves.values():
            yield from some

    @property
    def importance(self) -> tuple[bool, float]:
        """Where somebody else leads now comes first, then what lost most."""
        return bool(self.moves), max((each.share for each in self.losses), default=0.0)

    @property
    def text(self) -> str:
        if not self.losses:
            return ", ".join(_moved(move, some) for move, some in self.moves.items())
        worst = max(self.losses, key=lambda each: each.share)
        more = len(self.losses) - 1
        others = f"{counted(more, 'more claim')} about it {'is' if more == 1 else 'are'} worse"
        known = [each.claim for each in self.losses]
        led = [_leads(move, some, known) for move, some in self.moves.items()]
        return ", ".join([worst.text, *([f"and {others}"] if more else []), *led])


def headline(claims: Sequence[ClaimRecord]) -> str:
    """``behaviour unchanged, mechanism regressed: head L25H2 lost 60 % of what it brings
    (recovery), L26H2 leads now``.

    What lost most is told, in three phrases at most, and what else is worse is counted. It is
    empty where all claims are new.
    """
    compared = [
        claim
        for claim in claims
        if claim.comparison is not None and claim.comparison.change not in _UNSAID
    ]
    behaviour = [claim for claim in compared if claim.family == "behaviour"]
    mechanism = [claim for claim in compared if claim.family != "behaviour"]
    sides = {"behaviour": behaviour, "mechanism": mechanism}
    said = [f"{side} {_whole(some)}" for side, some in sides.items() if some]
    details = "; ".join(_details(behaviour, mechanism))
    return ", ".join(said) + (f": {details}" if details else "")


def _details(behaviour: Sequence[ClaimRecord], mechanism: Sequence[ClaimRecord]) -> Iterator[str]:
    """The most important first; of behaviour one thing at least, where there is any."""
    outside, inside = _news(behaviour, by_component=False), _news(mechanism, by_component=True)
    first = max(1, PHRASES - len(inside))
    second = PHRASES - len(outside[:first])
    told = [*outside[:first], *inside[:second]]
    yield from (each.text for each in told)
    known = {id(claim) for each in told for claim in each.claims}
    rest = {
        id(claim): _is_worse(claim)
        for each in (*outside[first:], *inside[second:])
        for claim in each.claims
        if id(claim) not in known
    }
    worse = sum(rest.values())
    moved = len(rest) - worse
    other = "more claim" if told else "claim"
    if moved:
        yield f"{counted(moved, other)} moved"
    if worse:
        yield f"{counted(worse, other)} {'is' if worse == 1 else 'are'} worse"


def _news(claims: Sequence[ClaimRecord], *, by_component: bool) -> list[_News]:
    found: dict[str, _News] = {}
    for claim in claims:
        move = _move(claim)
        if move is not None:
            found.setdefault(move.then, _News()).moves.setdefault(move, []).append(claim)
        if _is_worse(claim) and not (move and _is_of_leader(claim)):
            one = loss(claim, by_component=by_component)
            key = one.component.key if one.component else f"{claim.where} {claim.id}"
            found.setdefault(key, _News()).losses.append(one)
    return sorted(found.values(), key=lambda each: each.importance, reverse=True)


def _is_worse(claim: ClaimRecord) -> bool:
    return claim.comparison is not None and claim.comparison.change in WORSE


def _is_of_leader(claim: ClaimRecord) -> bool:
    """Whether its figure is of the one who leads now, against that of the one who led."""
    found = telling(claim)
    return found is not None and found[1].was is not None


def _move(claim: ClaimRecord) -> _Move | None:
    """Who leads now, where another did and the claim is worse or moved."""
    one = claim.comparison
    if one is None or one.change not in (*WORSE, Change.MOVED):
        return None
    if one.led is not None:
        return _Move(*one.led, leads=True)
    if one.moved is not None:
        return _Move(*one.moved, leads=not any(", " in side for side in one.moved))
    return None


def _moved(move: _Move, claims: Sequence[ClaimRecord]) -> str:
    """``L1H3 leads now in place of L1H1 in some-mover, with 40 % less strength``."""
    verb = " leads" if move.leads else ""
    said = f"{short(move.now)}{verb} now in place of {short(move.then)} in {_named(claims)}"
    found = telling(claims[0]) if len(claims) == 1 else None
    if found is None or not lost(found[1]):
        return said
    return f"{said}, with {100 * lost(found[1]):.0f} % less {printable(statistic_of(found[0]))}"


def _leads(move: _Move, claims: Sequence[ClaimRecord], known: Sequence[ClaimRecord]) -> str:
    """The same after what the one who led has lost; ``known`` are the claims told of before."""
    where = "" if {*map(id, claims)} <= {*map(id, known)} else f" in {_named(claims)}"
    return f"{short(move.now)}{' leads' if move.leads else ''} now{where}"


def _named(claims: Sequence[ClaimRecord]) -> str:
    """``pain-mover and 4 more``."""
    more = f" and {len(claims) - 1} more" if len(claims) > 1 else ""
    return printable(claims[0].id) + more


def _whole(claims: Sequence[ClaimRecord]) -> str:
    changes = Counter(claim.comparison.change for claim in claims if claim.comparison is not None)
    worst = next((each for each in WORST_FIRST if each in changes), Change.NEW)
    if Change.MOVED in changes and worst is not Change.MOVED:
        return f"{Change.MOVED} and {worst}"
    if worst is Change.UNCERTAIN and Change.UNCHANGED in changes:
        return f"{Change.UNCHANGED} ({changes[worst]} {worst})"
    return str(worst)
