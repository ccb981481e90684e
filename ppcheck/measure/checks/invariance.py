"""`invariance`: a metric that stays as it is under edits that should not matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from ppcheck.arrays import Floats, Labels, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.check import (
    Bench,
    CheckResult,
    StatisticResult,
    pair_texts,
    statistic_result,
    unit_labels,
)
from ppcheck.measure.core.facts import Facts, Map
from ppcheck.measure.core.metrics import read, same, settled
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.validation import behaviour_problems
from ppcheck.spec.expectations.metric import Metric, MetricsField, Reading
from ppcheck.spec.expectations.range import RATE, Range
from ppcheck.spec.faults import lacking
from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, as_text, suggest
from ppcheck.spec.problem import Problem, Problems, problems_with
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.template import ROW, TEMPLATE
from ppcheck.spec.prompts.unit import merged
from ppcheck.statistics.sample import REAL_LINE
from ppcheck.statistics.statistics import Mean, Proportion
from ppcheck.subject.tokens.encoding import Encoded


def _names(value: Any) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [value]
    names = tuple(as_text(word, "a variable, or a list of them") for word in words)
    if not names or len(set(names)) != len(names):
        raise ValueError("name one variable or several, each once")
    return names


class Invariance(ReadsAt):
    """How far a metric moves when nothing changes but what should not matter.

    change     mean change, edited - reference, over all edits
    largest    mean change under each edit: every one must meet the bound
    size       mean absolute change, in which changes cannot cancel
    flips      share of edited prompts whose likeliest choice is not that of their reference
    reference  mean of the metric on the reference prompts

    Prompts that differ in nothing but `over` are compared: the first word (or template) of the
    selection is the reference, and each other one an edit of it. Bounds are met where the interval
    of 90 % lies within them, which is an equivalence test at 5 % (TOST).
    """

    family: ClassVar[str] = "behaviour"
    confidence: ClassVar[float] = 0.9
    check: Literal["invariance"]
    metric: MetricsField
    over: Annotated[
        tuple[str, ...],
        Parsed(
            _names,
            "What should not matter: a variable, `template` for paraphrases, or several that are "
            "edited at once.",
            TEXT_OR_LIST,
        ),
    ]

    def statistics(self) -> Mapping[str, Range]:
        moves = self.metric.statistics(
            change=lambda metric: metric.change,
            largest=lambda metric: metric.change,
            size=lambda metric: metric.change_size,
            reference=lambda metric: metric.range,
        )
        return {**moves, "flips": RATE}

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from behaviour_problems(prompt_set, self.metric)
        yield from problems_with("over", self._of_over(prompt_set))
        for name, bound in self.expect.items():
            within, inside = bound.high < np.inf, bound.low <= 0 <= bound.high
            if name.startswith(("change", "largest")) and not (inside and len(bound.edges) == 2):
                yield Problem(
                    f"expect.{name}", f'give a range about 0, such as "0 ± 0.05", not "{bound}"'
                )
            if name.startswith(("size", "flips")) and not (inside and within):
                yield Problem(
                    f"expect.{name}", f'give what it may be at most, "<= 0.05", not "{bound}"'
                )
        if "flips" in self.expect and len(prompt_set.choices) < 2:
            yield Problem(
                "expect.flips", f"{self.on.prompts!r} has not two choices to flip between"
            )

    def _of_over(self, prompt_set: PromptSet) -> Iterator[str]:
        for name in self.over:
            if prompt_set.rows is None and name not in prompt_set.selectable:
                yield f"there is no variable {name!r}: {suggest(name, prompt_set.selectable)}"
            elif name in prompt_set.vary and len(prompt_set.vary[name].words) == 1:
                yield f"{name!r} is the same in all prompts: give it another word"
        for group in prompt_set.together:
            left = [name for name in group if name not in self.over]
            if left and len(left) < len(group):
                yield f"{', '.join(group)} go in step: name {', '.join(left)} too"
        if prompt_set.unit and set(prompt_set.unit) <= set(self.over):
            yield "all that makes units differ is edited: nothing independent is left to compare"
        both = [name for name in prompt_set.unit_names if name in self.over]
        if both and (prompt_set.sample is not None or prompt_set.half is not None):
            yield (
                f"{both[0]!r} makes units, of which `sample` and `half` keep some: "
                "let `unit` name what edits leave alone"
            )

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        yield from super().faults_of(prompts, grid)
        for name in self.over:
            unknown = list(lacking(prompts, name, [], str(self.on)))
            yield from problems_with("over", unknown)
            if not unknown and len({prompt.words[name].text for prompt in prompts}) == 1:
                yield Problem("over", f"{name!r} is the same in all prompts of `{self.on}`")

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        encoded = bench.prompts(self.on)
        edits = _Edits.of(encoded, self.over, bench.grid)
        prompt_set = bench.grid.prompt_set
        found: list[StatisticResult] = []
        means: dict[Metric, list[float]] = {}
        for metric in self.metric:
            values = read(bench.subject, encoded, metric, prompt_set.pool)
            step = bench.step(metric)
            found += self._of(metric, values, edits, step)
            moved = edits.changes(values, step)
            means[metric] = [float(moved[mask].mean()) for mask in edits.masks.values()]
        if len(prompt_set.choices) > 1:
            flipped = _flips(_likeliest(bench, encoded), edits)
            found.append(statistic_result(Proportion(flipped, edits.units, "flips"), edits.texts))
        changes = dict(zip(edits.masks, means[self.metric.first], strict=True))
        drawn = Map(
            rows=tuple(edits.masks),
            columns=tuple(map(str, self.metric)),
            values=np.transpose(list(means.values())).tolist(),
        )
        facts = Facts(
            units=len(np.unique(edits.units)),
            extras={"over": list(self.over), "reference": edits.first, "changes": changes},
            maps={"mean change": drawn},
        )
        notes = (f"compared with {edits.first}", *edits.notes)
        return self.result(bench, [encoded], found, facts, notes)

    def _of(
        self, metric: Metric, values: Floats, edits: _Edits, step: float
    ) -> Iterator[StatisticResult]:
        def named(statistic: str) -> str:
            return self.metric.name(statistic, metric)

        changes, texts = edits.changes(values, step), np.array(edits.texts, dtype=object)
        yield statistic_result(Mean(changes, edits.units, named("change"), step=step), texts)
        for level, mask in edits.masks.items():
            member = level if len(edits.masks) > 1 else None
            largest = Mean(changes[mask], edits.units[mask], named("largest"), member, step=step)
            yield statistic_result(largest, texts[mask])
        size = Mean(np.abs(changes), edits.units, named("size"), None, (0.0, inf), step)
        yield statistic_result(size, texts)
        rows, place = np.unique(edits.reference, return_index=True)
        support = (0.0, 1.0) if metric.probability else REAL_LINE
        units = edits.units[place]
        before = Mean(values[rows], units, named("reference"), None, support, step)
        yield statistic_result(before, [edits.prompts[row].text for row in rows])


@dataclass(frozen=True, eq=False)
class _Edits:
    """Which prompts are edits of which: numbers of ``prompts``, units and levels, [edit]."""

    prompts: Sequence[Prompt]
    first: str
    reference: Labels
    edited: Labels
    units: Labels
    levels: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, encoded: Encoded, over: Sequence[str], grid: Grid) -> _Edits:
        """Edits that leave a prompt's tokens as they are show nothing, and are left out.

        Raises MeasurementError where no prompt of the first level has an edit.
        """
        prompts, ids, settings = encoded.prompts, encoded.ids, grid.prompt_set
        # Columns of a file that no template shows, such as a row's id, keep no prompts apart.
        shown = dict.fromkeys((TEMPLATE, *settings.variable_names, *settings.vary))
        rest = [name for name in shown if name not in over]
        groups: dict[str, dict[str, int]] = defaultdict(dict)
        for number, prompt in enumerate(prompts):
            groups[_named(prompt, rest)][_named(prompt, over)] = number
        first = _named(prompts[0], over)
        every = [
            (group[first], number, key, level)
            for key, group in groups.items()
            if first in group
            for level, number in group.items()
            if level != first
        ]
        edits = [edit for edit in every if ids[edit[0]] != ids[edit[1]]]
        if not every:
            raise MeasurementError(
                f"no two prompts differ in {', '.join(over)} alone, one of them with {first}"
            )
        if not edits:
            raise MeasurementError(
                f"no edit of {', '.join(over)} changes a token: the claim is true of any model"
            )
        reference, edited, keys, levels = zip(*edits, strict=True)
        kept = [name for name in grid.unit_names if name not in over]
        if not settings.vary.keys() | {TEMPLATE} >= set(over):
            kept = [name for name in kept if name != ROW]  # an edit is then another row
        units = [_named(prompts[row], kept) for row in reference] if kept else keys
        sides = [[ids[number] for number in side] for side in (reference, edited)]
        numbers = np.array(reference), np.array(edited), unit_labels(merged(units, *sides))
        void = f"{len(every) - len(edits):,} of {len(every):,} edits change no token: left out"
        return cls(prompts, first, *numbers, levels, (void,) if edits != every else ())

    @property
    def masks(self) -> dict[str, Mask]:
        """The edits to each level, [edit]."""
        levels = np.array(self.levels)
        return {level: levels == level for level in dict.fromkeys(self.levels)}

    @property
    def texts(self) -> list[str]:
        return [
            _text(self.prompts[a], self.prompts[b])
            for a, b in zip(self.reference, self.edited, strict=True)
        ]

    def changes(self, values: Floats, step: float) -> Floats:
        """Edited - reference, [edit]; less than rounding is 0."""
        before, after = values[self.reference], values[self.edited]
        return np.asarray(settled(after, before, step) - before)


def _named(prompt: Prompt, names: Sequence[str]) -> str:
    words = prompt.words
    return ", ".join(f"{name}={words[name].text}" for name in names if name in words)


def _text(reference: Prompt, edited: Prompt) -> str:
    if _named(reference, [TEMPLATE]) == _named(edited, [TEMPLATE]):
        return pair_texts([reference], [edited])[0]
    return f"[{reference.text} → {edited.text}]"


def _likeliest(bench: Bench, encoded: Encoded) -> Mask:
    """Whether no other choice is likelier by more than rounding, [prompt, choice]."""
    prompt_set = bench.grid.prompt_set
    metrics = [Metric(Reading.P, (name,)) for name in prompt_set.choices]
    shares = [read(bench.subject, encoded, metric, prompt_set.pool) for metric in metrics]
    best = np.max(shares, axis=0)
    step = bench.step(metrics[0])
    return np.stack([same(share, best, step) for share in shares], axis=1)


def _flips(likeliest: Mask, edits: _Edits) -> Mask:
    """Whether no choice is the likeliest on both sides of an edit, [edit]."""
    both = likeliest[edits.reference] & likeliest[edits.edited]
    return np.logical_not(both.any(axis=1))
