from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress, spearmanr
from sklearn.linear_model import LogisticRegression

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.statistics.switch_point import SwitchPoint
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    GAME,
    WORDINGS,
    Model,
    Plant,
    answering,
    bench,
    blind,
    by_name,
    claim,
    curve_of,
    estimates,
    game,
    last,
    problems,
    texts_of,
    token,
    verdict,
)

STRENGTHS = ["mild", "firm", "strong", "severe"]
LAST_WORD = game(template="{start} we feel {feeling} {strength}")
RISING = answering(dict(zip(STRENGTHS, (-0.9, -0.3, 0.2, 0.9), strict=True)))
FALLING = answering(dict(zip(STRENGTHS, (0.9, 0.3, -0.2, -0.9), strict=True)))


def curves(model: Model, texts: list[str]) -> dict[str, tuple[list[float], list[float]]]:
    """Doses and logit differences by what is left of a prompt without its strength."""
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    logits = last(model, texts)
    for text, difference in zip(texts, logits[:, token("A")] - logits[:, token("B")], strict=True):
        (strength,) = set(STRENGTHS) & set(text.split())
        doses, values = found[text.replace(strength, "")]
        doses.append(STRENGTHS.index(strength) + 1)
        values.append(difference)
    return dict(found)


@pytest.mark.parametrize("on", ["game", "game[strength!=mild]", "game[feeling=pain]"])
def test_spearman_and_slope_are_scipys_on_each_curve(tiny: Model, on: str) -> None:
    board = bench(tiny)
    wanted = claim("dose_response", on=on, metric="logit_diff(a, b)", dose="strength")
    texts = [prompt.text for prompt in board.grid.select(wanted.on)]
    lines = list(curves(tiny, texts).values())
    found = estimates(wanted.measure(board))
    assert found.keys() == {"spearman", "slope"}
    expected = np.mean([spearmanr(*line).statistic for line in lines])
    assert found["spearman"] == pytest.approx(expected)
    slope = np.mean([linregress(*line).slope for line in lines])
    assert found["slope"] == pytest.approx(slope, rel=1e-5)


def test_the_switch_point_is_that_of_a_logistic_regression(
    planted: Callable[[Plant], Model],
) -> None:
    model = planted(RISING)
    found = estimates(
        claim("dose_response", metric="p(a)", dose="strength").measure(bench(model, LAST_WORD))
    )
    doses, values = next(iter(curves(model, texts_of(bench(model, LAST_WORD))).values()))
    p = 1 / (1 + np.exp(-np.array(values)))
    x, y = np.repeat(np.array(doses), 2)[:, None], np.tile([1, 0], len(doses))
    fit = LogisticRegression(C=1e10, tol=1e-10).fit(
        x, y, sample_weight=np.stack([p, 1 - p], axis=1).ravel()
    )
    assert found["switch_point"] == pytest.approx(float(-fit.intercept_[0] / fit.coef_[0, 0]), 1e-3)


def test_a_claim_holds_where_the_metric_rises_and_fails_where_it_falls(
    planted: Callable[[Plant], Model],
) -> None:
    expect = {"spearman": ">= 0.7", "switch_point": "2..3"}
    rises = claim("dose_response", metric="p(a)", dose="strength", expect=expect)
    finer = {**LAST_WORD, "unit": ["start", "feeling"]}
    assert verdict(rises, bench(planted(RISING), finer)) == Verdict.HOLDS
    assert verdict(rises, bench(planted(FALLING), finer)) == Verdict.FAILS


def test_a_flat_curve_fails_and_has_no_switch_point(planted: Callable[[Plant], Model]) -> None:
    on = bench(planted(blind))
    wanted = claim("dose_response", metric="p(a)", dose="strength", expect={"spearman": "<= -0.8"})
    assert estimates(wanted.measure(on))["spearman"] == 0
    assert verdict(wanted, on) == Verdict.FAILS


def test_contributions_say_which_prompts_pull_the_switch_point_up(tiny: Model) -> None:
    """Making a prompt less odd moves the switch point against its contribution."""
    on = bench(tiny)
    wanted = claim("dose_response", metric="p(a)", dose="strength")
    behind = by_name(wanted.measure(on))["switch_point"]
    middle = estimates(wanted.measure(on))["switch_point"]
    assert behind.contributions.mean() == pytest.approx(middle)
    fitted = behind.statistic
    assert isinstance(fitted, SwitchPoint)
    for dose in np.unique(fitted.doses):
        here = np.flatnonzero(fitted.doses == dose)
        surplus = fitted.probabilities[here] - fitted.probabilities[here].mean()
        odd = here[np.argmax(np.abs(surplus))]
        more = fitted.probabilities.copy()
        more[odd] += 0.01 * np.sign(fitted.probabilities[here].mean() - more[odd])
        less_odd = replace(fitted, probabilities=more).estimate(np.ones((1, fitted.n_units)))[0]
        assert np.sign(less_odd - middle) == -np.sign(behind.contributions[odd] - middle)


