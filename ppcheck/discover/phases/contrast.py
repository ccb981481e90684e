"""Does the difference between two classes move the answer, and is it the class that does."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.predict import Prediction, at_least, at_most, floor, number
from ppcheck.discover.seen import Seen
from ppcheck.discover.study import Study, claim, figures, three
from ppcheck.discover.trace import Effect, Trace
from ppcheck.measure.core.metrics import read
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.selection import Selection

PHASE = "contrast"
SURE = 0.0005
"""The tail of the interval that must exclude 0."""
OF_CLASS = 0.01
"""The p-value below which classes differ by more than words of one class do."""
WORTH = 0.01
"""The least difference of a probability that is an effect."""


def effect(study: Study, trace: Trace) -> Effect | Nothing:
    """What the difference does to the answer, or why it is none to explain."""
    choices = study.choices
    seen = _seen(study, trace, choices)
    if seen.estimate("difference").estimate < 0:
        if len(choices) > 1:
            choices = (choices[1], choices[0], *choices[2:])
        else:
            trace = trace.turned
        seen = _seen(study, trace, choices)
    gap = study.predicted(seen, "difference")
    sure = seen.estimate("difference", tail=SURE)
    shown = f"{trace.said} moves {linear(choices)} by {three(gap.seen.estimate)}"
    if not (sure.low > 0 or sure.high < 0):
        return Nothing(PHASE, f"{shown}, which may be 0 ({figures(difference=gap)})")
    chance = by_words(study, trace, linear(choices))
    if chance is not None and chance > OF_CLASS:
        return Nothing(
            PHASE,
            f"{shown}, but words of one class differ as much (p = {three(chance)} over words): "
            "give the classes more words, or the model does not know them",
        )
    if len(choices) > 1 and abs(seen.estimate(f"difference@{plain(choices)}").estimate) < WORTH:
        return Nothing(PHASE, f"{shown}, and the probability of the answer by less than {WORTH}")
    return Effect(trace, linear(choices), choices[:2], gap)


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    """The claim about the first choice's probability; by a dose it is the dose's own."""
    trace, metric = effect.trace, plain(effect.choices)
    if trace.is_dose:
        return
    seen = study.look("contrast", trace.on, ["difference", "positive"], metric=metric, **_of(trace))
    difference, positive = (study.predicted(seen, name) for name in ("difference", "positive"))
    up = difference.seen.estimate > 0
    edge = difference.low if up else difference.high
    if (edge > 0) is not up:
        yield Nothing(PHASE, f"{trace.said} moves {metric}, but not surely: {_said(difference)}")
        return
    expect = {"difference": at_least(edge) if up else at_most(edge)}
    seen_too = {"difference": difference}
    if positive.low > 0.5:
        expect["positive"], seen_too["positive"] = at_least(positive.low), positive
    amount = number(abs(floor(edge) if up else -floor(-edge)))
    how = "likelier" if up else "less likely"
    says = (
        f"With {trace.said} the model is {how} to answer {effect.choices[0]}, by {amount} or more."
    )
    raw = claim(
        f"{trace.id}-decides", says, "contrast", trace.on, {"metric": metric} | _of(trace), expect
    )
    yield Finding(PHASE, raw, figures(**seen_too))


def linear(choices: Sequence[str]) -> str:
    """The metric that is linear in the logits, where there are two choices."""
    return f"logit_diff({choices[0]}, {choices[1]})" if len(choices) > 1 else plain(choices)


def plain(choices: Sequence[str]) -> str:
    return f"p({choices[0]})" if len(choices) > 1 else f"log_prob({choices[0]})"


def by_words(study: Study, trace: Trace, metric: str) -> float | None:
    """Welch's p-value that the classes' words differ; None where a class has a single word."""
    if trace.column or trace.is_dose:
        return None
    from scipy.stats import ttest_ind

    bench = study.laboratory.bench(study.name)
    sides = bench.pairs(Selection.parse(trace.on), _pairs(trace))
    pool = bench.grid.prompt_set.pool
    of_words = []
    for side in sides:
        values = read(bench.subject, side, Metric.parse(metric), pool)
        of_words.append(
            _means(values, [prompt.words[trace.variable].text for prompt in side.prompts])
        )
    if min(map(len, of_words)) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # words that agree to the last digit
        return float(ttest_ind(*of_words, equal_var=False).pvalue)


def _seen(study: Study, trace: Trace, choices: Sequence[str]) -> Seen:
    metrics = list(dict.fromkeys((linear(choices), plain(choices))))
    return study.look("contrast", trace.on, ["difference"], metric=metrics, **_of(trace))


def _of(trace: Trace) -> dict[str, object]:
    return {"pairs": trace.pairs}


def _pairs(trace: Trace) -> dict[str, tuple[str, str] | str]:
    return {trace.variable: trace.corrupted if trace.column else (trace.clean, trace.corrupted)}


def _means(values: Floats, words: Sequence[str]) -> Floats:
    of_word: dict[str, list[float]] = defaultdict(list)
    for value, word in zip(values.tolist(), words, strict=True):
        of_word[word].append(value)
    return np.array([float(np.mean(each)) for each in of_word.values()])


def _said(prediction: Prediction) -> str:
    return figures(difference=prediction)
