"""Does the model answer at all, and with what."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.predict import at_least, floor
from ppcheck.discover.study import Study, claim, figures, percent, three

PHASE = "answers"
ENOUGH = 0.5
"""The mass of the choices from which on a model answers with them."""
LIFT = 10
"""Or so many times what a model that knows nothing gives them."""
WORTH = 0.05
"""A mass below which the claim that there is one says nothing."""


def look(study: Study) -> Iterator[Finding | Nothing]:
    first = study.choices[0]
    seen = study.look("choice", study.name, ["mass"], choice=first)
    mass = study.predicted(seen, "mass")
    said = ", ".join(study.choices)
    if mass.low < WORTH:
        yield Nothing(PHASE, f"the model hardly answers with {said}: {figures(mass=mass)}")
        return
    says = (
        f"Of all that the model could say next, {percent(floor(mass.low))} or more is one of the "
        f"choices ({said})."
    )
    keys, expect = {"choice": first}, {"mass": at_least(mass.low)}
    raw = claim(slug(study.name, "is-answered"), says, "choice", study.name, keys, expect)
    yield Finding(PHASE, raw, figures(mass=mass))


def answers(study: Study) -> Nothing | None:
    """Why what moves these choices would say nothing of the model, or None where it says much."""
    seen = study.look("choice", study.name, ["mass"], choice=study.choices[0])
    mass = seen.estimate("mass").estimate
    tokens = sum(map(len, study.prompts.prompt_set.choices.values()))
    blind = tokens / study.laboratory.model.subject.shape.n_vocabulary
    if mass >= ENOUGH or mass >= LIFT * blind:
        return None
    said = (
        f"the model does not answer with the choices: their mass is {three(mass)}, and a model "
        f"that knows nothing gives them {three(blind)}"
    )
    return Nothing(PHASE, said)
