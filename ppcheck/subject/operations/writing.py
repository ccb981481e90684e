"""What the model writes after prompts, token by token."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ppcheck.arrays import Integers
from ppcheck.errors import MeasurementError
from ppcheck.subject.engine.batches import Progress, batches
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.memory import in_parts
from ppcheck.subject.engine.writing import Writer, writer
from ppcheck.subject.interventions.writing import NOTHING, Writing
from ppcheck.subject.model.device import in_numpy
from ppcheck.subject.tokens.tokenizer import Ids


def replies(
    engine: Engine,
    prompts: Sequence[Ids],
    numbers: Sequence[int],
    writing: Writing,
    ends: Collection[int],
    progress: Progress,
) -> Integers:
    """Tokens [row, token] of the reply of each number to each prompt; see `Subject.replies`.

    A batch always has as many rows as its length allows, and fills up with its last one: what is
    computed of a row then goes by its shape alone, and not by which others run beside it.
    """
    longest = max(map(len, prompts)) + writing.tokens
    if longest > engine.shape.n_positions:
        raise MeasurementError(
            f"a prompt and its reply are up to {longest} tokens and {engine.hooks.model} takes "
            f"{engine.shape.n_positions}: ask for fewer `tokens`"
        )
    pen, found = writer(engine), np.empty((len(prompts), writing.tokens), dtype=np.int64)

    def write(part: Sequence[int]) -> Integers:
        some = [(prompts[row], numbers[row]) for row in part]
        return _written(engine, pen, some, writing, ends)

    def rows(key: tuple[int]) -> int:
        return engine.written_rows(key[0] + writing.tokens, drawn=writing.temperature > 0)

    done = 0
    for batch in batches([(len(ids),) for ids in prompts], rows):
        size = rows((len(prompts[batch[0]]),))
        whole = batch + batch[-1:] * (size - len(batch))
        for part, tokens in in_parts(whole, size, write, engine.hooks.model):
            found[list(part)] = tokens
        done += len(batch)
        progress("write", done, len(prompts))
    return found


def _written(
    engine: Engine,
    pen: Writer,
    some: Sequence[tuple[Ids, int]],
    writing: Writing,
    ends: Collection[int],
) -> Integers:
    """Replies to prompts of one length, [row, token]."""
    found = np.full((len(some), writing.tokens), NOTHING)
    uniforms = np.array([writing.uniforms(ids, number) for ids, number in some])
    going = np.ones(len(some), dtype=bool)
    with engine.running():
        logits = pen.begin([ids for ids, _ in some])
        for place in range(writing.tokens):
            if writing.temperature:
                tokens = writing.drawn(in_numpy(logits), uniforms[:, place])
            else:
                tokens = logits.argmax(dim=1).cpu().numpy()
            found[going, place] = tokens[going]
            going &= ~np.isin(tokens, list(ends))
            if place + 1 == writing.tokens or not going.any():
                break
            logits = pen.follow(tokens)
    return found