def test_units_without_plain_variables_are_the_curves(tiny: Model) -> None:
    vary = {name: words for name, words in GAME["vary"].items() if name != "start"}
    on = bench(tiny, game(template="we feel {strength} {feeling} so", vary=vary))
    measurement = claim("dose_response", metric="p(a)", dose="strength").measure(on)
    assert {one.statistic.n_units for one in measurement.statistics} == {4}
    assert measurement.facts.extras["n_curves"] == 4


def test_a_report_draws_the_mean_of_each_dose_in_its_interval(tiny: Model) -> None:
    on = bench(tiny)
    wanted = claim("dose_response", metric="logit_diff(a, b)", dose="strength")
    drawn = curve_of(wanted.measure(on), "logit_diff(a, b) by strength")
    doses, values = zip(*curves(tiny, texts_of(on)).values(), strict=True)
    assert list(drawn.x) == doses[0] == [1, 2, 3, 4]
    assert drawn.y == pytest.approx(np.mean(values, axis=0), abs=1e-5)
    assert (np.diff([drawn.low, drawn.y, drawn.high], axis=0) > 0).all()


@pytest.mark.parametrize("rows", ["id,feeling,strength,strength.dose"])
def test_rows_of_unequal_doses_make_unequal_curves(tiny: Model, tmp_path: Path, rows: str) -> None:
    lines = ["pain,mild,1", "pain,strong,4", "light,mild,1", "light,firm,2", "light,severe,9"]
    numbered = [f"{number},{line}" for number, line in enumerate(lines)]
    (tmp_path / "rows.csv").write_text("\n".join([rows, *numbered]))
    prompts = PromptSet.model_validate(
        {
            "template": "we feel {strength} {feeling} so",
            "rows": "rows.csv",
            "choices": GAME["choices"],
        }
    )
    on = Bench(tiny.subject, Grid(prompts, tmp_path), seed=0)
    measurement = claim("dose_response", metric="log_prob(a)", dose="strength").measure(on)
    assert by_name(measurement)["slope"].examples == ("feeling=pain", "feeling=light")
    values = [
        dict(zip(doses, logits, strict=True))
        for doses, logits in (
            ([1, 4], last(tiny, ["we feel mild pain so", "we feel strong pain so"])),
            (
                [1, 2, 9],
                last(tiny, [f"we feel {w} light so" for w in ("mild", "firm", "severe")]),
            ),
        )
    ]
    slopes = []
    for curve in values:
        scores = [float((row - np.logaddexp.reduce(row))[token("A")]) for row in curve.values()]
        slopes.append(np.polyfit(list(curve), scores, 1)[0])
    assert estimates(measurement)["slope"] == pytest.approx(np.mean(slopes), abs=1e-5)


def test_a_curve_of_one_dose_is_an_error_that_names_it(tiny: Model) -> None:
    wanted = claim("dose_response", on="game[strength=mild]", metric="p(a)", dose="strength")
    with pytest.raises(MeasurementError, match="start=here, feeling=pain has one dose only"):
        wanted.measure(bench(tiny))


def test_relabelling_units_changes_no_estimate(tiny: Model) -> None:
    wanted = claim("dose_response", metric="p(a)", dose="strength")
    by_start = estimates(wanted.measure(bench(tiny)))
    by_feeling = wanted.measure(bench(tiny, game(unit=["feeling"])))
    assert estimates(by_feeling) == pytest.approx(by_start)
    assert {one.statistic.n_units for one in by_feeling.statistics} == {4}


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"metric": "p(a)", "dose": "feeling"}, "dose", "not an ordered variable"),
        ({"metric": "kl", "dose": "strength"}, "metric", "use it in a patching claim"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, str], key: str, message: str
) -> None:
    assert message in problems(claim("dose_response", **fields))[key]


def test_stronger_pain_deters_the_demo_model_more(demo: Subject) -> None:
    wanted = claim(
        "dose_response",
        on="game[feeling=pain]",
        metric="p(with)",
        dose="intensity",
        expect={"spearman": "<= -0.8"},
    )
    assert verdict(wanted, bench(demo, WORDINGS)) == Verdict.HOLDS
