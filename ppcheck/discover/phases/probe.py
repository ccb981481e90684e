"""From which block on a linear probe reads the class, in words that it never saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ppcheck.discover.draft import Raw
from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.phases.heads import place
from ppcheck.discover.predict import Prediction, at_least, floor
from ppcheck.discover.seen import TAIL, Seen
from ppcheck.discover.study import Study, claim, figures, looking, percent, three
from ppcheck.discover.trace import Effect, Trace

PHASE = "probe"
STEPS = 5
"""Layers of a deep model that are read, beside the first."""
FOLDS = 3
SHUFFLES = 4
"""As a claim has it that does not say."""
SPLITS = FOLDS**2
"""Of units, and of words."""
FIT = 0.015
"""Seconds, about, for some hundreds of prompts."""
LEAST = 0.6
"""The accuracy below which a class is not said to be read."""
CONTROLS = ("over_words", "over_shuffled")


@dataclass(frozen=True)
class _Read:
    """What probes of one layer give."""

    layer: int
    accuracy: Prediction
    leads: Mapping[str, Prediction]

    @property
    def is_beyond(self) -> bool:
        """Whether it should be read on other units, too, and better than by the controls."""
        return self.accuracy.low >= LEAST and all(lead.low > 0 for lead in self.leads.values())

    @property
    def figures(self) -> str:
        return figures(accuracy=self.accuracy, **self.leads)


def look(study: Study, effect: Effect) -> Iterator[Finding | Nothing]:
    """Not at the word itself, where its embedding tells it, but where it was brought to."""
    trace = effect.trace
    if not _has_classes(trace):
        return
    if (lone := _lone(study, trace)) is not None:
        said = f"{lone} is one word, and a probe that never saw it has no other to learn from"
        yield Nothing(PHASE, f"{trace.clean} or {trace.corrupted} is not probed: {said}")
        return
    for position in ("final", *effect.stops):
        yield _at(study, trace, position)


def fitting(study: Study, trace: Trace) -> float:
    """About how many seconds fits take at the final token, beside what the model computes."""
    tried = layers(study.n_layers)
    if not _has_classes(trace) or study.laboratory.knows(_looking(study, trace, "final")):
        return 0.0
    return FIT * SPLITS * (1 + SHUFFLES) * len(tried)


def cheapest(study: Study, trace: Trace) -> Raw:
    """A claim for which the model computes as much, with hardly a fit."""
    last = keys(trace, [study.n_layers - 1], "final")
    return looking("probe", trace.on, ["accuracy"], {**last, "folds": 2, "shuffles": 1})


def layers(n_layers: int) -> list[int]:
    """The layers that are read: some, from the first to the last."""
    return sorted({round((n_layers - 1) * step / STEPS) for step in range(STEPS + 1)})


def keys(trace: Trace, read: Sequence[int], position: str) -> dict[str, object]:
    """A claim's own, of these layers at a position."""
    sites = [f"resid_post.L{layer}" for layer in read]
    return {
        "site": sites[0] if len(sites) == 1 else sites,
        "position": position,
        "separates": {trace.variable: [trace.clean, trace.corrupted]},
        "hold_out": trace.variable,
        "folds": FOLDS,
    }


def _at(study: Study, trace: Trace, position: str) -> Finding | Nothing:
    """From which layer on; where from none on, the one layer in which it is read best."""
    tried = layers(study.n_layers)
    seen = study.laboratory.look(_looking(study, trace, position))
    alone = [_read(study, seen, tried, [layer])[0] for layer in tried]
    best = max(alone, key=lambda one: one.accuracy.low)
    for some in (*(tried[number:] for number in range(len(tried))), [best.layer]):
        found = _read(study, seen, tried, some)
        if all(one.is_beyond for one in found):
            return _finding(trace, alone, found, position)
    return Nothing(
        PHASE,
        f"no probe surely reads {trace.clean} or {trace.corrupted} at {place(position)}, in words "
        f"that it never saw: after block {best.layer} most, {best.figures}",
    )


def _looking(study: Study, trace: Trace, position: str) -> Raw:
    asked = keys(trace, layers(study.n_layers), position)
    return looking("probe", trace.on, ["accuracy", *CONTROLS], asked)


def _read(study: Study, seen: Seen, tried: Sequence[int], some: Sequence[int]) -> list[_Read]:
    """``some`` of the layers tried, each as a claim about these together will judge it."""
    tail = TAIL / len(some)

    def predicted(name: str, layer: int) -> Prediction:
        member = f"resid_post.L{layer}" if len(tried) > 1 else None
        return Prediction(seen.estimate(name, member, tail), study.prompts.ratio)

    return [
        _Read(
            layer, predicted("accuracy", layer), {each: predicted(each, layer) for each in CONTROLS}
        )
        for layer in some
    ]


def _finding(trace: Trace, read: Sequence[_Read], found: Sequence[_Read], at: str) -> Finding:
    """The claim that every layer of ``found`` must meet, which the least of them bounds."""
    first, accuracy = found[0], min(one.accuracy.low for one in found)
    where = f"From block {first.layer} on" if len(found) > 1 else f"After block {first.layer}"
    says = (
        f"{where} a linear probe reads {trace.clean} or {trace.corrupted} at {place(at)}, in words "
        f"that it never saw: rightly in {percent(floor(accuracy))} or more of the prompts, and "
        "more often than from the words of the prompt alone."
    )
    leads = {name: at_least(min(one.leads[name].low for one in found)) for name in CONTROLS}
    asked = keys(trace, [one.layer for one in found], at)
    expect = {"accuracy": at_least(accuracy), **leads}
    raw = claim(slug(trace.id, "is-read-at", at), says, "probe", trace.on, asked, expect)
    others = ", ".join(
        f"{three(one.accuracy.seen.estimate)} after block {one.layer}"
        for one in read
        if one.layer != first.layer
    )
    shown = f"{first.figures} after block {first.layer}"
    return Finding(PHASE, raw, f"{shown}; accuracy {others}" if others else shown)


def _has_classes(trace: Trace) -> bool:
    return not (trace.column or trace.is_dose)


def _lone(study: Study, trace: Trace) -> str | None:
    """A class of the two that has a single word."""
    words = study.prompts.prompt_set.vary[trace.variable].words
    labels = [word.label for word in words]
    return next((each for each in (trace.clean, trace.corrupted) if labels.count(each) < 2), None)
