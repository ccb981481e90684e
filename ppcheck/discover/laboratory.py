"""Measures claims on either half of the prompts, as a run of pytest would."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from ppcheck.discover.draft import Draft, Raw
from ppcheck.discover.seen import Seen
from ppcheck.errors import MeasurementError, ModelError, SearchError, UnsupportedError
from ppcheck.measure.core.check import Bench, Check
from ppcheck.measure.plan import plan, speed
from ppcheck.measure.recorder import SAMPLE
from ppcheck.record.cache import Disk
from ppcheck.record.examine import Examination, Measured
from ppcheck.record.known import KnownClaims, examined
from ppcheck.record.run import ClaimRecord
from ppcheck.spec.load import Entry
from ppcheck.spec.prompts.prompt_set import Half
from ppcheck.subject.load import load
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.locate import ModelRef
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.store import Memory, Store
from ppcheck.subject.subject import Subject


@dataclass(frozen=True)
class Model:
    """The model that is looked at, and what is known of it."""

    ref: ModelRef
    subject: Subject
    store: Store
    known: KnownClaims | None
    seed: int


def load_model(
    ref: ModelRef, draft: Draft, settings: Settings, seed: int, kept: tuple[Path, Path] | None
) -> Model:
    """The model; ``kept`` are the folders of its cache and of known claims, or None.

    Raises ModelError where it cannot be loaded, or the draft is about others.
    """
    if not (spec := draft.spec()).is_about(*ref.names):
        raise ModelError(f"{spec.path} is about {spec.about}, not {ref.label}: change `models`")
    if kept is None:
        return Model(ref, load(ref, settings), Memory(), None, seed)
    cache, claims = kept
    store = Memory(Disk(cache))
    return Model(ref, load(ref, settings, store), store, KnownClaims(claims, settings), seed)


@dataclass
class Laboratory:
    """A model and a file's prompts; ``seconds`` is how long may be looked for, None without end."""

    model: Model
    draft: Draft
    seconds: float | None = None
    started: float = field(default_factory=time.monotonic)

    def look(self, raw: Raw) -> Seen:
        """What the claim measures on the half that is looked at; its bounds have no part in it.

        Raises SearchError where that takes longer than what is left of the time, SpecError for what
        is wrong with the claim, and a MeasurementError or UnsupportedError as measuring does.
        """
        entry = self.draft.entry(raw, "explore")
        measured = self._known(entry)
        if measured is None:
            self._check_time([raw])
            measured = self._measured(entry)
        if measured.result is None:
            raise UnsupportedError(measured.lacks)
        return Seen(measured.result, self.model.seed)

    def knows(self, raw: Raw) -> bool:
        """Whether it is known what the claim measures on the half that is looked at."""
        return self._known(self.draft.entry(raw, "explore")) is not None

    def judge(self, raw: Raw) -> ClaimRecord:
        """The claim's record on the other half."""
        examination = self._examination(self.draft.entry(raw, "judge"))
        models: dict[str, dict[str, Any]] = {}
        model = self.model
        try:
            return examined(
                examination, model.ref, model.known, lambda: self._examine(examination), models
            )
        except (MeasurementError, UnsupportedError) as error:
            return examination.refused(error)

    def bench(self, prompts: str, half: Half = "explore") -> Bench:
        grid = self.draft.sets[prompts].grid(half)
        return Bench(self.memo(), grid, self.model.seed)

    def memo(self) -> Memo:
        return Memo(self.model.subject, self.model.store)

    def expected(self, claims: Iterable[Raw], half: Half = "explore") -> float:
        """About how many seconds they take, beyond what is known already."""
        entries = [self.draft.entry(raw, half) for raw in claims]
        asked = {
            f"{number}": (cast("Check", entry.claim), entry.grid)
            for number, entry in enumerate(entries)
            if entry.grid is not None
        }
        flops = plan(self.model.subject, asked, self.model.store, self.model.seed).flops
        return flops / self._speed if flops else 0.0

    @cached_property
    def _speed(self) -> float:
        """FLOP/s with which the model reads a few of the prompts."""
        grid = next(iter(self.draft.sets.values())).explore
        return speed(self.model.subject, self.memo().encode(grid.prompts[:SAMPLE]).ids)

    def left(self) -> float | None:
        """How many seconds of the time are left."""
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - (time.monotonic() - self.started))

    def _check_time(self, claims: Iterable[Raw]) -> None:
        left = self.left()
        if left is None:
            return
        if (needed := self.expected(claims)) > left:
            raise SearchError(f"it takes about {needed:.0f} s, and {left:.0f} s are left")

    def _examination(self, entry: Entry) -> Examination:
        spec = self.draft.spec(entry)
        return Examination(spec, entry, self.model.ref.label, self.model.seed)

    def _known(self, entry: Entry) -> Measured | None:
        known, examination = self.model.known, self._examination(entry)
        if known is None or (names := known.names(examination, self.model.ref)) is None:
            return None
        return known.measured(names)

    def _measured(self, entry: Entry) -> Measured:
        known, examination = self.model.known, self._examination(entry)
        found = self._examine(examination)
        if known is not None and (names := known.names(examination, self.model.ref)) is not None:
            known.keep(names, found, self.model.ref)
        return found

    def _examine(self, examination: Examination) -> Measured:
        return examination.measured(self.memo())
