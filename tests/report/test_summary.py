"""What is said of a run as a whole: the same counts as pytest's, what does not pass first."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, Comparison, Outcome, outcome_of
from ppcheck.report.github import commands
from ppcheck.report.html import run_page
from ppcheck.report.markdown import escaped, markdown
from ppcheck.report.summary import is_broken, outcome, rank, summary
from ppcheck.report.terminal import table
from tests.report.runs import claim, difference, run


def claims(*some: tuple[Verdict, Change | None]) -> list[ClaimRecord]:
    return [
        claim(
            verdict,
            id=f"claim-{place}",
            comparison=None if change is None else difference(change),
        )
        for place, (verdict, change) in enumerate(some)
    ]


@pytest.mark.trust
@pytest.mark.parametrize(
    ("some", "said", "state"),
    [
        ([(Verdict.HOLDS, None)] * 6, "All 6 claims hold", Verdict.HOLDS),
        (
            [(Verdict.HOLDS, Change.REGRESSED), *[(Verdict.HOLDS, Change.UNCHANGED)] * 5],
            "1 of 6 claims does not pass: 1 regressed",
            Verdict.FAILS,
        ),
        (
            [(Verdict.FAILS, None), *[(Verdict.INCONCLUSIVE, None)] * 2, (Verdict.HOLDS, None)],
            "3 of 4 claims do not pass: 1 does not hold, 2 are undecided",
            Verdict.FAILS,
        ),
        (
            [(Verdict.NOT_APPLICABLE, Change.NO_LONGER_MEASURED), (Verdict.HOLDS, None)],
            "1 of 2 claims does not pass: 1 is no longer measured",
            Verdict.ERROR,
        ),
        (
            [(Verdict.FAILS, Change.REGRESSED), (Verdict.ERROR, None), (Verdict.HOLDS, None)],
            "2 of 3 claims do not pass: 1 could not be measured, 1 regressed",
            Verdict.ERROR,
        ),
        (
            [(Verdict.MOVED, Change.MOVED), (Verdict.HOLDS, None)],
            "All 2 claims hold, 1 by another component than named",
            Verdict.MOVED,
        ),
        ([(Verdict.INCONCLUSIVE, None)], "The one claim is undecided", Verdict.INCONCLUSIVE),
        ([(Verdict.HOLDS, Change.REGRESSED)], "The one claim regressed", Verdict.FAILS),
        ([(Verdict.NOT_APPLICABLE, None)], "No claim was measured", Verdict.NOT_APPLICABLE),
        ([(Verdict.NOT_APPLICABLE, Change.GONE)], "No claim was measured", Verdict.NOT_APPLICABLE),
    ],
)
def test_one_sentence_says_what_does_not_pass_and_why(
    some: list[tuple[Verdict, Change | None]], said: str, state: Verdict
) -> None:
    found = summary(claims(*some))
    assert (found.sentence, found.state) == (said, state)


@pytest.mark.trust
def test_all_outputs_say_the_same_of_a_run() -> None:
    some = claims(
        (Verdict.HOLDS, Change.REGRESSED),
        (Verdict.INCONCLUSIVE, Change.NO_LONGER_HOLDS),
        (Verdict.NOT_APPLICABLE, Change.NO_LONGER_MEASURED),
        (Verdict.HOLDS, Change.UNCHANGED),
    )
    lines = summary(some).lines
    assert lines == [
        "3 of 4 claims do not pass: 1 is no longer measured, 1 regressed, 1 no longer holds",
        "4 claims: 2 hold, 1 inconclusive, 1 not applicable (2 failed, 1 passed, 1 error)",
        (
            "mechanism regressed: claim-0 lost 33 % of its recovery; claim-1 lost 33 % of its "
            "recovery; claim-2 is no longer measured"
        ),
        "against good.json: 1 regressed, 1 no longer holds, 1 no longer measured, 1 unchanged",
    ]
    terminal, written, told = table(some, colour=False), run_page(run(some)), commands(some)[0]
    for line in lines:
        assert f"{line}\n" in terminal
        assert escaped(line) in markdown(some)
        assert line in told.replace("%0A", "\n").replace("%25", "%")
    for line in (lines[0], lines[1], *re.split(": ", lines[2], maxsplit=1), lines[3]):
        assert line.lower() in written.lower()


@pytest.mark.trust
def test_what_does_not_pass_comes_first() -> None:
    some = claims(
        (Verdict.HOLDS, Change.IMPROVED),
        (Verdict.MOVED, Change.MOVED),
        (Verdict.HOLDS, Change.REGRESSED),
        (Verdict.NOT_APPLICABLE, None),
        (Verdict.FAILS, None),
        (Verdict.NOT_APPLICABLE, Change.NO_LONGER_MEASURED),
    )
    order = [one.id for one in sorted(some, key=rank)]
    assert order == [f"claim-{n}" for n in (5, 2, 4, 1, 0, 3)]
    rows = re.findall(r"claim\\-\d", markdown(some).partition("<details>")[0])
    assert rows[-4:] == [f"claim\\-{n}" for n in (5, 2, 4, 1)]


@pytest.mark.trust
def test_a_first_run_without_anything_to_compare_says_nothing_of_behaviour_and_mechanism() -> None:
    new = [
        one.model_copy(update={"comparison": Comparison(change=Change.NEW, baseline="good.json")})
        for one in claims((Verdict.HOLDS, None), (Verdict.HOLDS, None))
    ]
    assert summary(new).sides is None
    assert summary(new).changes == "against good.json: 2 new"
    assert summary(claims((Verdict.HOLDS, None))).changes is None


CLAIMS = st.lists(
    st.tuples(st.sampled_from(Verdict), st.none() | st.sampled_from(Change)), max_size=12
).map(lambda some: claims(*some))


@pytest.mark.trust
@settings(deadline=None)
@given(CLAIMS, st.booleans(), st.booleans())
def test_the_counts_are_always_those_of_pytest(
    some: list[ClaimRecord], blessing: bool, lenient: bool
) -> None:
    ran = [
        one.model_copy(update={"outcome": outcome_of(one, blessing=blessing, lenient=lenient)})
        for one in some
    ]
    found = summary(ran)
    counts = Counter(one.outcome for one in ran)
    told = {Outcome(word): int(n) for n, word in re.findall(r"(\d+) (\w+)", found.outcomes)}
    assert told == counts
    broken = counts[Outcome.FAILED] + counts[Outcome.ERROR]
    causes = re.findall(r"(\d+) ", found.sentence.partition(": ")[2])
    asked = len(ran) - counts[Outcome.SKIPPED]
    assert sum(map(int, causes)) == (broken if asked > 1 else 0)
    assert found.sentence.startswith(("All", "The one claim hold")) <= (broken == 0)


@pytest.mark.trust
@settings(deadline=None)
@given(st.sampled_from(Verdict), st.sampled_from(sorted(WORSE)), st.booleans())
def test_what_became_worse_never_passes_unless_it_is_blessed(
    verdict: Verdict, change: Change, lenient: bool
) -> None:
    (one,) = claims((verdict, change))
    found = outcome_of(one, lenient=lenient)
    undecided = verdict is Verdict.INCONCLUSIVE and change is Change.NO_LONGER_HOLDS
    assert found in (Outcome.FAILED, Outcome.ERROR) or (
        (lenient and undecided and found is Outcome.XFAILED)
        or (verdict is Verdict.NOT_APPLICABLE and change is not Change.NO_LONGER_MEASURED)
    )
    assert is_broken(one) == (outcome(one) in (Outcome.FAILED, Outcome.ERROR))
