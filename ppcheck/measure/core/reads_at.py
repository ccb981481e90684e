"""Checks that read a metric: where in each prompt they read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import Field

from ppcheck.measure.core.check import Bench, Check, CheckResult, StatisticResult
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.validation import patch_problems, single_problems
from ppcheck.spec.expectations.metric import Reading
from ppcheck.spec.problem import Problem, Problems, renamed
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import FINAL, Position, PositionField
from ppcheck.subject.tokens.encoding import Encoded


class ReadsAt(Check):
    """A check whose metrics are read after one token of each prompt, at which the prompt ends.

    A causal model computes there what it would compute in the whole prompt.
    """

    at: PositionField = Field(
        FINAL, description="The token after which the metric is read; default: the final one."
    )

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from renamed("at", single_problems(self.at, "a metric is read after"))
        yield from renamed("at", patch_problems(self.at))
        losses = [metric for metric in self.metrics if metric.reading is Reading.LOSS]
        if losses and self.at != FINAL:
            yield Problem("at", "a loss is read at its own tokens: leave out `at`, or the loss")

    def faults_of(self, prompts: Sequence[Prompt], grid: Grid) -> Problems:
        """What stands after ``at`` in every prompt, as far as their pieces say."""
        yield from super().faults_of(prompts, grid)
        for key, place in self.places:
            for atom in () if place.kind == "but" else place.atoms:
                if self._comes_before(atom, prompts):
                    yield Problem(
                        key,
                        f"{atom} comes after {self.at}, where the metric is read, and nothing "
                        f"there can change it: name {self.at}, or what stands before it",
                    )
        pairs = (getattr(self, "pairs", None) or grid.prompt_set.pairs) if self.is_paired else {}
        compared = dict.fromkeys(pairs, "clean and corrupted prompts")
        if dose := getattr(self, "dose", None):
            compared |= {dose: "prompts of all doses"}
        for name, which in compared.items():
            if self._comes_before(Position("variable", variable=name), prompts):
                yield Problem("at", f"{name} comes after {self.at}: up to there {which} are equal")

    def result(
        self,
        bench: Bench,
        sides: Sequence[Encoded],
        found: Iterable[StatisticResult],
        facts: Facts | None = None,
        notes: Sequence[str] = (),
        read_on: Sequence[Encoded] | None = None,
    ) -> CheckResult:
        result = super().result(bench, sides, found, facts, notes, read_on)
        if self.at == FINAL:
            return result
        said = f"read after {self.at}, where every prompt ends for this claim"
        return replace(
            result,
            facts=result.facts | Facts(extras={"at": str(self.at)}),
            notes=(said, *result.notes),
        )

    def _comes_before(self, position: Position, prompts: Sequence[Prompt]) -> bool:
        """Whether ``at`` is part of a variable, and the position all after it in every prompt."""
        name = self.at.variable
        return name is not None and all(_follows(position, name, prompt) for prompt in prompts)


def _follows(position: Position, name: str, prompt: Prompt) -> bool:
    """Whether a position, the final one or of a variable, comes after all of variable ``name``."""
    pieces = [piece for turn in prompt.turns for piece in turn.pieces if piece.text.strip()]
    shown = [piece.variable for piece in pieces]
    if name not in shown:
        return False
    end = len(shown) - shown[::-1].index(name)
    if position == FINAL:
        return end < len(shown)
    other = position.variable
    return other is not None and other in shown[end:] and other not in shown[:end]
