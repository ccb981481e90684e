"""A prompt set as it is written in a spec."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Literal, Self

from pydantic import Field, model_validator

from ppcheck.spec.base import Model
from ppcheck.spec.grammar import FieldError, suggest
from ppcheck.spec.prompts.columns import ColumnsField
from ppcheck.spec.prompts.consistency import check_consistency
from ppcheck.spec.prompts.fields import ChoiceField, ContrastField, IdsField, TemplateField
from ppcheck.spec.prompts.template import (
    TEMPLATE,
    Form,
    Piece,
    parse_ids,
    parse_template,
    variables,
)
from ppcheck.spec.prompts.variable import Variable, VariableField, Word

MAX_PROMPTS = 20_000
MAX_GRID = 500_000
"""How many prompts a grid may have before `sample` keeps some of its units."""

Pool = Literal["sum", "mean", "max"]
Half = Literal["explore", "judge"]
Population = Literal["fixed"]
Contrast = Mapping[str, tuple[str, str] | str]


class TurnTemplate(Model):
    """One turn of a chat, rendered with the tokenizer's own chat template."""

    role: Literal["system", "user", "assistant"]
    content: str


class PromptSet(Model):
    """Prompts as the grid of a template's variables, or one for each row of a file, or both.

    Exactly one of ``template``, ``ids`` and ``turns`` is given.
    """

    template: TemplateField | None = None
    ids: IdsField | None = None
    turns: list[TurnTemplate] | None = Field(
        None, min_length=1, description="Chat turns with {variables}."
    )
    vary: dict[str, VariableField] = Field(
        default_factory=dict, description="What each variable may become."
    )
    together: list[list[str]] = Field(
        default_factory=list,
        description="Variables that go through their words in step instead of being crossed: "
        "[[safe, bold]].",
    )
    rows: str | None = Field(
        None,
        description="A CSV or JSONL file beside the spec; each column is a variable. Columns "
        "`x.class` and `x.dose` give the class and the dose of x.",
    )
    columns: ColumnsField | None = None
    choices: dict[str, ChoiceField] = Field(
        default_factory=dict, description="The answers that metrics name."
    )
    choice_prefix: str = Field(" ", description="What stands between the prompt and an answer.")
    pool: Pool = Field(
        "sum",
        description="How synonyms count as one answer: their probabilities added (sum), the mean "
        "or the largest of their logits.",
    )
    pairs: dict[str, ContrastField] = Field(
        default_factory=dict,
        max_length=1,
        description="Clean and corrupted: {feeling: [pain, neutral]} swaps words of these classes; "
        "{name: other} puts the row's column `other` in the place of `name`.",
    )
    unit: list[str] | None = Field(
        None,
        description="Prompts that agree on these variables are one independent unit and are "
        "resampled together. Default: the row, and the variables that are plain lists; where "
        "there is neither, and for [], each prompt is a unit.",
    )
    sample: int | None = Field(
        None, ge=1, description="Keep this many units, chosen by a hash of their words."
    )
    half: Half | None = Field(
        None, description="Keep one half of the units: `explore` to look at, `judge` to judge on."
    )
    seed: int = Field(0, description="Names the choice made by `sample` and `half`.")
    population: Population | None = Field(
        None,
        description="`fixed`: these prompts are all there is, such as the rows of a published "
        "table. What is measured on them is exact but for rounding, and no number of units is "
        "asked for. Default: they are a sample.",
    )

    @property
    def form(self) -> Form:
        return "ids" if self.ids is not None else "chat" if self.turns is not None else "text"

    @property
    def templates(self) -> tuple[tuple[tuple[str | None, tuple[Piece, ...]], ...], ...]:
        """Every paraphrase as its turns, each a role and its pieces. ValueError if malformed."""
        if self.ids is not None:
            return (((None, parse_ids(self.ids)),),)
        if self.turns is not None:
            return (tuple((turn.role, parse_template(turn.content)) for turn in self.turns),)
        return tuple(((None, parse_template(text)),) for text in self.template or ())

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Every variable that stands in a template, in order."""
        pieces = [p for template in self.templates for _, turn in template for p in turn]
        return tuple(dict.fromkeys(variables(tuple(pieces))))

    @property
    def answer_names(self) -> tuple[str, ...]:
        """Every variable that stands in an answer, in order."""
        texts = [text for texts in self.choices.values() for text in texts]
        return tuple(dict.fromkeys(n for text in texts for n in variables(parse_template(text))))

    @property
    def unit_names(self) -> tuple[str, ...]:
        if self.unit is not None:
            return tuple(self.unit)
        plain = [name for name, variable in self.vary.items() if variable.role == "plain"]
        return (*([TEMPLATE] if len(self.templates) > 1 else []), *plain)

    @property
    def axes(self) -> list[list[dict[str, Word]]]:
        """What is crossed: the paraphrases, and the words of each variable or group in step."""
        numbers = [str(number) for number in range(1, len(self.templates) + 1)]
        axes = [[{TEMPLATE: Word(number, number)} for number in numbers]] if numbers[1:] else []
        done: set[str] = set()
        for name in self.vary:
            if name in done:
                continue
            names = next((group for group in self.together if name in group), [name])
            done.update(names)
            steps = zip(*(self.vary[other].words for other in names), strict=True)
            axes.append([dict(zip(names, words, strict=True)) for words in steps])
        return axes

    @property
    def selectable(self) -> tuple[str, ...]:
        """The names that selections and units may use, as far as they are known without rows."""
        paraphrased = [TEMPLATE] if len(self.templates) > 1 else []
        return tuple(dict.fromkeys((*self.variable_names, *self.vary, *paraphrased)))

    @property
    def is_fixed(self) -> bool:
        """Whether the prompts are all there is, not a sample."""
        return self.population is not None

    def check_pairs(self, pairs: Contrast) -> None:
        """ValueError unless the prompts can be paired like this."""
        for name, labels in pairs.items():
            if name not in self.variable_names:
                raise ValueError(f"no template has {name!r}: {suggest(name, self.variable_names)}")
            if labels == name:
                raise ValueError(f"{name!r} is paired with itself")
            if isinstance(labels, str):
                if self.rows is None and labels not in self.vary:
                    advice = suggest(labels, self.vary)
                    raise ValueError(f"there is no variable {labels!r}: {advice}")
            elif name not in self.vary:
                raise ValueError(f"{name!r} comes from rows: name the column to swap it with")
            check_labels(name, self.vary.get(name), labels)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(form is not None for form in (self.template, self.ids, self.turns)) != 1:
            raise ValueError("prompts have exactly one of `template`, `ids` and `turns`")
        check_consistency(self)
        if self.columns is not None and self.rows is None:
            raise FieldError("columns are those of a file: name it under `rows`", "columns")
        for key, value in (("sample", self.sample), ("half", self.half)):
            if self.is_fixed and value is not None:
                raise FieldError(
                    f"the prompts are all there is, and `{key}` keeps a part of them: leave out "
                    f"`population` or `{key}`",
                    "population",
                )
        check_size(prod(map(len, self.axes)), self.sample)
        try:
            self.check_pairs(self.pairs)
        except ValueError as error:
            raise FieldError(str(error), "pairs") from None
        return self


def check_size(size: int, sample: int | None) -> None:
    """ValueError where a grid of ``size`` prompts is too large to be listed."""
    limit = MAX_PROMPTS if sample is None else MAX_GRID
    if size > limit:
        raise ValueError(
            f"the grid has {size:,} prompts and may have {limit:,}: "
            + (
                "give shorter lists, or `sample` a number of units"
                if sample is None
                else "give shorter lists"
            )
        )


def check_labels(name: str, variable: Variable | None, labels: tuple[str, str] | str) -> None:
    """ValueError unless both labels are classes (or words) of the variable, and differ."""
    if isinstance(labels, str):
        return
    if labels[0] == labels[1]:
        raise ValueError(f"{list(labels)} of {name!r} is the same class twice")
    for label in labels:
        if variable is not None and label not in variable.labels:
            raise ValueError(f"{name!r} has no class {label!r}: {suggest(label, variable.labels)}")
