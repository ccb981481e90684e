"""What every claim has, whatever its check."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ppcheck.errors import SpecError
from ppcheck.spec.base import Model
from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.condition import Conditions
from ppcheck.spec.expectations.metric import Metric, Metrics
from ppcheck.spec.expectations.range import PROBABILITY, Range
from ppcheck.spec.expectations.versus import Versus
from ppcheck.spec.expected import of_expect, of_tolerance
from ppcheck.spec.faults import of_features, of_members, of_place, of_selection
from ppcheck.spec.grammar import Parsed, as_text, suggest
from ppcheck.spec.problem import Problem, Problems, problems_with
from ppcheck.spec.prompts.fields import ContrastField
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import Contrast, PromptSet
from ppcheck.spec.prompts.selection import Selection, SelectionField
from ppcheck.spec.prompts.target import of_label, of_target
from ppcheck.spec.prompts.unit import merged
from ppcheck.spec.sites.position import Position, Positions
from ppcheck.spec.sites.site import SitePattern, Sites

_BOUNDS = '">= 0.3", "< 0", "0.2..0.6" or "0.614 ± 0.01"'


def _bound(value: Any) -> Bound:
    return Bound.parse(as_text(value, f"a bound in quotes, such as {_BOUNDS}"))


BoundField = Annotated[Bound, Parsed(_bound, f"A bound: {_BOUNDS}")]
PairsField = Annotated[
    dict[str, ContrastField] | None,
    Field(
        min_length=1, max_length=1, description="Overrides the prompt set's clean and corrupted."
    ),
]


_OF_A_SAMPLE = (
    "`population: fixed` makes exact what is measured on all its prompts, and this takes a part of "
    "them or draws others: leave out one of the two"
)
_OF_REPLIES = "{} is of replies: it is read in `contrast` and `dose_response`"
MASS = "mass"
"""The statistic of every claim about choices: their probability together, over the vocabulary."""
ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"
"""What pytest, JUnit and a shell carry as it is."""
Correction = Literal["max_t", "bonferroni", "holm", "bh"]


class Claim(Model):
    """One statement about a model, and the bounds on what is measured that would make it true."""

    family: ClassVar[str]
    """The pytest marker under which `-m` finds the check."""

    takes_features: ClassVar[bool] = False
    """Whether its sites may be features of a dictionary."""

    confidence: ClassVar[float] = 0.95
    """Of the interval that is judged; 0.9 makes it an equivalence test at 5 % (TOST)."""

    id: str = Field(pattern=ID, description="Unique in its file.")
    says: str = Field(min_length=1, description="The claim in words.")
    on: SelectionField
    expect: dict[str, BoundField] = Field(
        min_length=1,
        description="Statistic: bound. Of a statistic of several sites also the difference between "
        "two of them, `drop[L1H0] - drop[L0H1]`.",
    )
    tolerance: dict[str, float] = Field(
        default_factory=dict,
        description="Statistic: by how much it may become worse than its baseline. Default: a "
        "tenth of the old estimate or of the bound's edge, whichever is the larger.",
    )
    source: str | None = Field(None, description="Who found it, or how the bounds were set.")
    correction: Correction = Field(
        "max_t",
        description="How a family of statistics is corrected: simultaneous intervals (`max_t`, "
        "`bonferroni`), no wrong verdict (`holm`), or few among many (`bh`).",
    )

    @abstractmethod
    def statistics(self) -> Mapping[str, Range]:
        """The statistics that the check gives and `expect` may name, each with its values."""

    @property
    def all_statistics(self) -> Mapping[str, Range]:
        """Those of the check, what every claim about choices has, and those that it compares."""
        own, compared = self._own, ((name, Versus.read(name)) for name in self.expect)
        return own | {
            name: versus.range(own[versus.statistic])
            for name, versus in compared
            if versus is not None and versus.statistic in own
        }

    @property
    def _own(self) -> dict[str, Range]:
        has_choices = any(metric.choices for metric in self.metrics)
        return {**({MASS: PROBABILITY} if has_choices else {}), **self.statistics()}

    def problems(self, prompt_set: PromptSet) -> Problems:
        """What can be seen to be wrong without a model: with which key of the claim."""
        yield from of_expect(self.expect, self.all_statistics, self._of_versus)
        yield from of_tolerance(self.tolerance, self.expect)
        if prompt_set.is_fixed:
            yield from (Problem(key, _OF_A_SAMPLE) for key in self.sampling)
        for key, place in self.places:
            yield from problems_with(key, _of_position(place, prompt_set))
        for written, value in _fields(self):
            if isinstance(value, Sites):
                found = of_features(value, taken=self.takes_features)
                yield from problems_with(written, found)
            elif isinstance(value, Selection):
                yield from problems_with(written, self._of_selection(value, prompt_set))
            elif isinstance(value, Metrics | Conditions):
                for choice in dict.fromkeys(c for metric in value.metrics for c in metric.choices):
                    if choice not in prompt_set.choices:
                        advice = suggest(choice, prompt_set.choices)
                        yield Problem(
                            written, f"{choice!r} is not a choice of {self.on.prompts!r}: {advice}"
                        )
                if "reply" not in type(self).model_fields:
                    rates = (metric for metric in value.metrics if metric.outcome is not None)
                    yield from problems_with(written, (_OF_REPLIES.format(rate) for rate in rates))

    def _of_versus(self, versus: Versus) -> Iterator[str]:
        """What is wrong with a comparison of two members."""
        top, together = getattr(self, "top", None) is not None, getattr(self, "together", False)
        yield from versus.faults(self._own)
        yield from of_members(versus, getattr(self, "site", None), top=top, together=together)

    def _of_selection(self, selection: Selection, prompt_set: PromptSet) -> Iterator[str]:
        if selection.prompts != self.on.prompts:
            yield f"the claim is about {self.on.prompts!r}: select from these, not others"
            return
        for condition in selection.conditions:
            name = condition.variable
            if prompt_set.rows is None and name not in prompt_set.selectable:
                yield f"there is no variable {name!r}: {suggest(name, prompt_set.selectable)}"
            for label in condition.labels:
                yield from of_label(name, label, prompt_set)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Every metric that it reads, each once."""
        found = (value for _, value in _fields(self) if isinstance(value, Metrics | Conditions))
        return tuple(dict.fromkeys(metric for value in found for metric in value.metrics))

    @property
    def places(self) -> Iterator[tuple[str, Position]]:
        """Every position that it names, with its key as written."""
        return ((key, place) for key, value in _fields(self) for place in _places(value))

    @property
    def feature_sites(self) -> Iterator[tuple[str, SitePattern]]:
        """Every feature that it names, with the key under which it does."""
        for written, value in _fields(self):
            if isinstance(value, Sites):
                yield from ((written, each) for each in value if each.dictionary)

    @property
    def dictionaries(self) -> tuple[str, ...]:
        """The names of the dictionaries whose features it is about."""
        return tuple(dict.fromkeys(pattern.dictionary for _, pattern in self.feature_sites))

    @property
    def halves(self) -> bool:
        """Whether it judges on one half of the units what it found on the other."""
        return getattr(self, "top", None) is not None

    @property
    def sampling(self) -> Iterator[str]:
        """Keys of what makes its figures those of a part of its prompts, or of draws beside them.

        What they say of a fixed population is not exact.
        """
        if self.halves:
            yield "check" if getattr(self, "top", None) is None else "top"
        if getattr(self, "ablation", None) == "resample":
            yield "ablation"
        if getattr(getattr(self, "reply", None), "samples", None) is not None:
            yield "reply"

    def most_units(self, grid: Grid, name: str) -> int:
        """How many independent units the statistic ``name`` is judged on, at the most."""
        del name
        units = len({prompt.unit for prompt in self.examples_in(grid)})
        return units // 2 if self.halves else units

    def examples_in(self, grid: Grid) -> Sequence[Prompt]:
        """The prompts that are examples of its statistics."""
        return grid.select(self.on)

    def least_members(self, name: str) -> int:
        """Over how many members the statistic ``name`` is corrected, at the least."""
        del name
        if (top := getattr(self, "top", None)) is not None:
            return int(top)
        sites = getattr(self, "site", None)
        return 1 if sites is None else max(1, sum(pattern.least for pattern in sites))

    @property
    def is_paired(self) -> bool:
        """Whether a metric is read on clean prompts and on their corrupted twins."""
        return "pairs" in type(self).model_fields and getattr(self, "metric", None) is not None

    def sides(self, grid: Grid) -> tuple[tuple[Prompt, ...], ...]:
        """The prompts that it is measured on or, where it is paired, clean ones and their twins.

        Raises SpecError where there are none.
        """
        if not self.is_paired:
            return (grid.select(self.on),)
        pairs = grid.pairs(self.on, getattr(self, "pairs", None))
        return tuple(pair.clean for pair in pairs), tuple(pair.corrupted for pair in pairs)

    def units(self, grid: Grid) -> int:
        """How many independent units there are, as far as prompts tell by their text."""
        sides = self.sides(grid)
        names = [prompt.unit for prompt in sides[0]]
        return len(set(merged(names, *([prompt.text for prompt in side] for side in sides))))

    def repeats(self, grid: Grid) -> int:
        """How many of its prompts, or pairs, are others over again, word for word."""
        sides = self.sides(grid)
        texts = zip(*([prompt.text for prompt in side] for side in sides), strict=True)
        return len(sides[0]) - len(set(texts))

    def faults(self, grid: Grid) -> Problems:
        """What can be seen to be wrong once the prompts are made.

        Raises SpecError where the prompts cannot be made.
        """
        selected = [(key, value) for key, value in _fields(self) if isinstance(value, Selection)]
        wrong = [
            p for key, value in selected for p in problems_with(key, of_selection(value, grid))
        ]
        yield from wrong
        if wrong:
            return
        prompts = grid.select(self.on)
        try:
            (measured, *_) = self.sides(grid)
        except SpecError as error:
            if error.path is not None:
                raise
            yield Problem("pairs" if getattr(self, "pairs", None) else "on", error.message)
            measured = ()
        elsewhere = {key.removesuffix("on") for key, _ in selected if key.endswith(".on")}
        for key, place in self.places:
            shown = () if key.startswith(tuple(elsewhere)) else measured
            for atom in place.atoms:
                yield from problems_with(key, of_place(atom, prompts, shown, str(self.on)))
        yield from self.faults_of(prompts, grid)

    def advice(self, grid: Grid) -> Iterator[str]:
        """What would say more than the claim does, as far as the prompts tell."""
        del grid
        yield from ()

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        """What is wrong with the prompts that `on` selects for this kind of check."""
        del prompts, grid
        yield from ()

    def expand(self, grid: Grid) -> None:
        """Make the prompts. Raises SpecError, without a place, for the first of `faults`."""
        for problem in self.faults(grid):
            raise SpecError(problem.message)

    def needs_pairs(self, prompt_set: PromptSet, contrast: Contrast | None) -> Problems:
        """The problem, if there is one, with the pairs that the check would use."""
        if not contrast and not prompt_set.pairs:
            yield Problem("check", f"this check needs `pairs`, and {self.on.prompts!r} has none")
        try:
            prompt_set.check_pairs(contrast or {})
        except ValueError as error:
            yield Problem("pairs", str(error))


def _fields(model: Model, within: str = "") -> Iterator[tuple[str, Any]]:
    """Every field, and those of the models that stand in fields: its key as written, its value."""
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), f"{within}{field.alias or name}"
        if isinstance(value, Model):
            yield from _fields(value, f"{key}.")
        else:
            yield key, value


def _places(value: Any) -> Iterator[Position]:
    """The positions that a field names."""
    if isinstance(value, Position):
        yield value
    elif isinstance(value, Positions):
        yield from value
    elif isinstance(value, Metrics | Conditions):
        for metric in value.metrics:
            if metric.variable is not None:
                yield Position("variable", variable=metric.variable)


def _of_position(position: Position, prompt_set: PromptSet) -> Iterator[str]:
    for atom in position.atoms:
        if atom.variable is None:
            continue
        if atom.variable not in prompt_set.variable_names:
            advice = suggest(atom.variable, ("final", "all", *prompt_set.variable_names))
            yield f"there is no position {str(atom)!r}: {advice}"
        elif atom.label is not None:
            yield from of_target(atom.variable, atom.label, prompt_set)
