"""What differs between the prompts of a set, and the metric in which it may be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import Any

from ppcheck.discover.finding import slug
from ppcheck.discover.predict import Prediction
from ppcheck.spec.prompts.prompt_set import PromptSet

MOST_CLASSES = 4
"""Pairs of classes that are looked at in a set."""
_NAMES_ITSELF = re.compile(r"[^,|\[\]=!]+")


@dataclass(frozen=True)
class Trace:
    """One difference: ``variable`` is ``clean`` in one prompt of a pair and ``corrupted`` in the
    other. ``within`` says, as variable and class, of which prompts; ``column`` that the corrupted
    word is that of another column.
    """

    prompts: str
    variable: str
    clean: str
    corrupted: str
    within: tuple[tuple[str, str], ...] = ()
    column: bool = False
    is_dose: bool = False

    @property
    def pairs(self) -> dict[str, Any]:
        return {self.variable: self.corrupted if self.column else [self.clean, self.corrupted]}

    @property
    def on(self) -> str:
        return self._selection(self.within)

    @property
    def on_clean(self) -> str:
        own = () if self.column else ((self.variable, self.clean),)
        return self._selection((*self.within, *own))

    @property
    def on_corrupted(self) -> str:
        return self._selection((*self.within, (self.variable, self.corrupted)))

    @property
    def id(self) -> str:
        if self.is_dose:
            return slug(self.variable, *(label for _, label in self.within))
        return slug(self.clean, "not", self.corrupted)

    @property
    def what(self) -> str:
        """What is followed through the model, in words."""
        if self.is_dose:
            of = "".join(f" of {label}" for _, label in self.within)
            return f"the {self.variable}{of}"
        return self.clean

    @property
    def turned(self) -> Trace:
        """The same with clean and corrupted exchanged; of a column it is the same."""
        if self.column:
            return self
        return replace(self, clean=self.corrupted, corrupted=self.clean)

    @property
    def said(self) -> str:
        """The difference in words."""
        of = "".join(f" {label}" for _, label in self.within)
        return f"{self.clean} in place of {self.corrupted}{of}"

    @property
    def effect(self) -> str:
        return f"the effect of {self.said}"

    def _selection(self, conditions: tuple[tuple[str, str], ...]) -> str:
        inside = ", ".join(f"{name}={label}" for name, label in conditions)
        return f"{self.prompts}[{inside}]" if inside else self.prompts


@dataclass(frozen=True)
class Carrier:
    """A site that brings a share of an effect to a position, and how much it should on others."""

    site: str
    position: str
    share: Prediction


@dataclass
class Effect:
    """A difference that moves the answer, and what was found of it so far.

    ``metric`` is larger on clean prompts, by ``gap``: it is the first of the ``choices`` against
    the second. ``stops`` are positions where the difference is on its way, ``arrives`` is the layer
    in which most of it is at the final token, ``mlp`` the MLP that brings most of it where it comes
    from, ``induction`` a carrier with the place at which it looks, which followed the same word
    before.
    """

    trace: Trace
    metric: str
    choices: tuple[str, ...]
    gap: Prediction
    stops: tuple[str, ...] = ()
    arrives: int | None = None
    mlp: Carrier | None = None
    carriers: list[Carrier] = field(default_factory=list)
    induction: tuple[Carrier, str] | None = None

    @property
    def origin(self) -> str:
        """The position at which the prompts of a pair differ."""
        return self.trace.variable

    @property
    def source(self) -> str:
        """The position that what is at the final token was brought from."""
        return self.stops[0] if self.stops else self.origin

    @property
    def towards(self) -> str:
        """Which way it moves the answer, in words."""
        first, *others = self.choices
        return f"{first} and not {others[0]}" if others else first


def class_traces(name: str, prompt_set: PromptSet) -> list[Trace]:
    """The pairs that the set declares, then other classes against the same corrupted one.

    Where it declares none for a variable, every two of its classes.
    """
    declared = [
        Trace(name, variable, variable, labels, column=True)
        if isinstance(labels, str)
        else Trace(name, variable, *labels)
        for variable, labels in prompt_set.pairs.items()
    ]
    others = list(_other_classes(name, prompt_set))
    return [*declared, *(one for one in others if not _same(one, declared))][:MOST_CLASSES]


def _other_classes(name: str, prompt_set: PromptSet) -> Iterator[Trace]:
    shown, last = prompt_set.variable_names, _last(prompt_set)
    for variable, words in prompt_set.vary.items():
        if words.role != "classes" or variable not in shown:
            continue
        labels = [label for label in words.labels if _NAMES_ITSELF.fullmatch(label)]
        against = [label for label in labels if label in last]
        pairs = product(labels, against) if against else combinations(labels, 2)
        yield from (Trace(name, variable, *two) for two in pairs if two[0] != two[1])


def _last(prompt_set: PromptSet) -> set[str]:
    """The corrupted class that is declared: what others are compared with, too."""
    return {labels[1] for labels in prompt_set.pairs.values() if not isinstance(labels, str)}


def _same(one: Trace, others: list[Trace]) -> bool:
    classes = {one.clean, one.corrupted}
    return any(o.variable == one.variable and classes == {o.clean, o.corrupted} for o in others)


def doses(name: str, prompt_set: PromptSet) -> Iterator[tuple[Trace, int]]:
    """From the first to the last word of each ordered variable, with the number of its words.

    It is followed for each class of the first variable that has classes by itself.
    """
    shown = prompt_set.variable_names
    classes: list[tuple[str, str]] = next(
        (
            [(variable, label) for label in words.labels]
            for variable, words in prompt_set.vary.items()
            if words.role == "classes" and variable in shown
        ),
        [],
    )
    for variable, words in prompt_set.vary.items():
        if words.role != "ordered" or len(words.words) < 2 or variable not in shown:
            continue
        first, last = words.words[0].text, words.words[-1].text
        of_classes: list[tuple[tuple[str, str], ...]] = [(each,) for each in classes]
        for within in of_classes or [()]:
            trace = Trace(name, variable, last, first, within, is_dose=True)
            yield trace, len(words.words)
