"""`reply`: what the model writes, by outcomes that patterns name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.measure.core.answers import LOW
from ppcheck.measure.core.check import Bench, Check, CheckResult, statistic_result, units_of
from ppcheck.measure.core.facts import Facts, Replies, Written
from ppcheck.spec.expectations.outcomes import OTHER, Outcomes
from ppcheck.spec.expectations.range import RATE, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.statistics.statistics import Proportion
from ppcheck.subject.interventions.writing import NOTHING, Writing
from ppcheck.subject.tokens.encoding import Encoded

SHOWN = 5
"""How many different replies of an outcome a record keeps, the commonest."""


@dataclass(frozen=True)
class _Reply:
    """``is_cut`` where it was still going on when it had as many tokens as it may have."""

    prompt: str
    text: str
    outcome: str
    is_cut: bool


class Reply(Check):
    """What the model writes after the prompts, sorted into outcomes.

    rate(outcome)  share of replies that have the outcome; those in which none is found are `other`

    It writes up to `tokens`, or until a token with which the model ends a reply: the likeliest
    token each time or, with `samples`, so many replies to each prompt drawn at `temperature`.
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["reply"]
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
    def _outcomes(self) -> Outcomes:
        return Outcomes(self.outcomes, self.match == "last", self.after)

    @property
    def _most(self) -> str:
        return "1 token" if self.tokens == 1 else f"{self.tokens:,} tokens"

    def statistics(self) -> Mapping[str, Range]:
        return {_rate(name): RATE for name in self._outcomes.names}

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        for name, message in self._outcomes.faults():
            yield Problem(f"outcomes.{name}", message)
        if self.samples is None and "temperature" in self.model_fields_set:
            message = "nothing is drawn without `samples`: say how many, or leave this out"
            yield Problem("temperature", message)

    def counted(self, encoded: Encoded) -> tuple[str, ...]:
        """None: choices are what else could have been read of these prompts."""
        del encoded
        return ()

    def measure(self, bench: Bench) -> CheckResult:
        encoded, each = bench.prompts(self.on), self.samples or 1
        replies = list(self._replies(bench, encoded, each))
        units = np.repeat(units_of(encoded.prompts), each)
        texts = [f"{reply.prompt} → {reply.text}" for reply in replies]
        found = []
        for name in self._outcomes.names:
            is_it = np.array([reply.outcome == name for reply in replies])
            found.append(statistic_result(Proportion(is_it, units, _rate(name)), texts))
        shown = {name: _shown(name, replies) for name in self._outcomes.names}
        undecided = sum(reply.is_cut and reply.outcome == OTHER for reply in replies)
        facts = Facts(replies=shown, extras={"undecided": undecided / len(replies)})
        return self.result(bench, [encoded], found, facts, list(self._notes(replies)))

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del bench
        undecided = result.facts.extras["undecided"]
        if undecided >= LOW:
            yield (
                f"{undecided:.0%} of the replies were cut off at {self._most} before any outcome "
                "was found in them: give more `tokens`"
            )

    def _replies(self, bench: Bench, encoded: Encoded, each: int) -> Iterator[_Reply]:
        """Replies of one prompt follow each other."""
        subject, tokens, outcomes = bench.subject, encoded.tokens, self._outcomes
        writing = Writing(self.tokens)
        if self.samples is not None:
            writing = Writing(self.tokens, self.temperature, bench.seed)
        prompts = [ids for ids in encoded.ids for _ in range(each)]
        numbers = [number for _ in encoded.ids for number in range(each)]
        for row, ids in enumerate(subject.replies(prompts, numbers, writing).tolist()):
            kept = [token for token in ids if token not in (NOTHING, *subject.ends)]
            text = tokens.text(kept)
            prompt = encoded.prompts[row // each].text
            yield _Reply(prompt, text, outcomes.of(text), len(kept) == self.tokens)

    def _notes(self, replies: Sequence[_Reply]) -> Iterator[str]:
        whole = f"of {len(replies):,} replies"
        if cut := sum(reply.is_cut for reply in replies):
            yield f"{cut:,} {whole} were cut off at {self._most}"
        if self.after is not None:
            lacking = sum(self.after not in reply.text for reply in replies)
            if lacking:
                yield f"{lacking:,} {whole} have no {self.after!r}, and so are `{OTHER}`"


def _rate(outcome: str) -> str:
    return f"rate({outcome})"


def _shown(outcome: str, replies: Sequence[_Reply]) -> Replies:
    """The commonest replies of an outcome, each with the first prompt that had it."""
    own = [reply for reply in replies if reply.outcome == outcome]
    prompts = {reply.text: reply.prompt for reply in reversed(own)}
    common = Counter(reply.text for reply in own).most_common(SHOWN)
    shown = (Written(prompt=prompts[text], reply=text, count=count) for text, count in common)
    return Replies(count=len(own), shown=tuple(shown))
