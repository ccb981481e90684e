"""A prompt set as it is written in a spec."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ppcheck.spec.base import Model
from ppcheck.spec.grammar import Parsed, suggest
from ppcheck.spec.template import Form, Piece, parse_ids, parse_template, token_ids, variables
from ppcheck.spec.variable import Variable, VariableField, Word, plain_word

MAX_PROMPTS = 20_000
MAX_GRID = 2_000_000
"""How many prompts a grid may have before `sample` keeps some of its units."""
TEMPLATE = "template"
"""The name under which a prompt's template is one of its variables, where there are several."""

Pool = Literal["sum", "mean", "max"]
Half = Literal["explore", "judge"]


def _synonyms(value: Any) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [value]
    if not words:
        raise ValueError("a choice needs at least one answer")
    return tuple(plain_word(word) for word in words)


ChoiceField = Annotated[
    tuple[str, ...],
    Parsed(
        _synonyms,
        "The answer's text, or a list of synonyms; {variables} are allowed.",
        {
            "anyOf": [
                {"type": ["string", "number"]},
                {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1},
            ]
        },
    ),
]


class TurnTemplate(Model):
    """One turn of a chat, rendered with the tokenizer's own chat template."""

    role: Literal["system", "user", "assistant"]
    content: str


class PromptSet(Model):
    """Prompts as the grid of a template's variables, or one for each row of a file, or both.

    Exactly one of ``template``, ``ids`` and ``turns`` is given.
    """

    template: str | list[str] | None = Field(
        None, description="Text with {variables}; several templates are paraphrases of each other."
    )
    ids: list[int | str] | None = Field(
        None, description='Token ids and "{variables}", for models without a tokenizer.'
    )
    turns: list[TurnTemplate] | None = Field(None, description="Chat turns with {variables}.")
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
    choices: dict[str, ChoiceField] = Field(
        default_factory=dict, description="The answers that metrics name."
    )
    choice_prefix: str = Field(" ", description="What stands between the prompt and an answer.")
    pool: Pool = Field(
        "sum",
        description="How synonyms count as one answer: their probabilities added (sum), the mean "
        "or the largest of their logits.",
    )
    pairs: dict[str, tuple[str, str] | str] = Field(
        default_factory=dict,
        max_length=1,
        description="Clean and corrupted: {feeling: [pain, neutral]} swaps words of these classes; "
        "{name: other} puts the row's column `other` in the place of `name`.",
    )
    unit: list[str] | None = Field(
        None,
        description="Prompts that agree on these variables are one independent unit and are "
        "resampled together. Default: the variables that are plain lists.",
    )
    sample: int | None = Field(
        None, ge=1, description="Keep this many units, chosen by a hash of their words."
    )
    half: Half | None = Field(
        None, description="Keep one half of the units: `explore` to look at, `judge` to judge on."
    )
    seed: int = Field(0, description="Names the choice made by `sample` and `half`.")

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
        texts = self.template if isinstance(self.template, list) else [self.template or ""]
        return tuple(((None, parse_template(text)),) for text in texts)

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Every variable that stands in a template, in order."""
        pieces = [p for template in self.templates for _, turn in template for p in turn]
        return tuple(dict.fromkeys(variables(tuple(pieces))))

    @property
    def unit_names(self) -> tuple[str, ...]:
        if self.unit is not None:
            return tuple(self.unit)
        plain = [name for name, variable in self.vary.items() if variable.role == "plain"]
        return (*([TEMPLATE] if len(self.templates) > 1 else []), *plain)

    @property
    def axes(self) -> list[list[dict[str, Word]]]:
        """What is crossed to make the grid: for each variable (or variables in step) its words."""
        axes = []
        done: set[str] = set()
        for name in self.vary:
            if name in done:
                continue
            names = next((group for group in self.together if name in group), [name])
            done.update(names)
            steps = zip(*(self.vary[other].words for other in names), strict=True)
            axes.append([dict(zip(names, words, strict=True)) for words in steps])
        return axes

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(form is not None for form in (self.template, self.ids, self.turns)) != 1:
            raise ValueError("a prompt set has exactly one of `template`, `ids` and `turns`")
        if not self.variable_names and not self.templates[0][0][1]:
            raise ValueError("the template is empty")
        self._check_variables()
        self._check_size()
        if self.form == "ids":
            self._check_ids()
        return self

    def _check_variables(self) -> None:
        names = self.variable_names
        for name in names:
            if self.rows is None and name not in self.vary:
                raise ValueError(f"{{{name}}} is not under `vary`: {suggest(name, self.vary)}")
        answers = "".join(text for texts in self.choices.values() for text in texts)
        for name in self.vary:
            if name not in (*names, *variables(parse_template(answers))):
                raise ValueError(f"`vary` has {name!r}, which no template uses")
        self._check_steps()
        for name in self.unit or ():
            if self.rows is None and name not in (*names, TEMPLATE):
                raise ValueError(f"`unit` names {name!r}: {suggest(name, names)}")
        for name, labels in self.pairs.items():
            if name not in names:
                raise ValueError(f"`pairs` names {name!r}: {suggest(name, names)}")
            check_labels(name, self.vary.get(name), labels)

    def _check_steps(self) -> None:
        for group in self.together:
            lengths = {len(self.vary[name].words) for name in group if name in self.vary}
            if not set(group) <= self.vary.keys() or len(lengths) != 1:
                raise ValueError(f"`together` needs variables of equally many words, not {group}")

    def _check_size(self) -> None:
        size = len(self.templates) * prod(len(axis) for axis in self.axes)
        limit = MAX_PROMPTS if self.sample is None else MAX_GRID
        if size > limit:
            raise ValueError(
                f"the grid has {size:,} prompts and may have {limit:,}: "
                "give shorter lists, or `sample` a number of units"
            )

    def _check_ids(self) -> None:
        for variable in self.vary.values():
            for word in variable.words:
                token_ids(word.text)
        for texts in self.choices.values():
            for text in texts:
                if "{" not in text:
                    token_ids(text)


def check_labels(name: str, variable: Variable | None, labels: tuple[str, str] | str) -> None:
    """ValueError unless both labels are classes (or words) of the variable, and differ."""
    if isinstance(labels, str):
        return
    if labels[0] == labels[1]:
        raise ValueError(f"the pair {list(labels)} of {name!r} has the same class twice")
    for label in labels:
        if variable is not None and label not in variable.labels:
            raise ValueError(f"{name!r} has no class {label!r}: {suggest(label, variable.labels)}")
