"""`reply`: what the model writes, by outcomes that patterns name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np

from ppcheck.measure.core.check import Bench, Check, CheckResult, statistic_result, units_of
from ppcheck.measure.core.replies import has, reply_doubts, told, written
from ppcheck.spec.expectations.range import RATE, Range
from ppcheck.spec.expectations.replying import Replying
from ppcheck.spec.problem import Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.statistics.statistics import Proportion
from ppcheck.subject.tokens.encoding import Encoded


class Reply(Check, Replying):
    """What the model writes after the prompts, sorted into outcomes.

    rate(outcome)  share of replies that have the outcome; those in which none is found are `other`

    It writes up to `tokens`, or until a token with which the model ends a reply: the likeliest
    token each time or, with `samples`, so many replies to each prompt drawn at `temperature`.
    """

    family: ClassVar[str] = "behaviour"
    check: Literal["reply"]

    def statistics(self) -> Mapping[str, Range]:
        return {_rate(name): RATE for name in self.named.names}

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from self.of_replies()

    @property
    def sampling(self) -> Iterator[str]:
        if self.samples is not None:
            yield "samples"

    def counted(self, encoded: Encoded) -> tuple[str, ...]:
        """None: choices are what else could have been read of these prompts."""
        del encoded
        return ()

    def measure(self, bench: Bench) -> CheckResult:
        encoded = bench.prompts(self.on)
        replies = written(bench, encoded, self)
        units, texts = np.repeat(units_of(encoded.prompts), self.each), list(map(str, replies))
        found = [
            statistic_result(Proportion(has(replies, name), units, _rate(name)), texts)
            for name in self.named.names
        ]
        return self.result(bench, [encoded], found, *told(replies, self))

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del bench
        yield from reply_doubts(result, self)


def _rate(outcome: str) -> str:
    return f"rate({outcome})"
