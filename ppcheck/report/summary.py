"""What is said of a run as a whole, once for all reports: what does not pass comes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, Outcome, outcome_of
from ppcheck.report.claims import MARKS, tally
from ppcheck.report.gate import tally_of_changes
from ppcheck.report.headline.sentence import headline
from ppcheck.report.text import counted

Cause = Change | Verdict | None
"""Why a claim does not pass; None where pytest says so for a reason of its own."""

_WORDS: dict[Cause, tuple[str, str]] = {
    Verdict.ERROR: ("could not be measured", "could not be measured"),
    Change.NO_LONGER_MEASURED: ("is no longer measured", "are no longer measured"),
    Change.REGRESSED: ("regressed", "regressed"),
    Change.NO_LONGER_HOLDS: ("no longer holds", "no longer hold"),
    Verdict.FAILS: ("does not hold", "do not hold"),
    Verdict.INCONCLUSIVE: ("is undecided", "are undecided"),
    Verdict.MOVED: ("moved", "moved"),
    None: ("failed otherwise", "failed otherwise"),
}
_CAUSES = tuple(_WORDS)
_OTHERWISE = (Verdict.INCONCLUSIVE, Verdict.MOVED, Verdict.HOLDS)
_NEWS = (
    *(Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.NO_LONGER_MEASURED),
    *(Change.MOVED, Change.NOT_COMPARABLE, Change.GONE, Change.IMPROVED),
)
_BROKEN = (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True)
class Summary:
    """A run in words.

    ``sentence`` is what a reader should know first; ``outcomes`` are pytest's own counts, and
    ``tally`` has the verdicts. ``changes`` and ``sides`` are None where nothing was compared.
    ``state`` is the verdict whose mark the run gets.
    """

    state: Verdict
    sentence: str
    outcomes: str
    tally: str
    changes: str | None
    sides: str | None

    @property
    def mark(self) -> str:
        return MARKS[self.state]

    @property
    def lines(self) -> list[str]:
        """All of it, the most important first."""
        found = (self.sentence, f"{self.tally} ({self.outcomes})", self.sides, self.changes)
        return [line for line in found if line]


def summary(claims: Sequence[ClaimRecord]) -> Summary:
    broken = Counter(cause_of(claim) for claim in claims if is_broken(claim))
    baseline = next((c.comparison.baseline for c in claims if c.comparison), None)
    outcomes = Counter(map(outcome, claims))
    return Summary(
        state=_state(claims, broken),
        sentence=_sentence(claims, broken),
        outcomes=", ".join(f"{outcomes[o]} {o}" for o in Outcome if outcomes[o]) or "nothing ran",
        tally=tally(claims),
        changes=None if baseline is None else tally_of_changes(claims, baseline),
        sides=headline(claims) or None,
    )


def outcome(claim: ClaimRecord) -> Outcome:
    """What pytest said of it, or would have said in a record that does not say."""
    return claim.outcome or outcome_of(claim)


def is_broken(claim: ClaimRecord) -> bool:
    return outcome(claim) in _BROKEN


def cause_of(claim: ClaimRecord) -> Cause:
    """Why a claim does not pass: what became of it since its baseline, or else its verdict."""
    change = None if claim.comparison is None else claim.comparison.change
    if change in WORSE:
        return change
    return claim.verdict if claim.verdict in _WORDS else None


def rank(claim: ClaimRecord) -> tuple[int, int]:
    """How soon a reader should see the claim: what does not pass first, then what changed."""
    change = None if claim.comparison is None else claim.comparison.change
    later = _NEWS.index(change) if change in _NEWS else len(_NEWS)
    if is_broken(claim):
        return _CAUSES.index(cause_of(claim)), later
    place = _OTHERWISE.index(claim.verdict) if claim.verdict in _OTHERWISE else len(_OTHERWISE)
    return len(_CAUSES) + place, later


def _sentence(claims: Sequence[ClaimRecord], broken: Counter[Cause]) -> str:
    asked = [claim for claim in claims if outcome(claim) is not Outcome.SKIPPED]
    if not asked:
        return "No claim was measured"
    if broken and len(asked) == 1:
        (cause,) = broken
        return f"The one claim {_WORDS[cause][0]}"
    if broken:
        causes = (
            f"{broken[cause]} {one if broken[cause] == 1 else many}"
            for cause, (one, many) in _WORDS.items()
            if broken[cause]
        )
        does = "does" if broken.total() == 1 else "do"
        some = f"{broken.total()} of {counted(len(asked), 'claim')} {does} not pass"
        return f"{some}: {', '.join(causes)}"
    left = sum(outcome(claim) is Outcome.XFAILED for claim in asked)
    if left:
        are = "is undecided" if left == 1 else "are undecided"
        return f"{len(asked) - left} of {counted(len(asked), 'claim')} hold, {left} {are}"
    moved = sum(claim.verdict is Verdict.MOVED for claim in asked)
    by = f", {moved} by another component than named" if moved else ""
    return f"{'The one claim holds' if len(asked) == 1 else f'All {len(asked)} claims hold'}{by}"


def _state(claims: Sequence[ClaimRecord], broken: Counter[Cause]) -> Verdict:
    """The worst there is: what could not be measured, what is not so, what is open."""
    if broken[Verdict.ERROR] or broken[Change.NO_LONGER_MEASURED]:
        return Verdict.ERROR
    if set(broken) - {Verdict.INCONCLUSIVE}:
        return Verdict.FAILS
    verdicts = {claim.verdict for claim in claims}
    if broken or Verdict.INCONCLUSIVE in verdicts:
        return Verdict.INCONCLUSIVE
    order = (Verdict.MOVED, Verdict.HOLDS)
    return next((each for each in order if each in verdicts), Verdict.NOT_APPLICABLE)
