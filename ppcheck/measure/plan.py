"""What claims would ask of a model, found by measuring them on a `Recorder`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import PpcheckError
from ppcheck.measure.core.check import Bench, Check
from ppcheck.measure.cost import Request, distinct_tokens
from ppcheck.measure.recorder import Recorder
from ppcheck.spec.prompts.grid import Grid
from ppcheck.subject.featured import featured
from ppcheck.subject.interventions.readout import Distribution
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory, Store
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.tokenizer import Ids


@dataclass(frozen=True)
class Share:
    """What one claim adds to the arithmetic of those before it, over ``units`` of its prompts.

    There are 0 where the prompts are all there is, and none can be spared.
    """

    claim: str
    flops: float
    prompts: str
    units: int


@dataclass(frozen=True)
class Plan:
    """The work of some claims on one model, after merging.

    ``asked`` counts measurements as a record does, ``known`` those of them that are in the cache or
    were asked for before, and ``requests`` are those to be made. ``speed`` in FLOP/s is None where
    there is nothing to do. ``guessed`` names the claims whose work depends on what is yet to be
    measured, ``refused`` says why others could not be planned. ``shares`` are those of the claims,
    in their order.
    """

    subject: Subject
    claims: int
    asked: int
    known: int
    requests: tuple[Request, ...]
    speed: float | None
    guessed: tuple[str, ...]
    refused: Mapping[str, str]
    shares: tuple[Share, ...]

    @property
    def to_measure(self) -> int:
        return sum(request.members for request in self.requests)

    @property
    def prompts(self) -> set[tuple[int, ...]]:
        return {ids for request in self.requests for ids in request.prompts}

    @property
    def distinct_tokens(self) -> int:
        return distinct_tokens(self.prompts)

    def members(self, *what: str) -> int:
        return sum(request.members for request in self.requests if request.what in what)

    @property
    def replayed(self) -> Integers:
        """Tokens recomputed under patches, [layer]."""
        nothing = np.zeros(self.subject.shape.n_layers, dtype=np.int64)
        return sum((request.replayed for request in self.requests), nothing)

    @property
    def flops(self) -> float:
        return sum(share.flops for share in self.shares)

    @property
    def seconds(self) -> float:
        return 0.0 if self.speed is None else self.flops / self.speed


class _ReadOnly:
    """A store that is read and never written."""

    def __init__(self, below: Store) -> None:
        self.below = below

    def load(self, family: str, members: Iterable[str]) -> dict[str, Floats]:
        return self.below.load(family, members)

    def save(self, family: str, found: Mapping[str, Floats]) -> None:
        """Forget it: made-up numbers mean nothing."""


def plan(
    subject: Subject, claims: Mapping[str, tuple[Check, Grid]], store: Store, seed: int = 0
) -> Plan:
    """What the claims, by name, would ask of the model beyond what ``store`` holds."""
    recorder, memory = Recorder(subject), Memory(_ReadOnly(store))
    asked = known = 0
    _ = Memo(recorder, memory).rounding  # no claim asks for it as a measurement
    refused: dict[str, str] = {}
    shares: list[Share] = []
    for name, (claim, grid) in claims.items():
        memo, before = Memo(recorder, memory), len(recorder.requests)
        try:
            claim.measure(Bench(featured(memo, grid.features), grid, seed))
        except PpcheckError as error:
            refused[name] = str(error)
        asked, known = asked + memo.asked, known + memo.known
        if recorder.requests[before:]:
            flops = sum(r.flops(subject.info, subject.shape) for r in recorder.requests[before:])
            shares.append(Share(name, flops, claim.on.prompts, _sampled_units(claim, grid)))
    looking = [name for name, (claim, _) in claims.items() if claim.looks]
    return Plan(
        subject,
        len(claims),
        asked,
        known,
        tuple(recorder.requests),
        speed(subject, recorder.sample) if recorder.sample else None,
        tuple(looking) if recorder.requests else (),
        refused,
        tuple(shares),
    )


def _sampled_units(claim: Check, grid: Grid) -> int:
    fixed = grid.prompt_set.is_fixed
    return 0 if fixed else len({prompt.unit for prompt in grid.select(claim.on)})


def speed(subject: Subject, prompts: Sequence[Ids]) -> float:
    """FLOP/s with which the model reads these prompts, after a first, untimed one."""
    subject.read_after(prompts[:1], Distribution())
    started = time.perf_counter()
    subject.read_after(prompts, Distribution())
    seconds = time.perf_counter() - started
    recorder = Recorder(subject)
    recorder.read_after(prompts, Distribution())
    return recorder.requests[0].flops(subject.info, subject.shape) / seconds
