"""Replies: what the model writes after prompts, sorted into outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.measure.core.answers import LOW
from ppcheck.measure.core.check import Bench, CheckResult
from ppcheck.measure.core.facts import Facts, Replies, Written
from ppcheck.measure.core.metrics import read
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.expectations.outcomes import OTHER
from ppcheck.spec.expectations.replying import Replying
from ppcheck.subject.interventions.writing import NOTHING, Writing
from ppcheck.subject.tokens.encoding import Encoded

SHOWN = 5
"""How many different replies of an outcome a record keeps, the commonest."""
UNDECIDED = "undecided"
"""The share of replies that were cut off before any outcome was found in them."""


@dataclass(frozen=True)
class Reply:
    """``is_cut`` where it was still going on when it had as many tokens as it may have."""

    prompt: str
    text: str
    outcome: str
    is_cut: bool

    def __str__(self) -> str:
        return f"{self.prompt} → {self.text}"


def written(bench: Bench, encoded: Encoded, asked: Replying | None) -> list[Reply]:
    """Replies to the prompts; those of one prompt, ``asked.each``, follow each other."""
    if asked is None:
        return []
    subject, tokens, outcomes = bench.subject, encoded.tokens, asked.named
    writing = Writing(asked.tokens)
    if asked.samples is not None:
        writing = Writing(asked.tokens, asked.temperature, bench.seed)
    prompts = [ids for ids in encoded.ids for _ in range(asked.each)]
    numbers = [number for _ in encoded.ids for number in range(asked.each)]
    replies = []
    for row, ids in enumerate(subject.replies(prompts, numbers, writing).tolist()):
        kept = [token for token in ids if token not in (NOTHING, *subject.ends)]
        text, prompt = tokens.text(kept), encoded.prompts[row // asked.each].text
        replies.append(Reply(prompt, text, outcomes.of(text), len(kept) == asked.tokens))
    return replies


def has(replies: Sequence[Reply], outcome: str) -> Mask:
    """Which of the replies have the outcome, [reply]."""
    return np.array([reply.outcome == outcome for reply in replies])


def read_with_replies(
    bench: Bench, encoded: Encoded, metric: Metric, replies: Sequence[Reply]
) -> Floats:
    """The metric on untouched runs, [prompt]: of the logits after it, or of the replies to it."""
    if metric.outcome is None:
        return read(bench.subject, encoded, metric, bench.grid.prompt_set.pool)
    rates: Floats = has(replies, metric.outcome).reshape(len(encoded), -1).mean(axis=1)
    return rates


def told(replies: Sequence[Reply], asked: Replying | None) -> tuple[Facts, list[str]]:
    """What a record keeps of replies, and what there is to say of them."""
    if asked is None:
        return Facts(), []
    shown = {name: _shown(name, replies) for name in asked.named.names}
    undecided = sum(reply.is_cut and reply.outcome == OTHER for reply in replies)
    facts = Facts(replies=shown, extras={UNDECIDED: undecided / len(replies)})
    return facts, list(_notes(replies, asked))


def _notes(replies: Sequence[Reply], asked: Replying) -> Iterator[str]:
    whole = f"of {len(replies):,} replies"
    if cut := sum(reply.is_cut for reply in replies):
        yield f"{cut:,} {whole} were cut off at {_most(asked)}"
    if asked.after is not None:
        lacking = sum(asked.after not in reply.text for reply in replies)
        if lacking:
            yield f"{lacking:,} {whole} have no {asked.after!r}, and so are `{OTHER}`"


def reply_doubts(result: CheckResult, asked: Replying | None) -> Iterator[str]:
    """That a claim that holds has not seen how many of the replies end."""
    undecided = result.facts.extras.get(UNDECIDED, 0.0)
    if asked is not None and undecided >= LOW:
        yield (
            f"{undecided:.0%} of the replies were cut off at {_most(asked)} before any outcome "
            "was found in them: give more `tokens`"
        )


def _most(asked: Replying) -> str:
    return "1 token" if asked.tokens == 1 else f"{asked.tokens:,} tokens"


def _shown(outcome: str, replies: Sequence[Reply]) -> Replies:
    """The commonest replies of an outcome, each with the first prompt that had it."""
    own = [reply for reply in replies if reply.outcome == outcome]
    prompts = {reply.text: reply.prompt for reply in reversed(own)}
    common = Counter(reply.text for reply in own).most_common(SHOWN)
    shown = (Written(prompt=prompts[text], reply=text, count=count) for text, count in common)
    return Replies(count=len(own), shown=tuple(shown))
