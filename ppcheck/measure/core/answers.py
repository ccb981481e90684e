"""Whether the choices are what the model would say, and whether it would spell them otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.metrics import mass
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.seam import is_doubled, with_answer
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded

LOW = 0.1
"""Below this mass the model says something else nine times out of ten."""
SAMPLE = 64
"""So many prompts, spread over all, tell one spelling's mass from another's."""
MATTERS = 0.01
"""A spelling with less mass than this is not what was meant either."""


@dataclass(frozen=True, eq=False)
class Mass:
    """The probability of all choices together over the whole vocabulary, [example], and what to
    say of it. Of a pair it is that of the prompt where they have less.
    """

    values: Floats
    notes: tuple[str, ...]


def mass_of(
    subject: Subject, sides: Sequence[Encoded], counted: Callable[[Encoded], tuple[str, ...]]
) -> Mass | None:
    """The mass of the choices that are ``counted`` on each of the sides; None where none is."""
    first, *others = (counted(side) for side in sides)
    names = tuple(name for name in first if all(name in other for other in others))
    if not names:
        return None
    masses = [mass(subject, side, names) for side in sides]
    least = int(np.argmin([each.mean() for each in masses]))
    notes = _notes(subject, sides[least], names, masses[least])
    return Mass(np.min(masses, axis=0), tuple(notes))


def _notes(
    subject: Subject, encoded: Encoded, names: Sequence[str], masses: Floats
) -> Iterator[str]:
    """That these choices, with their masses [prompt], are rarely said, and how they would be said
    more often.
    """
    whole = float(masses.mean())
    if whole < LOW:
        yield (
            f"the choices have a mass of {whole:.2g}: after these prompts the model says something "
            "else, and the claim is about what little is left (expect `mass` to judge it too)"
        )
    if whole < LOW or is_doubled(encoded.prompts[0], names, encoded.pieces(0)[-1]):
        yield from _respelled(subject, encoded, names, masses)


def _respelled(
    subject: Subject, encoded: Encoded, names: Sequence[str], masses: Floats
) -> Iterator[str]:
    """The spelling that has more mass than the one that is written, if there is one."""
    some = np.unique(np.linspace(0, len(encoded) - 1, SAMPLE).round().astype(int))
    prompts = [encoded.prompts[number] for number in some]
    written, best, spelling = float(masses[some].mean()), MATTERS, None
    as_written = _tokens(encoded.part(some.tolist()), names)
    for gap in ("", " ") if prompts[0].form != "ids" else ():
        spelled = [_with_gap(prompt, names, gap) for prompt in prompts]
        try:
            other = encoded.again(spelled)
            if _tokens(other, names) == as_written:
                continue
            found = float(mass(subject, other, names).mean())
        except MeasurementError:
            continue  # so spelled it is no answer to these prompts
        if found > max(written, best):
            best, spelling = found, spelled[0]
    if spelling is None:
        return
    before, after = (with_answer(prompt, names[0]) for prompt in (prompts[0], spelling))
    yield (
        f"spelled {before} the choices have a mass of {written:.2g}, and spelled {after} one of "
        f"{best:.2g}: {_advice(prompts[0], spelling)}"
    )


def _tokens(encoded: Encoded, names: Sequence[str]) -> list[object]:
    """The tokens of the prompts, and of the answers to each."""
    return [encoded.ids, *(encoded.choices(name) for name in names)]


def _with_gap(prompt: Prompt, names: Sequence[str], gap: str) -> Prompt:
    """The prompt without spaces at its end, its answers after nothing but ``gap``."""
    choices = {
        name: tuple(text.lstrip(" ") or text for text in texts) if name in names else texts
        for name, texts in prompt.choices.items()
    }
    turns = prompt.turns
    if prompt.form == "text":
        pieces = list(turns[-1].pieces)
        for place in reversed(range(len(pieces))):
            pieces[place] = replace(pieces[place], text=pieces[place].text.rstrip(" "))
            if pieces[place].text:
                break
        turns = (*turns[:-1], replace(turns[-1], pieces=tuple(pieces)))
    return replace(prompt, turns=turns, choices=choices, choice_prefix=gap)


def _advice(written: Prompt, meant: Prompt) -> str:
    """What to change in the spec, so that answers are spelled as meant."""
    changes = []
    if written.text != meant.text:
        changes.append("end the template without a space")
    if written.choices != meant.choices:
        changes.append("write the answers without a space before them")
    if written.choice_prefix != meant.choice_prefix:
        changes.append(f'write `choice_prefix: "{meant.choice_prefix}"`')
    return " and ".join(changes)
