from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ppcheck.judge.verdict import Verdict, judge
from ppcheck.measure.core.check import Bench
from ppcheck.measure.plan import plan
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Proportion
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.store import Memory
from tests.measure.lab import (
    Model,
    Plant,
    bench,
    by_name,
    claim,
    estimates,
    game,
    ids,
    problems,
    read_back,
    saying,
    texts_of,
    verdict,
)

Planted = Callable[[Plant], Model]
OUTCOMES = {"a": r"\bA\b", "b": r"\bB\b"}
ALWAYS_A = saying({"so": {"A": 1}, "A": {"on": 1}, "on": {".": 1}})
MOSTLY_A = saying({"so": {"A": 0.7, "B": 0.3}, "A": {".": 1}, "B": {".": 1}})
THINKS = saying({"so": {"A": 1}, "A": {"then": 1}, "then": {"B": 1}, "B": {".": 1}})
SPREAD = game(unit=["start", "strength"])


def reply(**fields: Any) -> Any:
    return claim("reply", **{"tokens": 6, "outcomes": OUTCOMES, **fields})


def test_a_reply_is_read_until_the_model_ends_it(planted: Planted) -> None:
    found = reply().measure(bench(planted(ALWAYS_A)))
    assert estimates(found) == {"rate(a)": 1, "rate(b)": 0, "rate(other)": 0}
    of_a = read_back(found.facts).replies["a"]
    assert (of_a.count, [one.reply for one in of_a.shown]) == (96, ["A on"])
    assert of_a.shown[0].prompt == "here we feel mild pain so"
    assert found.notes == ()


def test_a_claim_holds_and_fails_where_the_model_says_something_else(planted: Planted) -> None:
    wanted = reply(expect={"rate(a)": ">= 0.6"})
    assert verdict(wanted, bench(planted(ALWAYS_A), SPREAD)) == Verdict.HOLDS
    always_b = saying({"so": {"B": 1}, "B": {".": 1}})
    assert verdict(wanted, bench(planted(always_b), SPREAD)) == Verdict.FAILS
    nothing = saying({"so": {".": 1}})
    assert verdict(wanted, bench(planted(nothing), SPREAD)) == Verdict.FAILS


def test_drawn_replies_are_those_that_their_numbers_choose(planted: Planted) -> None:
    on = bench(planted(MOSTLY_A))
    found = by_name(reply(samples=5).measure(on))["rate(a)"]
    chosen = [
        np.random.default_rng(int(digest(0, ids(text)[0].tolist(), number), 16)).random(6)[0] < 0.7
        for text in texts_of(on)
        for number in range(5)
    ]
    np.testing.assert_array_equal(found.contributions, chosen)
    assert 0.6 < np.mean(chosen) < 0.8
    assert found.examples[0] == f"{texts_of(on)[0]} → {'A' if chosen[0] else 'B'}"


def test_a_low_temperature_takes_what_is_likelier_and_a_high_one_either(planted: Planted) -> None:
    on = bench(planted(MOSTLY_A))
    rates = [
        estimates(reply(samples=9, temperature=at).measure(on))["rate(a)"] for at in (0.05, 1, 3)
    ]
    odds = (0.7 / 0.3) ** (1 / 3)
    assert rates[0] == 1
    assert rates[1:] == pytest.approx([0.7, odds / (1 + odds)], abs=0.05)


def test_a_seed_draws_the_same_replies_and_another_one_others(planted: Planted) -> None:
    on = bench(planted(MOSTLY_A))
    drawn = [
        by_name(reply(samples=3).measure(replace(on, seed=seed)))["rate(a)"].contributions.tolist()
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_n_counts_units_and_no_replies(planted: Planted) -> None:
    statistic = by_name(reply(samples=4).measure(bench(planted(MOSTLY_A))))["rate(a)"].statistic
    assert isinstance(statistic, Proportion)
    assert (statistic.n_units, len(statistic.values())) == (6, 384)


def test_its_interval_is_the_exact_one_of_so_many_units(planted: Planted) -> None:
    statistic = by_name(reply(samples=4).measure(bench(planted(ALWAYS_A))))["rate(a)"].statistic
    (found,) = judge([statistic], {"rate(a)": Bound.parse("> 0.5")}, seed=0).findings
    assert found.estimate.method == "exact"
    assert found.estimate.low == pytest.approx(0.025 ** (1 / 6))


def test_the_last_match_counts_where_it_is_asked_for_and_what_follows_a_marker(
    planted: Planted,
) -> None:
    on = bench(planted(THINKS))
    assert estimates(reply().measure(on))["rate(a)"] == 1
    assert estimates(reply(match="last").measure(on))["rate(b)"] == 1
    assert estimates(reply(after="then").measure(on))["rate(b)"] == 1
    found = reply(after="now").measure(on)
    assert estimates(found)["rate(other)"] == 1
    assert found.notes == ("96 of 96 replies have no 'now', and so are `other`",)


def test_what_is_cut_off_before_it_says_anything_is_told(planted: Planted) -> None:
    on = bench(planted(THINKS))
    wanted = reply(tokens=1, outcomes={"b": "B"})
    found = wanted.measure(on)
    assert found.notes == ("96 of 96 replies were cut off at 1 token",)
    (doubt,) = wanted.doubts(on, found)
    assert doubt.startswith("100% of the replies were cut off at 1 token before any outcome")
    decided = reply(tokens=1)
    assert list(decided.doubts(on, decided.measure(on))) == []


def test_a_plan_knows_how_many_replies_are_to_be_written(planted: Planted) -> None:
    on, store, wanted = bench(planted(MOSTLY_A)), Memory(), reply(samples=2, tokens=4)
    before = plan(on.subject, {"it": (wanted, on.grid)}, store)
    memo = Memo(on.subject, store)
    wanted.measure(Bench(memo, on.grid, 0))
    assert before.asked == before.to_measure == memo.asked == 192
    assert before.replayed.tolist() == [192 * 3 + 96 * 6 - before.distinct_tokens] * 2
    assert before.flops > 0
    more = reply(samples=3, tokens=4)
    assert plan(on.subject, {"it": (more, on.grid)}, store).to_measure == 96


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"outcomes": {"a": "(?!x)"}}, "outcomes.a", "no look-around"),
        ({"outcomes": {"other": "x"}}, "outcomes.other", "another name"),
        ({"temperature": 0.5}, "temperature", "without `samples`"),
        ({"expect": {"rate(c)": "> 0.5"}}, "expect.rate(c)", "did you mean 'rate(b)'"),
        ({"expect": {"rate(a)": ">= 0"}}, "expect.rate(a)", "give a bound that can fail"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(reply(**fields))[key]
