"""What every claim has, whatever its check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ppcheck.spec.base import Model
from ppcheck.spec.bound import Bound
from ppcheck.spec.grammar import Parsed, as_text, suggest
from ppcheck.spec.grid import Contrast
from ppcheck.spec.metric import Metric
from ppcheck.spec.position import Position
from ppcheck.spec.prompts import PromptSet, check_labels
from ppcheck.spec.selection import SelectionField

_BOUNDS = '">= 0.3", "< 0", "0.2..0.6" or "0.614 ± 0.01"'


def _bound(value: Any) -> Bound:
    return Bound.parse(as_text(value, f"a bound ({_BOUNDS})"))


BoundField = Annotated[Bound, Parsed(_bound, f"A bound: {_BOUNDS}")]
PairsField = Annotated[
    dict[str, tuple[str, str] | str] | None,
    Field(max_length=1, description="Overrides the prompt set's clean and corrupted."),
]


class Claim(Model):
    """One statement about a model, and the bounds on what is measured that would make it true."""

    family: ClassVar[str]
    """The pytest marker under which `-m` finds the check."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Unique in its file.")
    says: str = Field(min_length=1, description="The claim in words.")
    on: SelectionField
    expect: dict[str, BoundField] = Field(min_length=1, description="Statistic: bound.")
    source: str | None = Field(None, description="Who found it, or how the bounds were set.")

    def statistic_names(self) -> tuple[str, ...]:
        """The statistics that the check gives and `expect` may name."""
        raise NotImplementedError  # every check says

    def problems(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        """What can be seen to be wrong without a model: each a key of the claim and a message."""
        names = self.statistic_names()
        for name in self.expect:
            if name not in names:
                yield "expect", f"this check gives no statistic {name!r}: {suggest(name, names)}"
        if prompt_set.rows is None:
            yield from self._unknown_names(prompt_set)

    def _unknown_names(self, prompt_set: PromptSet) -> Iterator[tuple[str, str]]:
        variables = (*prompt_set.variable_names, *prompt_set.unit_names)
        for condition in self.on.conditions:
            if condition.variable not in variables:
                advice = suggest(condition.variable, variables)
                yield "on", f"no prompt has a variable {condition.variable!r}: {advice}"
        for key, field in type(self).model_fields.items():
            value = getattr(self, key)
            written = field.alias or key
            if isinstance(value, Position) and value.variable is not None:
                if value.variable not in variables:
                    advice = suggest(value.variable, ("final", "all", *variables))
                    yield written, f"the position {str(value)!r} is no variable: {advice}"
            elif isinstance(value, Metric):
                for choice in value.choices:
                    if choice not in prompt_set.choices:
                        advice = suggest(choice, prompt_set.choices)
                        yield written, f"{choice!r} is no choice of {self.on.prompts!r}: {advice}"

    def needs_pairs(
        self, prompt_set: PromptSet, contrast: Contrast | None
    ) -> Iterator[tuple[str, str]]:
        """The problem, if there is one, with the pairs that the check would use."""
        contrast = contrast or prompt_set.pairs
        if not contrast:
            yield "on", f"this check needs `pairs`, and {self.on.prompts!r} has none"
        for name, labels in contrast.items():
            try:
                check_labels(name, prompt_set.vary.get(name), labels)
            except ValueError as error:
                yield "pairs", str(error)
