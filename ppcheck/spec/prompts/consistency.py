"""Whether what a prompt set names is there: variables, units, choices, variables in step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from ppcheck.spec.grammar import POSITIONS, FieldError, suggest
from ppcheck.spec.prompts.template import ROW, TEMPLATE, parse_template, token_ids, variables
from ppcheck.spec.prompts.variable import Variable

_RESERVED = (TEMPLATE, ROW, *POSITIONS)
_KEYS = {"text": "template", "ids": "ids", "chat": "turns"}


class Prompts(Protocol):
    """What a prompt set names; the fields and properties of `PromptSet`."""

    @property
    def rows(self) -> str | None: ...

    @property
    def unit(self) -> Sequence[str] | None: ...

    @property
    def vary(self) -> Mapping[str, Variable]: ...

    @property
    def choices(self) -> Mapping[str, Sequence[str]]: ...

    @property
    def together(self) -> Sequence[Sequence[str]]: ...

    @property
    def form(self) -> str: ...

    @property
    def variable_names(self) -> tuple[str, ...]: ...

    @property
    def answer_names(self) -> tuple[str, ...]: ...

    @property
    def selectable(self) -> tuple[str, ...]: ...


def check_consistency(prompts: Prompts) -> None:
    """Raises FieldError, with the key that is wrong. What rows bring is not known here."""
    _check_variables(prompts)
    _check_units(prompts)
    _check_choices(prompts)
    _check_steps(prompts)


def _check_variables(prompts: Prompts) -> None:
    form = _KEYS[prompts.form]
    for name in prompts.variable_names:
        if name in _RESERVED:
            raise FieldError(f"a variable cannot be called {name!r}: choose another", form)
        if prompts.rows is None and name not in prompts.vary:
            advice = suggest(name, prompts.vary)
            raise FieldError(f"{{{name}}} is not under `vary`: {advice}", form)
    for name, variable in prompts.vary.items():
        if name not in (*prompts.variable_names, *prompts.answer_names):
            raise FieldError(f"no template uses the variable {name!r}", "vary", name)
        if prompts.form == "ids":
            _check_ids([word.text for word in variable.words], "vary", name)


def _check_units(prompts: Prompts) -> None:
    for name in prompts.unit or ():
        if prompts.rows is None and name not in prompts.selectable:
            advice = suggest(name, prompts.selectable)
            raise FieldError(f"there is no variable {name!r}: {advice}", "unit")


def _check_choices(prompts: Prompts) -> None:
    owners: dict[str, str] = {}
    for choice, texts in prompts.choices.items():
        for text in texts:
            for name in variables(parse_template(text)):
                if prompts.rows is None and name not in prompts.vary:
                    advice = suggest(name, prompts.vary)
                    raise FieldError(f"{{{name}}} is not under `vary`: {advice}", "choices", choice)
            if owners.setdefault(text, choice) != choice:
                message = f"{text!r} is an answer of {owners[text]!r} and of {choice!r}"
                raise FieldError(message, "choices", choice)
        if prompts.form == "ids":
            _check_ids([text for text in texts if "{" not in text], "choices", choice)


def _check_steps(prompts: Prompts) -> None:
    uses = Counter(name for group in prompts.together for name in group)
    for group in prompts.together:
        for name in group:
            if name not in prompts.vary:
                advice = suggest(name, prompts.vary)
                raise FieldError(f"{name!r} is not under `vary`: {advice}", "together")
            if uses[name] > 1:
                raise FieldError(f"{name!r} stands more than once", "together")
        lengths = {name: len(prompts.vary[name].words) for name in group}
        if len(set(lengths.values())) != 1:
            counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
            message = f"variables in step need equally many words: {counts or 'none is named'}"
            raise FieldError(message, "together")


def _check_ids(texts: list[str], *location: str) -> None:
    for text in texts:
        try:
            token_ids(text)
        except ValueError as error:
            raise FieldError(str(error), *location) from None
