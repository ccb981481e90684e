"""Does the model answer at all, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ppcheck.discover.finding import Finding, Nothing, slug
from ppcheck.discover.predict import Prediction, at_least, floor
from ppcheck.discover.seen import Seen
from ppcheck.discover.study import Study, claim, figures, looking, percent, three
from ppcheck.spec.expectations.outcomes import OTHER

PHASE = "answers"
ENOUGH = 0.5
"""The mass of the choices from which on a model answers with them."""
LIFT = 10
"""Or so many times what a model that knows nothing gives them."""
TOKENS = 16
"""How long a reply may be."""
SPENT = 0.1
"""What it writes may take so much of the time that is left."""
SHOWN = 40
"""Characters of a reply that are shown."""
WORTH = 0.05
"""A mass below which the claim that there is one says nothing."""


def look(study: Study) -> Iterator[Finding | Nothing]:
    first = study.choices[0]
    seen = study.look("choice", study.name, ["mass"], choice=first)
    mass = study.predicted(seen, "mass")
    yield _mass(study, mass)
    is_chat = study.prompts.prompt_set.form == "chat"
    if (is_chat or mass.estimate < ENOUGH) and (outcomes := _outcomes(study)):
        yield _writes(study, outcomes)


def _mass(study: Study, mass: Prediction) -> Finding | Nothing:
    said = ", ".join(study.choices)
    if mass.low < WORTH:
        return Nothing(PHASE, f"the model hardly answers with {said}: {figures(mass=mass)}")
    says = (
        f"Of all that the model could say next, {percent(floor(mass.low))} or more is one of the "
        f"choices ({said})."
    )
    keys, expect = {"choice": study.choices[0]}, {"mass": at_least(mass.low)}
    raw = claim(slug(study.name, "is-answered"), says, "choice", study.name, keys, expect)
    return Finding(PHASE, raw, figures(mass=mass))


def _outcomes(study: Study) -> dict[str, str]:
    """A pattern for each choice; none where answers are other words in each prompt, or no words."""
    settings = study.prompts.prompt_set
    if settings.form == "ids" or settings.answer_names or OTHER in settings.choices:
        return {}
    return {name: _pattern(texts) for name, texts in settings.choices.items()}


def _pattern(texts: Sequence[str]) -> str:
    words = "|".join(re.escape(text.strip()) for text in texts)
    return rf"(?i)\b(?:{words})\b"


def _writes(study: Study, outcomes: dict[str, str]) -> Finding | Nothing:
    """The commonest outcome of what it writes; that it is none of the choices is not claimed."""
    keys = {"tokens": TOKENS, "outcomes": outcomes}
    rates = {name: f"rate({name})" for name in (*outcomes, OTHER)}
    asked, left = list(rates.values()), study.laboratory.left()
    if left is not None:
        needed = study.laboratory.expected([looking("reply", study.name, asked, keys)])
        if needed > SPENT * left:
            what = f"it takes about {needed:.0f} s, more than a tenth of what is left"
            return Nothing(PHASE, f"what the model writes was not looked at: {what}")
    seen = study.look("reply", study.name, asked, **keys)
    most = max(rates, key=lambda name: seen.estimate(rates[name]).estimate)
    rate = study.predicted(seen, rates[most])
    shown = f"{figures(rate=rate)}; most often {_commonest(seen, most)}"
    if most == OTHER or rate.low < WORTH:
        what = "none of the choices" if most == OTHER else f"{most}, but not surely"
        return Nothing(PHASE, f"in {TOKENS} tokens the model mostly writes {what}: {shown}")
    says = (
        f"In {percent(floor(rate.low))} or more of the replies of up to {TOKENS} tokens the first "
        f"choice that the model writes is {most}."
    )
    expect = {rates[most]: at_least(rate.low)}
    raw = claim(slug(study.name, "writes", most), says, "reply", study.name, keys, expect)
    return Finding(PHASE, raw, shown)


def _commonest(seen: Seen, outcome: str) -> str:
    """The commonest reply of an outcome, its first characters."""
    replies = seen.result.facts.replies or {}
    text = " ".join(replies[outcome].shown[0].reply.split())
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


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
