from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.equivalence import equivalence
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.spec.expectations.bound import Bound
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    answering,
    bench,
    blind,
    by_name,
    claim,
    estimates,
    game,
    last,
    problems,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"
STARTS = GAME["vary"]["start"]
TWO = game(template=["{start} we feel {strength} {feeling} so", "{start} {feeling} we see so"])


def logit_diffs(model: Model, texts: list[str]) -> Floats:
    found = last(model, texts)
    return np.asarray(found[:, token("A")] - found[:, token("B")])


def rests() -> list[str]:
    strengths, feelings = GAME["vary"]["strength"]["ordered"], GAME["vary"]["feeling"]
    words = [word for some in feelings.values() for word in some]
    return [f"we feel {strength} {word} so" for strength in strengths for word in words]


def test_every_edit_is_compared_with_the_first_as_transformers_computes_it(tiny: Model) -> None:
    measurement = claim("invariance", metric=METRIC, over="start").measure(bench(tiny))
    values = np.array([logit_diffs(tiny, [f"{s} {rest}" for rest in rests()]) for s in STARTS])
    changes = values[1:] - values[0]
    found = estimates(measurement)
    assert found["change"] == pytest.approx(changes.mean(), abs=1e-6)
    assert found["size"] == pytest.approx(np.abs(changes).mean(), abs=1e-6)
    assert found["reference"] == pytest.approx(values[0].mean(), abs=1e-6)
    for start, change in zip(STARTS[1:], changes, strict=True):
        assert found[f"largest start={start}"] == pytest.approx(change.mean(), abs=1e-5)
    chosen = values > 0
    assert found["flips"] == pytest.approx((chosen[1:] != chosen[0]).mean())
    assert measurement.facts.extras["reference"] == "start=here"
    assert measurement.facts.units == 16


def test_p_is_compared_beside_a_logit_difference(tiny: Model) -> None:
    over = claim("invariance", metric=[METRIC, "p(a)"], over="start")
    found = estimates(over.measure(bench(tiny)))
    logits = [last(tiny, [f"{s} {rest}" for rest in rests()]) for s in STARTS]
    p = np.array([softmax(rows[:, [token("A"), token("B")]], axis=1)[:, 0] for rows in logits])
    assert found["change@p(a)"] == pytest.approx((p[1:] - p[0]).mean(), abs=1e-6)


def test_paraphrases_are_compared_within_the_units_that_are_left(tiny: Model) -> None:
    on = bench(tiny, TWO)
    found = by_name(claim("invariance", metric=METRIC, over="template").measure(on))
    assert found["change"].statistic.n_units == len(STARTS)
    assert list(found) == ["change", "largest", "size", "reference", "flips"]
    assert found["change"].examples[0] == ("[here we feel mild pain so → here pain we see so]")


def test_edits_of_one_wording_show_what_was_edited(tiny: Model) -> None:
    over = claim("invariance", metric=METRIC, over=["start", "strength"])
    (first, *_) = by_name(over.measure(bench(tiny)))["change"].examples
    assert first == "here we feel [mild → firm] pain so"


def test_variables_are_edited_at_once(tiny: Model) -> None:
    over = claim("invariance", metric=METRIC, over=["start", "strength"])
    facts = over.measure(bench(tiny)).facts
    assert len(facts.extras["changes"]) == 6 * 4 - 1
    assert facts.maps["mean change"].rows[0] == "start=here, strength=firm"


def test_a_selection_says_what_is_compared(tiny: Model) -> None:
    over = claim("invariance", on="game[start=now|then]", metric=METRIC, over="start")
    facts = over.measure(bench(tiny)).facts
    assert facts.extras["reference"] == "start=now"
    assert list(facts.extras["changes"]) == ["start=then"]


def test_the_verdict_is_that_of_two_one_sided_tests(tiny: Model) -> None:
    """Bounds around the interval's ends: it holds by 90 %, where 95 % would not."""
    on = bench(tiny)
    over = claim("invariance", metric=METRIC, over="start")
    (change,) = (
        one.statistic for one in over.measure(on).statistics if one.statistic.name == "change"
    )
    ends = equivalence(change, Bound.parse("-9..9"), seed=0).estimate
    wide = max(abs(ends.low), abs(ends.high))
    for factor, verdict_ in ((1.02, Verdict.HOLDS), (0.98, Verdict.INCONCLUSIVE)):
        bound = Bound.parse(f"0 ± {wide * factor:.6f}")
        asked = claim("invariance", metric=METRIC, over="start", expect={"change": str(bound)})
        assert verdict(asked, on) is verdict_
        assert equivalence(change, bound, seed=0).equivalent is (verdict_ is Verdict.HOLDS)
    strict = {"change": Bound.parse(f"0 ± {wide * 1.02:.6f}")}
    assert judge([change], strict, confidence=0.95, seed=0).verdict is Verdict.INCONCLUSIVE


def test_that_no_change_can_be_seen_is_no_pass(planted: Callable[[Plant], Model]) -> None:
    """Changes of either sign, one to a unit: zero is in the interval, and so are large changes."""
    model = planted(answering({"mild": 0.4, "firm": -0.4, "strong": 0.3, "severe": -0.3}))
    prompts = game(
        template=["{start} we feel {strength} so", "{start} we feel so {strength}"],
        vary={key: GAME["vary"][key] for key in ("start", "strength")},
        unit=["start", "strength"],
        pairs={},
    )
    asked = claim("invariance", metric=METRIC, over="template", expect={"change": "0 ± 0.1"})
    on = bench(model, prompts)
    (change, *_) = (one.statistic for one in asked.measure(on).statistics)
    found = equivalence(change, asked.expect["change"], seed=0).estimate
    assert found.low < 0 < found.high
    assert verdict(asked, on) is Verdict.INCONCLUSIVE


