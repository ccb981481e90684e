"""What one claim says of a map: which components it is about, where they stand, who tells whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ppcheck.judge.verdict import Verdict
from ppcheck.record.leading import member_of, statistic_of
from ppcheck.record.run import ClaimRecord, StatisticRecord
from ppcheck.report.claims import chosen, deciding, urgency, with_interval
from ppcheck.report.evidence import state
from ppcheck.report.map.sites import (
    ANYWHERE,
    FINAL,
    MOST_OF_ONE,
    THE_LOGITS,
    At,
    Component,
    columns,
    components,
    direction_at,
    token_below,
)
from ppcheck.report.pictures import moved_from_to
from ppcheck.report.text import printable
from ppcheck.spec.expectations.bound import Bound

TELLS = " → "
MOST_PATHS = 100
"""Paths and edges that are drawn of one claim."""
_DIRECTIONS = frozenset({"steer", "direction_ablation"})
_ELSEWHERE = frozenset({"logit_lens", "flow"})
"""What is about the stream as a whole; of `flow` the map shows the heat."""
_NAMED_BY = ("played_by", "site", "nodes", "sender", "edges")
_LAST = 9
"""After every urgency there is."""
_Own = dict[str, tuple[str, StatisticRecord]]
_COMMA = re.compile(r",\s*(?![^\[]*\])")


@dataclass(frozen=True)
class Mention:
    """A component that a claim is about. ``figure`` is its own, empty where it is the claim's.

    ``leads`` where it is the best of those who play the claim's role, or were chosen by it.
    """

    at: At
    state: str
    figure: str = ""
    leads: bool = False


@dataclass(frozen=True)
class Telling:
    """``tail`` tells ``head``, along ``ports`` (a head's q, k, v); or ``head`` looks at a token."""

    tail: At
    head: At
    state: str
    figure: str = ""
    ports: tuple[str, ...] = ()
    looks_at: str = ""


@dataclass(frozen=True)
class Told:
    """What one claim says; ``denies`` where it expects next to nothing of what it names.

    ``order`` are pairs of columns, of which the first is read by the second and so stands before
    it. ``moves`` leads from who was expected to who is there.
    """

    mentions: tuple[Mention, ...]
    tellings: tuple[Telling, ...] = ()
    moves: tuple[tuple[At, At], ...] = ()
    order: tuple[tuple[str, str], ...] = ()
    denies: bool = False

    @property
    def size(self) -> int:
        return max(len(self.mentions), len(self.tellings))


@dataclass(frozen=True)
class _Ends:
    """Components and tellings as they are found; what stands twice is kept once."""

    mentions: dict[At, Mention] = field(default_factory=dict)
    tellings: dict[tuple[At, At], Telling] = field(default_factory=dict)


def told(claim: ClaimRecord) -> Told | None:
    """None where the claim is about no component, or not about this model."""
    if claim.verdict is Verdict.NOT_APPLICABLE or claim.check in _ELSEWHERE:
        return None
    own = _by_member(claim)
    names, places = _names(claim, own), _columns(claim)
    found = _Ends()
    for name in names:
        said = _seen(claim, own.get(name), is_alone=len(names) == 1)
        for at in _own_columns(name) or places:
            _add(found, claim, name, at, said)
    if not found.mentions and not found.tellings:
        return None
    return Told(
        mentions=tuple(found.mentions.values()),
        tellings=tuple(found.tellings.values()),
        moves=tuple(_moves(claim, places)),
        order=tuple(_order(claim, places)),
        denies=_denies(claim),
    )


def _by_member(claim: ClaimRecord) -> _Own:
    """Of each member the worst of its statistics."""
    found: _Own = {}
    for title, one in claim.statistics.items():
        member = member_of(title)
        if member and (member not in found or urgency(one) < urgency(found[member][1])):
            found[member] = title, one
    return found


def _names(claim: ClaimRecord, own: _Own) -> list[str]:
    """Sites and paths as the record names them, the most telling first where there are many."""
    facts = claim.facts
    if facts.players is not None:
        return list(facts.players) or _split(facts.played_by or "")
    named = list(facts.set_ or facts.kept)
    if not any(_is_drawn(claim, name) for name in named):
        named = [name for name in own if _is_drawn(claim, name)]
    if not named and claim.check != "localisation":
        named = _split(next(filter(None, map(claim.measures.get, _NAMED_BY)), ""))
    most = MOST_PATHS if any(TELLS in name for name in named) else MOST_OF_ONE
    if len(named) <= most:
        return named
    sizes = {name: abs(value or 0.0) for name, value in facts.effects.items()}

    def order(name: str) -> tuple[int, float]:
        return urgency(own[name][1]) if name in own else _LAST, -sizes.get(name, 0.0)

    return sorted(named, key=order)[:most]


def _best(claim: ClaimRecord) -> str | None:
    """Who plays the claim's role best, or was chosen first; None where nobody is looked for."""
    is_played = claim.passes or claim.verdict is Verdict.MOVED
    return next(iter(chosen(claim) or ()), None) if is_played else None


def _is_drawn(claim: ClaimRecord, name: str) -> bool:
    return any(_of(claim, end) for each in _split(name) for end in each.split(TELLS))


def _of(claim: ClaimRecord, name: str) -> tuple[Component, ...]:
    """The components that a name in the claim's record stands for."""
    return components(name.partition(" at ")[0], tuple(claim.facts.features.items()))


def _split(name: str) -> list[str]:
    """``[L1H*, mlp_out.L[0-1]]`` as its two parts."""
    inside = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    return [part for part in _COMMA.split(inside) if part]


def _own_columns(name: str) -> tuple[str, ...]:
    """Of a probe's input that is named with its token, ``resid_post.L2 at final``."""
    _, at, position = name.partition(" at ")
    return columns(position) if at else ()


def _columns(claim: ClaimRecord) -> tuple[str, ...]:
    """Where its components act."""
    facts, measures = claim.facts, claim.measures
    if claim.check == "role":
        return columns(measures.get("attends.from") or measures.get("effect.position") or FINAL)
    if claim.check == "attention":
        return columns(facts.from_ or measures.get("from") or FINAL)
    position = facts.extras.get("position") or measures.get("position")
    if position is None and claim.check in ("path", "circuit", "ablate", "direction_ablation"):
        return (ANYWHERE,)
    return columns(str(position or FINAL))


def _looked_at(claim: ClaimRecord) -> str:
    """The position that its heads are said to look at; empty where none is."""
    if claim.check == "attention":
        return claim.facts.to or claim.measures.get("to", "")
    return claim.measures.get("attends.to", "")


def _add(found: _Ends, claim: ClaimRecord, name: str, column: str, said: tuple[str, str]) -> None:
    """``said`` is the state and the figure."""
    for each in _split(name):
        if TELLS in each:
            _add_path(found, claim, each, column, said)
            continue
        for component in _of(claim, each):
            drawn = direction_at(component) if claim.check in _DIRECTIONS else component
            at = At(drawn, column)
            found.mentions.setdefault(at, Mention(at, *said, leads=name == _best(claim)))
            for read in columns(goal) if (goal := _looked_at(claim)) else ():
                tail = token_below(component, read)
                link = Telling(tail, at, *said, looks_at=goal)
                found.tellings.setdefault((tail, at), link)


def _add_path(
    found: _Ends, claim: ClaimRecord, path: str, column: str, said: tuple[str, str]
) -> None:
    sender, receiver = path.split(TELLS, 1)
    for one in _of(claim, sender):
        tail = At(one, column)
        found.mentions.setdefault(tail, Mention(tail, *said))
        for end in _split(receiver):
            for other in _of(claim, end):
                if other.row < one.row:
                    continue
                head = _receiving(other, column)
                known = found.tellings.get((tail, head))
                ports = dict.fromkeys((*(known.ports if known else ()), *_port(end)))
                state, figure = said if known is None else (known.state, known.figure)
                link = Telling(tail, head, state, figure, tuple(ports))
                found.tellings[tail, head] = link
                if head != THE_LOGITS:
                    found.mentions.setdefault(head, Mention(head, *said))


def _receiving(component: Component, column: str) -> At:
    """An MLP reads its own token; at which token a head reads what it is told, no path says."""
    if component.shape == "logits":
        return THE_LOGITS
    return At(component, column if component.shape == "mlp" else ANYWHERE)


def _port(receiver: str) -> Iterator[str]:
    head, dot, port = receiver.partition(".")
    if dot and head.startswith("L"):
        yield port


def _seen(
    claim: ClaimRecord, own: tuple[str, StatisticRecord] | None, *, is_alone: bool
) -> tuple[str, str]:
    """The state and the figure of one of those that the claim names; empty where it has none.

    One of a family has the verdict of its own; who plays a role has that of the role.
    """
    if own is None:
        return state(claim), ""
    title, one = own
    figure = printable(f"{statistic_of(title)} {with_interval(one)}")
    is_shared = is_alone or one.verdict is None or claim.facts.players is not None
    return state(claim) if is_shared else str(one.verdict), figure


def _moves(claim: ClaimRecord, places: Sequence[str]) -> Iterator[tuple[At, At]]:
    pair = moved_from_to(claim)
    if pair is None:
        return
    then, now = (list(_senders(claim, side)) for side in pair)
    for number, one in enumerate(then):
        for at in places if now else ():
            yield At(one, at), At(now[min(number, len(now) - 1)], at)


def _senders(claim: ClaimRecord, names: str) -> Iterable[Component]:
    for name in _split(names):
        yield from _of(claim, name.split(TELLS)[0])


def _order(claim: ClaimRecord, places: Sequence[str]) -> Iterator[tuple[str, str]]:
    goal = _looked_at(claim)
    for read in columns(goal) if goal else ():
        yield from ((read, at) for at in places if read != at)


def _denies(claim: ClaimRecord) -> bool:
    """Whether its bound has zero inside and an end above it: that there is little, or nothing."""
    decided = deciding(claim)
    if decided is None or decided[1].bound is None:
        return False
    bound = Bound.parse(decided[1].bound)
    return bound.contains(0.0) and bound.high != float("inf")
