"""What a claim lost, in words: ``head L26H2 lost 41 % of what it brings (recovery)``."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.judge.compare import Change
from ppcheck.record.leading import member_of, statistic_of
from ppcheck.record.run import ClaimRecord, ComparedStatistic
from ppcheck.report.gate import compared_title, telling
from ppcheck.report.headline.component import Component, component_of
from ppcheck.report.text import number, printable

_ALL = 0.995
_NEXT_TO_NOTHING = -0.1
"""What is left of a figure, as a share of it, where only noise has turned its sign."""
_EFFECTS = {"recovery": "what it brings", "damage": "what is needed of it"}
_NEEDED = dict.fromkeys(("drop", "drop_share", "excess"), "what is needed of it")
_READ = ("accuracy", "auroc", "r2", "over_words", "over_shuffled")
_WHAT: dict[str, dict[str, str]] = {
    "patch": _EFFECTS,
    "ablate": _NEEDED,
    "direction_ablation": _NEEDED,
    "attribution": dict.fromkeys(("attribution", "share"), "what it adds to the logits"),
    "neuron": _EFFECTS | {"auroc": "what it tells apart", "correlation": "how it follows the dose"},
    "probe": dict.fromkeys(_READ, "what a probe reads there"),
    "role": _EFFECTS,
    "steer": dict.fromkeys(("effect", "slope", "spearman", "excess"), "what it steers"),
}
"""What of its component a check's statistic measures; other statistics are the claim's own."""
_TOLD = {"recovery": "what it tells", "damage": "what is needed of what it tells"}
_ATTENDS = {"attention": ("attends.to", "to"), "against": ("against",)}
"""Where a claim names the tokens that its head looks at."""
_WITHOUT_FIGURE = {
    Change.REGRESSED: "regressed",
    Change.NO_LONGER_HOLDS: "no longer holds",
    Change.NO_LONGER_MEASURED: "is no longer measured",
}


@dataclass(frozen=True)
class Loss:
    """What is said of one claim that is worse.

    ``share`` of its figure is gone, 0 where none is. ``component`` is None where it is about
    several, or none.
    """

    claim: ClaimRecord
    component: Component | None
    share: float
    text: str


def loss(claim: ClaimRecord, *, by_component: bool) -> Loss:
    """``by_component`` names the component where there is one, instead of the claim."""
    found, label = telling(claim), printable(claim.id)
    if found is None:
        change = None if claim.comparison is None else claim.comparison.change
        became = "" if change is None else f" {_WITHOUT_FIGURE.get(change, change)}"
        return Loss(claim, None, 0.0, f"{label}{became}")
    name, one = found
    about = component_of(claim, name) if by_component and one.was is None else None
    what = None if about is None else _of(claim, name, about)
    if about is None or what is None:
        return Loss(claim, None, lost(one), _of_claim(label, name, one))
    return Loss(claim, about, lost(one), _of_component(about, what, name, one))


def lost(one: ComparedStatistic) -> float:
    """The share of its figure that is gone; 1 where all is, 0 where it grew or turned its sign."""
    left = one.new / one.old if one.old else 1.0
    return min(1 - left, 1.0) if _NEXT_TO_NOTHING <= left <= 1 else 0.0


def _of_component(about: Component, what: str, name: str, one: ComparedStatistic) -> str:
    if share := lost(one):
        return f"{about.words} lost {_share(share)} of {what}"
    whose = f"the path from {about.words} to {about.tells}" if about.tells else about.words
    course = f"went from {number(one.old)} to {number(one.new)}"
    return f"{printable(statistic_of(name))} of {whose} {course}"


def _of_claim(label: str, name: str, one: ComparedStatistic) -> str:
    """``mover lost 60 % of its recovery``, ``mover: recovery 0.5 → 0.8``."""
    share = 0.0 if one.was else lost(one)
    if not share:
        return f"{label}: {compared_title(name, one)} {number(one.old)} → {number(one.new)}"
    member = member_of(name)
    who = f"{label}: {printable(member)}" if member else label
    return f"{who} lost {_share(share)} of its {printable(statistic_of(name))}"


def _share(share: float) -> str:
    return "all" if share >= _ALL else f"{100 * share:.0f} %"


def _of(claim: ClaimRecord, name: str, about: Component) -> str | None:
    """What of the component the statistic measures; None where it is not the component's own."""
    statistic = statistic_of(name)
    if statistic in _ATTENDS and claim.check in ("attention", "role"):
        goal = next(filter(None, map(claim.measures.get, _ATTENDS[statistic])), claim.facts.to)
        return f"its attention to {printable(goal)}" if goal else "its attention"
    if claim.check == "role" and statistic in ("strength", "played_by"):
        return f"its strength in the role {printable(claim.id)}"
    if about.tells:
        what = f"{_TOLD[statistic]} {about.tells}" if statistic in _TOLD else None
    else:
        what = _WHAT.get(claim.check, {}).get(statistic)
    return None if what is None else f"{what} ({statistic})"
