"""Every phase on every prompt set, in the order in which a researcher would look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.only import EVERYTHING, Only
from ppcheck.discover.phases import (
    behaviour,
    blocks,
    circuit,
    contrast,
    dose,
    flow,
    heads,
    induction,
    neurons,
    paths,
    probe,
    roles,
    steering,
)
from ppcheck.discover.study import Phase, Study
from ppcheck.discover.trace import Effect, Trace, class_traces, doses
from ppcheck.errors import PpcheckError

PHASES: dict[str, Phase] = {
    contrast.PHASE: contrast.look,
    flow.PHASE: flow.look,
    blocks.PHASE: blocks.look,
    heads.PHASE: heads.look,
    roles.PHASE: roles.look,
    induction.PHASE: induction.look,
    neurons.PHASE: neurons.look,
    paths.PHASE: paths.look,
    probe.PHASE: probe.look,
    steering.PHASE: steering.look,
    circuit.PHASE: circuit.look,
}
"""Of one effect, in this order: each may use what those before it have found."""
INSIDE = tuple(name for name in PHASES if name != contrast.PHASE)
MOST_DOSES = 2
"""Classes whose doses are followed through the model, those with the steepest first."""
GATES = (behaviour.PHASE, contrast.PHASE, dose.PHASE)
"""Phases that decide what others look at: what they do not find is said in any case."""
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """What was found of one thing: of a prompt set's answers, or of one effect."""

    title: str
    prompts: str
    findings: tuple[Finding, ...]
    absent: tuple[Nothing, ...]


@dataclass
class _Collected:
    """What a phase yields, until it ends or cannot go on, of that which is asked for."""

    progress: Progress
    only: Only
    findings: list[Finding] = field(default_factory=list)
    absent: list[Nothing] = field(default_factory=list)

    def add(self, phase: str, title: str, found: Iterator[Finding | Nothing]) -> None:
        self.progress(f"{phase}: {title}")
        try:
            for one in found:
                self.take(one)
        except PpcheckError as error:
            self.take(Nothing(phase, f"not looked at: {error}"))

    def take(self, one: Finding | Nothing) -> None:
        if isinstance(one, Nothing):
            if one.phase in GATES or self.only.asks(one.phase):
                self.absent.append(one)
        elif self.only.asks(one.phase):
            self.findings.append(one)

    def part(self, title: str, prompts: str) -> Part:
        return Part(title, prompts, tuple(self.findings), tuple(self.absent))


def search(laboratory: Laboratory, progress: Progress, only: Only = EVERYTHING) -> Iterator[Part]:
    """What one half of the prompts shows, set by set and effect by effect."""
    for prompts in laboratory.draft.sets.values():
        study = Study(laboratory, prompts)
        parts = _of_set(study, progress, only)
        yield from (part for part in parts if part.findings or part.absent)


def _of_set(study: Study, progress: Progress, only: Only) -> Iterator[Part]:
    answered = _Collected(progress, only)
    if only.asks(behaviour.PHASE):
        answered.add(behaviour.PHASE, study.name, behaviour.look(study))
    unanswered = _tried(behaviour.answers, study)
    if unanswered is not None:
        answered.take(unanswered)
        yield answered.part(study.name, study.name)
        return
    effects = list(_effects(study, answered))
    yield answered.part(study.name, study.name)
    for effect in effects:
        found, title = _Collected(progress, only), effect.trace.said
        for name, phase in PHASES.items():
            if only.runs(name):
                found.add(name, title, phase(study, effect))
        yield found.part(title, study.name)


def _tried(ask: Callable[[Study], Nothing | None], study: Study) -> Nothing | None:
    try:
        return ask(study)
    except PpcheckError as error:
        return Nothing(behaviour.PHASE, f"not looked at: {error}")


def _effects(study: Study, collected: _Collected) -> Iterator[Effect]:
    """The differences that move the answer; those that do not are collected as nothing."""
    only = collected.only
    traces = class_traces(study.name, study.prompts.prompt_set) if only.compares_classes else ()
    for trace in traces:
        collected.progress(f"{contrast.PHASE}: {trace.said}")
        yield from _effect(study, trace, collected)
    followed = _followed(study, collected) if only.follows_doses else ()
    for trace in followed if only.traces_doses else ():
        yield from _effect(study, trace, collected)


def _effect(study: Study, trace: Trace, collected: _Collected) -> Iterator[Effect]:
    try:
        found = contrast.effect(study, trace)
    except PpcheckError as error:
        found = Nothing(contrast.PHASE, f"{trace.said}: not looked at: {error}")
    if isinstance(found, Nothing):
        collected.take(found)
    else:
        yield found


def _followed(study: Study, collected: _Collected) -> list[Trace]:
    """The doses that the answer follows, the steepest first, with their claims collected."""
    slopes: dict[Trace, float] = {}
    flat: list[Trace] = []
    for trace, words in doses(study.name, study.prompts.prompt_set):
        collected.progress(f"{dose.PHASE}: {trace.what}")
        try:
            found = dose.follows(study, trace, words)
            if isinstance(found, Nothing):
                flat.append(trace)
                collected.take(found)
                continue
            collected.add(dose.PHASE, trace.what, dose.look(study, trace))
            slopes[trace] = dose.slope(study, trace)
        except PpcheckError as error:
            collected.take(Nothing(dose.PHASE, f"{trace.what}: not looked at: {error}"))
    for trace in flat if slopes else ():
        if (none := dose.flat(study, trace, max(slopes.values()))) is not None:
            collected.take(none)
    return sorted(slopes, key=lambda trace: -slopes[trace])[:MOST_DOSES]
