"""How replies are asked for: how long they may be, what they are called, whether they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from ppcheck.spec.base import Model
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.expectations.outcomes import Outcomes
from ppcheck.spec.grammar import suggest
from ppcheck.spec.problem import Problem, Problems


class Replying(Model):
    """The replies to prompts, and the outcomes into which they are sorted."""

    tokens: int = Field(ge=1, le=100_000, description="How long a reply may be.")
    outcomes: dict[str, str] = Field(
        min_length=1, description="Outcome: the regular expression (RE2) that stands for it."
    )
    match: Literal["first", "last"] = Field(
        "first", description="Which counts where several are found in a reply."
    )
    after: str | None = Field(
        None, min_length=1, description="Only what follows this text is read of a reply."
    )
    samples: int | None = Field(
        None, ge=1, le=10_000, description="How many replies to each prompt are drawn."
    )
    temperature: float = Field(1.0, gt=0, le=100, description="At which they are drawn.")

    @property
    def named(self) -> Outcomes:
        return Outcomes(self.outcomes, self.match == "last", self.after)

    @property
    def each(self) -> int:
        """How many replies there are to each prompt."""
        return self.samples or 1

    def of_replies(self) -> Problems:
        """What is wrong with them by themselves."""
        for name, message in self.named.faults():
            yield Problem(f"outcomes.{name}", message)
        if self.samples is None and "temperature" in self.model_fields_set:
            message = "nothing is drawn without `samples`: say how many, or leave this out"
            yield Problem("temperature", message)


def rate_problems(metrics: Iterable[Metric], reply: Replying | None) -> Problems:
    """What is wrong with metrics some of which read the outcomes of ``reply``."""
    outcomes = {metric.outcome: metric for metric in metrics if metric.outcome is not None}
    if reply is None:
        for metric in outcomes.values():
            message = f"{metric} is of replies: add `reply`, with its `tokens` and `outcomes`"
            yield Problem("metric", message)
        return
    for name in outcomes:
        if name not in reply.named.names:
            advice = suggest(name, reply.named.names)
            yield Problem("metric", f"{name!r} is not an outcome of `reply`: {advice}")
    if not outcomes:
        advice = f"name rate({reply.named.names[0]}), or leave this out"
        yield Problem("reply", f"no metric reads it: {advice}")
    for problem in reply.of_replies():
        yield Problem(f"reply.{problem.key}", problem.message)