def test_it_holds_where_the_edit_is_not_seen_and_fails_where_it_decides(
    planted: Callable[[Plant], Model],
) -> None:
    ends = game(template="{feeling} we feel {strength} {start}")
    expect = {"change": "0 ± 0.1", "largest": "0 ± 0.1", "size": "<= 0.1", "flips": "<= 0.2"}
    asked = claim("invariance", metric=METRIC, over="start", expect=expect)
    assert verdict(asked, bench(planted(blind))) is Verdict.HOLDS
    decided = bench(planted(answering({"here": 0.5, "there": -0.5, "on": 0.5})), ends)
    assert verdict(asked, decided) is Verdict.FAILS
    found = estimates(asked.measure(decided))
    assert found["flips"] == pytest.approx(1 / 5)
    assert found["largest start=on"] == pytest.approx(0, abs=1e-5)


def test_changes_that_cancel_pass_by_the_mean_alone(planted: Callable[[Plant], Model]) -> None:
    """Half of the prompts move up and half down: the mean is 0, and `size` is not."""
    model = planted(answering({"mild": 0.4, "firm": -0.4}))
    prompts = game(
        template=["{start} we feel {strength} so", "{start} we feel so {strength}"],
        vary={"start": GAME["vary"]["start"], "strength": ["mild", "firm"]},
        unit=["start"],
        pairs={},
    )
    fields: dict[str, Any] = {"metric": METRIC, "over": "template"}
    mean = claim("invariance", **fields, expect={"change": "0 ± 0.1"})
    assert verdict(mean, bench(model, prompts)) is Verdict.HOLDS
    each = claim("invariance", **fields, expect={"size": "<= 0.1"})
    assert verdict(each, bench(model, prompts)) is Verdict.FAILS


def test_a_tie_is_no_flip(planted: Callable[[Plant], Model]) -> None:
    found = claim("invariance", metric=METRIC, over="start").measure(bench(planted(answering({}))))
    assert estimates(found)["flips"] == 0


def test_rows_are_edits_of_each_other(tiny: Model, tmp_path: Path) -> None:
    lines = ["start,feeling,name", "here,pain,1", "there,pain,2", "here,hum,3", "there,hum,4"]
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    prompts = {
        "template": "{start} we feel {feeling} so",
        "rows": "rows.csv",
        "choices": {"a": "A", "b": "B"},
    }
    over = claim("invariance", metric=METRIC, over="start")
    measurement = over.measure(bench(tiny, prompts, tmp_path))
    pain, hum = (
        np.diff(logit_diffs(tiny, [f"{start} we feel {word} so" for start in ("here", "there")]))
        for word in ("pain", "hum")
    )
    expected = (pain[0] + hum[0]) / 2
    assert estimates(measurement)["change"] == pytest.approx(expected, abs=1e-6)
    assert measurement.facts.units == 2


def test_prompts_without_an_edit_are_an_error(tiny: Model) -> None:
    over = claim("invariance", on="game[start=here]", metric=METRIC, over="start")
    with pytest.raises(MeasurementError, match="no two prompts differ in start alone"):
        over.measure(bench(tiny))


@pytest.mark.parametrize(
    ("fields", "prompts", "key", "message"),
    [
        ({"over": "stat"}, {}, "over", "did you mean 'start'?"),
        ({"over": "template"}, {}, "over", "there is no variable 'template'"),
        ({"over": "start"}, {"half": "judge"}, "over", "let `unit` name"),
        ({"over": "start"}, {"unit": ["start"]}, "over", "nothing independent"),
        (
            {"over": "start"},
            {"vary": {**GAME["vary"], "start": ["here"]}},
            "over",
            "give it another word",
        ),
        (
            {"over": "start"},
            {
                "vary": {
                    "start": ["here", "there"],
                    "strength": ["mild", "firm"],
                    "feeling": ["hum"],
                },
                "together": [["start", "strength"]],
                "pairs": {},
            },
            "over",
            "name strength too",
        ),
        ({"expect": {"change": "<= 0.1"}}, {}, "expect.change", "give a range about 0"),
        ({"expect": {"largest": "0.1..0.2"}}, {}, "expect.largest", "give a range about 0"),
        ({"expect": {"size": ">= 0.1"}}, {}, "expect.size", "at most"),
        ({"expect": {"flips": "> 0.1"}}, {}, "expect.flips", "at most"),
        (
            {"metric": "prob(a)", "expect": {"flips": "<= 0.1"}},
            {"choices": {"a": "A"}},
            "expect.flips",
            "not two choices",
        ),
        ({"metric": "kl"}, {}, "metric", "use it in a patching claim"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], prompts: dict[str, Any], key: str, message: str
) -> None:
    asked = claim("invariance", **{"metric": METRIC, "over": "start", **fields})
    assert message in problems(asked, game(**prompts))[key]


@pytest.mark.parametrize("over", [[], ["start", "start"], [1]])
def test_what_names_no_variable_is_refused(over: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"name one variable|expected a variable"):
        claim("invariance", metric=METRIC, over=over)
