"""What every report says of claims: which figure decided, how many hold, what would decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ppcheck.judge.interval import MIN_UNITS
from ppcheck.judge.limits import FIXED
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.answers import LOW
from ppcheck.record.leading import statistic_of
from ppcheck.record.run import ClaimRecord, StatisticRecord
from ppcheck.report.text import counted, in_words, number, printable
from ppcheck.spec.expectations.bound import Bound

MARKS = {
    Verdict.HOLDS: "✓",
    Verdict.MOVED: "→",
    Verdict.FAILS: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_APPLICABLE: "-",
    Verdict.ERROR: "!",
}


CORRECTIONS = {"max_t": "max-T", "bonferroni": "Bonferroni", "holm": "Holm", "bh": "BH"}


def urgency(statistic: StatisticRecord) -> int:
    order = [Verdict.FAILS, Verdict.INCONCLUSIVE, Verdict.HOLDS, None]
    return order.index(statistic.verdict)


def slack(statistic: StatisticRecord) -> float:
    """How far the estimate lies on the right side of the nearest edge of its bound."""
    if statistic.bound is None:
        return 0.0
    bound, estimate = Bound.parse(statistic.bound), statistic.estimate
    return min(estimate - bound.low, bound.high - estimate)


def chosen(claim: ClaimRecord) -> tuple[str, ...] | None:
    """Who plays the claim's role, or was chosen by looking; None where nobody is looked for."""
    facts = claim.facts
    if facts.players is None:
        return facts.kept if facts.looked_at else None
    return facts.players


def most_telling_first(claim: ClaimRecord) -> list[tuple[str, StatisticRecord]]:
    """Its statistics: the judged ones, worst first, then the others."""
    return sorted(claim.statistics.items(), key=lambda item: (urgency(item[1]), slack(item[1])))


def sample_text(claim: ClaimRecord) -> str:
    facts = claim.facts
    if claim.is_fixed:
        return f"{facts.prompts} prompts, which are all there is"
    shared = ", ".join(facts.unit) or "each prompt is one"
    units = f"{facts.units} independent units ({printable(shared)})"
    return f"{facts.prompts} prompts in {units}"


def advice(claim: ClaimRecord) -> list[str]:
    """What would decide an inconclusive claim."""
    if claim.verdict is not Verdict.INCONCLUSIVE or claim.is_fixed:
        return []
    judged = [s for s in claim.statistics.values() if s.verdict is Verdict.INCONCLUSIVE]
    if few := [s.n for s in judged if s.n < MIN_UNITS]:
        halved = ", and `top` judges on half of them" if claim.facts.looked_at else ""
        shared = ", ".join(claim.facts.unit) or "the grid"
        advice = f"{min(few)} independent units are too few, {MIN_UNITS} are needed{halved}"
        return [f"{advice}: more words for {shared} make more units"]
    wanted = [s.more_units for s in judged if s.more_units]
    if not wanted or len(wanted) < len(judged):
        return []  # for one of them no number of units can be given
    more = max(wanted)
    if claim.facts.looked_at:
        both = f"about {2 * more:,} more independent units would decide it"
        return [f"{both}: {more:,} to judge on, and as many to choose by"]
    return [f"about {more:,} more independent units would decide it"]


def tally(claims: Sequence[ClaimRecord]) -> str:
    """``14 hold, 2 fail, 1 error``."""
    words = {
        Verdict.HOLDS: ("holds", "hold"),
        Verdict.MOVED: ("moved", "moved"),
        Verdict.FAILS: ("fails", "fail"),
        Verdict.INCONCLUSIVE: ("inconclusive", "inconclusive"),
        Verdict.ERROR: ("error", "errors"),
        Verdict.NOT_APPLICABLE: ("not applicable", "not applicable"),
    }
    counts = Counter(claim.verdict for claim in claims)
    return f"{counted(len(claims), 'claim')}: {in_words(counts, words)}"


def slow_models(claims: Sequence[ClaimRecord]) -> list[str]:
    """A line for each model whose patches were not replayed: why, and what that costs."""
    slow: dict[tuple[str, str], list[ClaimRecord]] = {}
    for claim in claims:
        if (why := claim.facts.no_replay) is not None:
            slow.setdefault((claim.model, why), []).append(claim)
    return [
        f"{printable(model)} cannot be replayed, so that {counted(len(some), 'claim')} took whole "
        f"forward passes, which are as exact and {_toll(some)}: {printable(why)}"
        for (model, why), some in slow.items()
    ]


def cautions(claims: Sequence[ClaimRecord]) -> list[str]:
    """Lines about claims that hold and may say less than they seem to, or are of rare answers."""
    masses = [(claim, claim.facts.mass) for claim in claims if claim.facts.mass is not None]
    named = [f"{printable(claim.id)} ({number(mass)})" for claim, mass in masses if mass < LOW]
    what = "the model hardly ever gives the choices, so that these claims are about rare answers"
    lines = [f"{what}: {', '.join(named)}"] if named else []
    said: dict[str, list[str]] = {}
    for claim in claims:
        for caution in claim.cautions:
            said.setdefault(printable(caution), []).append(printable(claim.id))
    return [*lines, *(f"caution, {', '.join(ids)}: {caution}" for caution, ids in said.items())]


def _toll(claims: Sequence[ClaimRecord]) -> str:
    """How much more whole passes took than replays would have."""
    work = [claim.facts.work for claim in claims]
    whole, replayed = (sum(each) for each in zip(*work, strict=True))
    return f"{whole / replayed:.1f} times the work or more" if replayed else "more work"


def cells(claim: ClaimRecord) -> tuple[str, str, str]:
    """Measured, expected and n of the statistic that decided the claim; or else its reason."""
    decided = deciding(claim)
    if decided is None:
        return printable((claim.reason or "").removeprefix(f"{claim.where}: ")), "", ""
    name, statistic = decided
    measured = f"{printable(name)} {with_interval(statistic)}"
    return measured, statistic.bound or "", amount(statistic)


def amount(statistic: StatisticRecord) -> str:
    """``n=40`` independent units, or ``all 72`` examples where there are no others."""
    if statistic.method == FIXED:
        return f"all {len(statistic.values):,}"
    return f"n={statistic.n:,}"


def level(statistic: StatisticRecord) -> str:
    """``95 %``, or ``exact`` where the interval is rounding alone."""
    return "exact" if statistic.method == FIXED else f"{100 * statistic.confidence:.4g} %"


def with_interval(statistic: StatisticRecord) -> str:
    """``0.39 [0.35, 0.44]``."""
    interval = f"[{number(statistic.low, '-∞')}, {number(statistic.high)}]"
    return f"{number(statistic.estimate)} {interval}"


def deciding(claim: ClaimRecord) -> tuple[str, StatisticRecord] | None:
    """The statistic that decided the claim; None where a reason says more, or none was judged."""
    return None if claim.reason else most_telling(claim)


def most_telling(claim: ClaimRecord) -> tuple[str, StatisticRecord] | None:
    """The same, whatever the reason: of what is expected, the first that is worst."""
    judged = [(n, s) for n, s in claim.statistics.items() if s.verdict is not None]
    if claim.passes:  # whoever was expected to play a role
        judged = [(n, s) for n, s in judged if s.verdict is Verdict.HOLDS]
    order = list(claim.expect)

    def importance(item: tuple[str, StatisticRecord]) -> tuple[int, int, float]:
        name, statistic = item
        expected = statistic_of(name)
        place = order.index(expected) if expected in order else len(order)
        return urgency(statistic), place, slack(statistic)

    return min(judged, key=importance, default=None)
